"""``callTracer``: the calls of a transaction, each with those within it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.solidity import decode_revert
from blockstm.ethereum.tracing.failures import REVERTED, call_failure
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.types import Address
from blockstm.vm.evm import recording
from blockstm.vm.evm.inspection import FIRST_CREATION, KINDS

__all__ = ["CallFrame", "CallTracer", "call_frames"]

_NO_ADDRESS: Final = bytes(20)


class CallFrame:
    """A call, a creation, or the end of an account.

    Attributes:
        kind: "CALL" and its like, or "SELFDESTRUCT".
        sender: who called, by go-ethereum's ideas of it: of a DELEGATECALL the contract.
        to: whose code ran; of a creation the new account; None where there is none.
        value: in wei; None of a STATICCALL.
        gas, gas_used: in gas.
        given, output: data.
        error: why it failed; empty where it did not.
        calls: those within it.
        logs: as JSON.
        began, fault: what was recorded of it.
        logs_before: how many there were in the block when it began.
    """

    __slots__ = (
        "began",
        "calls",
        "error",
        "fault",
        "gas",
        "gas_used",
        "given",
        "kind",
        "logs",
        "logs_before",
        "output",
        "sender",
        "to",
        "value",
    )

    def __init__(self, kind: str, sender: Address, to: Address | None, value: int | None) -> None:
        self.kind, self.sender, self.to, self.value = kind, sender, to, value
        self.gas = self.gas_used = self.logs_before = 0
        self.given = self.output = b""
        self.error = ""
        self.calls: list[CallFrame] = []
        self.logs: list[dict[str, Any]] = []
        self.fault: recording.Fault | None = None
        self.began: recording.CallBegan

    @property
    def creates(self) -> bool:
        """Whether it is a creation."""
        return self.kind.startswith("CREATE")


def call_frames(traced: TracedTransaction, *, only_top: bool = False) -> CallFrame:
    """The transaction's own call, with all within it."""
    frames: list[CallFrame] = []
    builder = _Builder(traced, frames, only_top)
    for event in recording.read_events(traced.events):
        match event:
            case recording.CallBegan():
                builder.begin(event)
            case recording.CallEnded():
                builder.end(event)
            case recording.Logged():
                builder.log(event)
            case recording.SelfDestructed():
                builder.selfdestruct(event)
            case recording.Fault():
                builder.fault(event)
    return builder.finished()


class _Builder:
    def __init__(self, traced: TracedTransaction, frames: list[CallFrame], only_top: bool) -> None:
        self._traced = traced
        self._open = frames
        self._only_top = only_top
        self._logs = traced.first_log
        self._top: CallFrame | None = None

    def begin(self, event: recording.CallBegan) -> None:
        kind = KINDS[event.kind]
        sender = event.target if kind == "DELEGATECALL" else event.caller
        creates = event.kind >= FIRST_CREATION
        frame = CallFrame(
            kind,
            sender,
            None if creates else event.code_address,
            None if kind == "STATICCALL" else event.value,
        )
        frame.began, frame.gas, frame.given = event, event.gas, event.input
        frame.logs_before = self._logs
        self._open.append(frame)

    def end(self, event: recording.CallEnded) -> None:
        frame = self._open.pop()
        frame.gas_used = frame.gas - event.gas_left
        if event.succeeded:
            frame.output = event.output
            if event.created != _NO_ADDRESS:
                frame.to = event.created
        else:
            self._fail(frame, event)
        if not self._open:
            self._top = frame
        elif not (self._only_top and self._open):
            self._open[-1].calls.append(frame)

    def _fail(self, frame: CallFrame, event: recording.CallEnded) -> None:
        frame.error = call_failure(event.failure, frame.fault, self._traced.fork, frame.began)
        if frame.error == REVERTED:
            frame.output = event.output
        self._logs = frame.logs_before
        _forget_logs(frame)

    def log(self, event: recording.Logged) -> None:
        frame = self._open[-1]
        if not (self._only_top and len(self._open) > 1):
            frame.logs.append(
                {
                    "address": shown(event.address),
                    "topics": [*map(shown, event.topics)],
                    "data": shown(event.data),
                    "index": shown(self._logs),
                    "position": shown(len(frame.calls)),
                }
            )
        self._logs += 1

    def selfdestruct(self, event: recording.SelfDestructed) -> None:
        if not self._only_top:
            gone = CallFrame("SELFDESTRUCT", event.address, event.beneficiary, event.amount)
            self._open[-1].calls.append(gone)

    def fault(self, event: recording.Fault) -> None:
        self._open[-1].fault = event

    def finished(self) -> CallFrame:
        """The top call: with all the gas of the transaction, and all that it used."""
        transaction, execution = self._traced.transaction, self._traced.execution
        top = self._top
        if top is None:  # there was no gas for it (EIP-2780)
            kind = "CREATE" if transaction.to is None else "CALL"
            top = CallFrame(kind, self._traced.sender, transaction.to, transaction.value)
            top.given = transaction.data
            top.error = "out of gas"
        top.gas, top.gas_used = transaction.gas, execution.gas_used
        return top


def _forget_logs(frame: CallFrame) -> None:
    frame.logs.clear()
    for each in frame.calls:
        _forget_logs(each)


class CallTracer(Tracer):
    """The calls of a transaction as an object, those within a call under ``calls``.

    Args:
        with_log: whether logs are shown, of calls that did not fail.
        only_top_call: whether the calls within the transaction's own are left out.
    """

    words_failures: ClassVar[bool] = True

    def __init__(self, *, with_log: bool = False, only_top_call: bool = False) -> None:
        self._only_top = only_top_call
        self.mask = recording.CALLS | recording.SELFDESTRUCTS
        if with_log:
            self.mask |= recording.LOGS

    def trace(self, traced: TracedTransaction) -> Any:
        """The transaction's own call."""
        return _shown(call_frames(traced, only_top=self._only_top))


def _shown(frame: CallFrame) -> dict[str, Any]:
    members: dict[str, Any] = {
        "from": shown(frame.sender),
        "gas": shown(frame.gas),
        "gasUsed": shown(frame.gas_used),
        "input": shown(frame.given),
    }
    if frame.to is not None:
        members["to"] = shown(frame.to)
    if frame.output:
        members["output"] = shown(frame.output)
    if frame.error:
        members["error"] = frame.error
        reason = decode_revert(frame.output)
        if frame.error == REVERTED and reason is not None and reason[0]:
            members["revertReason"] = reason[0]
    if frame.calls:
        members["calls"] = [_shown(each) for each in frame.calls]
    if frame.logs:
        members["logs"] = frame.logs
    if frame.value is not None:
        members["value"] = shown(frame.value)
    return members | {"type": frame.kind}
