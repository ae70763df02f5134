"""``flatCallTracer``: the calls of a transaction one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.tracing.call_frames import CallFrame, call_frames
from blockstm.ethereum.tracing.failures import REVERTED
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.vm.evm import recording

__all__ = ["FlatCallTracer"]

_PARITY: Final = {
    "contract creation code storage out of gas": "Out of gas",
    "out of gas": "Out of gas",
    "gas uint64 overflow": "Out of gas",
    "max code size exceeded": "Out of gas",
    "invalid jump destination": "Bad jump destination",
    "execution reverted": "Reverted",
    "return data out of bounds": "Out of bounds",
    "stack limit reached 1024 (1023)": "Out of stack",
    "precompiled failed": "Built-in failed",
    "invalid input length": "Built-in failed",
}
_PARITY_BEGINNINGS: Final = {
    "out of gas:": "Out of gas",
    "invalid opcode:": "Bad instruction",
    "stack underflow": "Stack underflow",
}


class FlatCallTracer(Tracer):
    """The calls of a transaction as a list, each with its place among them.

    Args:
        convert_parity_errors: whether failures are told in OpenEthereum's words.
        include_precompiles: whether calls of precompiled contracts are shown.
    """

    words_failures: ClassVar[bool] = True
    mask = recording.CALLS | recording.SELFDESTRUCTS

    def __init__(
        self, *, convert_parity_errors: bool = False, include_precompiles: bool = False
    ) -> None:
        self._converts = convert_parity_errors
        self._with_precompiles = include_precompiles

    def trace(self, traced: TracedTransaction) -> Any:
        """The list."""
        top = call_frames(traced)
        if not self._with_precompiles:
            _leave_out_precompiles(top, traced.precompiles)
        where = {
            "blockHash": shown(traced.header.hash),
            "blockNumber": traced.header.number,
            "transactionHash": shown(traced.transaction.hash),
            "transactionPosition": traced.index,
        }
        return [shown_frame | where for shown_frame in self._flat(top, [])]

    def _flat(self, frame: CallFrame, place: list[int]) -> Iterator[dict[str, Any]]:
        members = _members(frame)
        if frame.error:
            members["error"] = _converted(frame.error) if self._converts else frame.error
            if frame.error != REVERTED:
                del members["result"]
        yield members | {"subtraces": len(frame.calls), "traceAddress": place}
        for index, each in enumerate(frame.calls):
            yield from self._flat(each, [*place, index])


def _leave_out_precompiles(frame: CallFrame, precompiles: frozenset[bytes]) -> None:
    frame.calls = [
        each
        for each in frame.calls
        if each.kind not in ("CALL", "STATICCALL") or each.to not in precompiles
    ]
    for each in frame.calls:
        _leave_out_precompiles(each, precompiles)


def _members(frame: CallFrame) -> dict[str, Any]:
    if frame.kind == "SELFDESTRUCT":
        action = {
            "address": shown(frame.sender),
            "balance": shown(frame.value or 0),
            "refundAddress": shown(frame.to or b""),
        }
        return {"type": "suicide", "action": action}
    action = {
        "from": shown(frame.sender),
        "gas": shown(frame.gas),
        "value": shown(frame.value or 0),
    }
    result: dict[str, Any] = {"gasUsed": shown(frame.gas_used)}
    if frame.creates:
        action |= {"creationMethod": frame.kind.lower(), "init": shown(frame.given)}
        if frame.to is not None:
            result["address"] = shown(frame.to)
        return {
            "type": "create",
            "action": action,
            "result": result | {"code": shown(frame.output)},
        }
    action |= {"callType": frame.kind.lower(), "input": shown(frame.given)}
    if frame.to is not None:
        action["to"] = shown(frame.to)
    return {"type": "call", "action": action, "result": result | {"output": shown(frame.output)}}


def _converted(error: str) -> str:
    if error in _PARITY:
        return _PARITY[error]
    found = (words for begin, words in _PARITY_BEGINNINGS.items() if error.startswith(begin))
    return next(found, error)
