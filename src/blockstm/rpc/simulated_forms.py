"""Simulated blocks and what became of their calls, as JSON-RPC shows them."""

from __future__ import annotations

from typing import Any, Final

from blockstm.ethereum import CallResult, Failure, SimulatedBlock
from blockstm.ethereum.codecs.fields import shown
from blockstm.rpc.errors import REVERTED
from blockstm.rpc.forms import block_form, log_form, mined_form

__all__ = ["simulated_block_form"]

_VM_ERROR: Final = -32015


def simulated_block_form(done: SimulatedBlock, *, full: bool) -> dict[str, Any]:
    """A block as `eth_simulateV1` shows it; its transactions are whole, or ``full`` is false."""
    members = block_form(done.block, full=False)
    if full:
        members["transactions"] = [_transaction(done, index) for index in range(len(done.calls))]
    members["calls"] = [_call_form(done, index) for index in range(len(done.calls))]
    return members


def _transaction(done: SimulatedBlock, index: int) -> dict[str, Any]:
    transaction = done.block.transactions[index]
    members = mined_form(done.block, index, done.calls[index].sender)
    is_free = not transaction.max_fee_per_gas and not transaction.max_priority_fee_per_gas
    if transaction.type > 1 and is_free:
        members["gasPrice"] = shown(0)
    return members


def _call_form(done: SimulatedBlock, index: int) -> dict[str, Any]:
    simulated = done.calls[index]
    result = simulated.result
    members: dict[str, Any] = {
        "returnData": shown(result.output if result.succeeded else b""),
        "logs": [
            log_form(done.block, index, (log.address, log.topics, log.data), number)
            for log, number in simulated.logs
        ],
        "gasUsed": shown(result.gas_used),
        "maxUsedGas": shown(result.gas_before_refund),
        "status": shown(int(result.succeeded)),
    }
    if not result.succeeded:
        members["error"] = _error(result)
    return members


def _error(result: CallResult) -> dict[str, Any]:
    if result.failure is Failure.REVERTED:
        return {"message": result.error, "code": REVERTED, "data": shown(result.output)}
    return {"message": result.error, "code": _VM_ERROR}
