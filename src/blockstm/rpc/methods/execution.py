"""Calls that change nothing: their results, gas, access lists; simulated blocks."""

from __future__ import annotations

from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum import (
    Failure,
    Message,
    call,
    create_access_list,
    estimate_gas,
    simulate,
)
from blockstm.ethereum.codecs.fields import Fields, shown
from blockstm.rpc.errors import call_error
from blockstm.rpc.forms import word
from blockstm.rpc.messages import (
    block_calls_of,
    block_overrides_of,
    message_of_json,
    overrides_of,
)
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params, refuse
from blockstm.rpc.simulated_forms import simulated_block_form

__all__ = ["call_options", "call_state", "create_list", "estimate", "simulate_blocks"]

_BLOCKS_MAX: Final = 256


def _message(params: Params) -> Message:
    return message_of_json(params.raw(0), "invalid argument 0")


def call_options(
    node: Node, params: Params, overrides: object, block_overrides: object
) -> tuple[Any, dict[str, Any]]:
    """The state that a call is on, and the options of `blockstm.ethereum.call`."""
    state = node.state(params.block(1))
    options = node.call_options(state)
    options["overrides"] = overrides_of(overrides, "invalid argument 2")
    options["block_overrides"] = block_overrides_of(block_overrides, "invalid argument 3")
    return state, options


def call_state(node: Node, params: Params) -> Any:
    """``eth_call``."""
    state, options = call_options(node, params, params.raw(2), params.raw(3))
    result = call(state, _message(params), **options)
    if not result.succeeded:
        raise call_error(result)
    return shown(result.output)


def estimate(node: Node, params: Params) -> Any:
    """``eth_estimateGas``."""
    state, options = call_options(node, params, params.raw(2), params.raw(3))
    return shown(estimate_gas(state, _message(params), **options))


def create_list(node: Node, params: Params) -> Any:
    """``eth_createAccessList``."""
    state, options = call_options(node, params, params.raw(2), None)
    created = create_access_list(state, _message(params), **options)
    result = created.result
    if result.rejection is not None:
        raise call_error(result)
    members: dict[str, Any] = {
        "accessList": [
            {"address": shown(address), "storageKeys": [word(slot) for slot in slots]}
            for address, slots in created.access_list
        ],
        "gasUsed": shown(result.gas_used),
    }
    if not result.succeeded:
        is_reverted = result.failure is Failure.REVERTED
        members["error"] = "execution reverted" if is_reverted else result.error
    return members


def simulate_blocks(node: Node, params: Params) -> Any:
    """``eth_simulateV1``."""
    place = "invalid argument 0"
    fields = Fields(params.members(0), place)
    asked = fields.elements("blockStateCalls")
    if not asked:
        raise refuse("empty input")
    if len(asked) > _BLOCKS_MAX:
        raise refuse(f"more than {_BLOCKS_MAX} blocks")
    flags = {
        name: _flag(params.members(0), name)
        for name in ("validation", "traceTransfers", "returnFullTransactions")
    }
    state = node.state(params.block(1))
    blocks = simulate(
        state.header,
        [block_calls_of(*each) for each in asked],
        state,
        chain=node.chain.spec,
        validation=flags["validation"],
        trace_transfers=flags["traceTransfers"],
        block_hashes=state.block_hashes,
        total_difficulty=node.chain.total_difficulty(state.hash),
        gas_cap=node.limits.gas,
    )
    return [simulated_block_form(each, full=flags["returnFullTransactions"]) for each in blocks]


def _flag(members: Any, name: str) -> bool:
    value = members.get(name)
    if value is not None and not isinstance(value, bool):
        raise DecodeError(f"invalid argument 0.{name}: expected true or false", name)
    return bool(value)
