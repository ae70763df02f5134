"""Traces of calls in plain Python, event by event: what the native core's are compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from blockstm._native.evm.forks.tables import opcode_table
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.solidity import decode_revert
from blockstm.ethereum.tracing.opcodes import opcode_name
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.types import Address
from blockstm.vm.evm import recording
from blockstm.vm.evm.execution import FAILURES
from blockstm.vm.evm.inspection import FIRST_CREATION, KINDS
from blockstm.vm.evm.recording import CallBegan, Fault
from blockstm.vm.forks import ISTANBUL, Fork

__all__ = ["REVERTED", "FlatCalls", "NestedCalls", "Selectors", "call_failure", "step_failure"]

REVERTED: Final = "execution reverted"
_STACK_MAX: Final = 1024
_TABLE: Final = opcode_table()
_SSTORE: Final = 0x55
PAID_LATE: Final = frozenset((0x55, 0xF0, 0xF1, 0xF5, 0xFF))
"""Opcodes that go-ethereum refuses in a static call while it is asking what they cost."""

_SENTRY: Final = 2300  # gas that SSTORE does not go below (EIP-2200)
_WORDS: Final = {
    "out of gas": "out of gas",
    "stack underflow": "stack underflow",
    "stack overflow": "stack limit reached",
    "invalid jump": "invalid jump destination",
    "invalid opcode": "invalid opcode: INVALID",
    "write protection": "write protection",
    "return data out of bounds": "return data out of bounds",
    "invalid code": "invalid code: must not begin with 0xef",
    "code too large": "max code size exceeded",
    "initcode too large": "max initcode size exceeded",
    "address collision": "contract address collision",
    "nonce overflow": "nonce uint64 overflow",
    "insufficient balance": "insufficient balance for transfer",
    "depth exceeded": "max call depth exceeded",
    "precompile failure": "out of gas",
    "reverted": REVERTED,
}
_UNPAID_DEPOSIT: Final = "contract creation code storage out of gas"
_CURVE_COSTS: Final = {6: (500, 150), 7: (40_000, 6_000)}  # before Istanbul, and from then on
_PAIRING_COSTS: Final = ((100_000, 80_000), (45_000, 34_000))
_PAIR: Final = 192  # bytes
_FIELD: Final = 0x30644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD47  # of BN254
_NO_ELEMENT: Final = "invalid fp.Element encoding"
_BLAKE_INPUT: Final = 213
_POINT_EVALUATION_COST: Final = 50_000


def call_failure(failure: int, fault: Fault | None, fork: Fork, began: CallBegan) -> str:
    """Why a call failed; ``fault`` is the instruction at which it did, where that is known."""
    if FAILURES[failure] == "precompile failure":
        number = int.from_bytes(began.code_address, "big")
        return precompile_failure(number, began.input, began.gas, fork)
    if fault is not None:
        return step_failure(failure, fault.opcode, fault.height, fault.gas, fork)
    if began.kind >= FIRST_CREATION and FAILURES[failure] == "out of gas":
        return _UNPAID_DEPOSIT
    return _WORDS[FAILURES[failure]]


def step_failure(failure: int, opcode: int, height: int, gas: int, fork: Fork) -> str:
    """Why an instruction failed that found so many words on the stack, and had so much gas."""
    words = _WORDS[FAILURES[failure]]
    _, inputs, outputs = _TABLE.get(opcode, ("", 0, 0))
    match FAILURES[failure]:
        case "out of gas" if opcode == _SSTORE and gas <= _SENTRY and fork >= ISTANBUL:
            return f"{words}: not enough gas for reentrancy sentry"
        case "write protection" if opcode in PAID_LATE:
            return f"out of gas: {words}"
        case "stack underflow":
            return f"{words} ({height} <=> {inputs})"
        case "stack overflow":
            return f"{words} {height} ({_STACK_MAX + inputs - outputs})"
        case "invalid opcode":
            return f"invalid opcode: {opcode_name(opcode)}"
    return words


def precompile_failure(number: int, data: bytes, gas: int, fork: Fork) -> str:
    """Why a precompiled contract failed, as far as its input tells; most fail for want of gas."""
    now = fork >= ISTANBUL
    if number in _CURVE_COSTS and gas >= _CURVE_COSTS[number][now]:
        coordinates = data[: 128 if number == 6 else 64]
        return _NO_ELEMENT if _is_beyond_field(coordinates) else "point is not on curve"
    if number == 8 and gas >= _PAIRING_COSTS[now][0] + len(data) // _PAIR * _PAIRING_COSTS[now][1]:
        if len(data) % _PAIR:
            return "bad elliptic curve pairing size"
        return _NO_ELEMENT if _is_beyond_field(data) else "point is not in correct subgroup"
    if number == 9:
        if len(data) != _BLAKE_INPUT:
            return "invalid input length"
        if gas >= int.from_bytes(data[:4], "big"):
            return "invalid final flag"
    if number == 10 and gas >= _POINT_EVALUATION_COST:
        return "error verifying kzg proof" if len(data) == _PAIR else "invalid input length"
    return "out of gas"


def _is_beyond_field(data: bytes) -> bool:
    """Whether one of the words of an input is no element of the field of BN254."""
    words = range(0, len(data), 32)
    return any(int.from_bytes(data[at : at + 32].ljust(32, b"\0"), "big") >= _FIELD for at in words)


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


class NestedCalls(Tracer):
    """The calls of a transaction as an object, those within a call under ``calls``.

    Args:
        with_log: whether logs are shown, of calls that did not fail.
        only_top_call: whether the calls within the transaction's own are left out.
    """

    def __init__(self, *, with_log: bool = False, only_top_call: bool = False) -> None:
        self._only_top = only_top_call
        self.mask = recording.CALLS | recording.SELFDESTRUCTS | recording.CAUSES
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


class FlatCalls(Tracer):
    """The calls of a transaction as a list, each with its place among them.

    Args:
        convert_parity_errors: whether failures are told in OpenEthereum's words.
        include_precompiles: whether calls of precompiled contracts are shown.
    """

    mask = recording.CALLS | recording.SELFDESTRUCTS | recording.CAUSES

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
        members = _flat_members(frame)
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


def _flat_members(frame: CallFrame) -> dict[str, Any]:
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


_SELECTOR: Final = 4


class Selectors(Tracer):
    """How often each function was called: ``0x`` selector ``-`` bytes of arguments → count.

    Calls of precompiled contracts are left out, and those with less than four bytes.
    """

    mask = recording.CALLS

    def trace(self, traced: TracedTransaction) -> Any:
        """The counts."""
        counts: Counter[str] = Counter()
        for event in recording.read_events(traced.events):
            if not isinstance(event, recording.CallBegan) or event.kind >= FIRST_CREATION:
                continue
            data = event.input
            if len(data) >= _SELECTOR and event.code_address not in traced.precompiles:
                counts[f"0x{data[:_SELECTOR].hex()}-{len(data) - _SELECTOR}"] += 1
        return dict(counts)
