"""Why a call failed, in go-ethereum's words."""

from __future__ import annotations

from typing import Final

from blockstm.ethereum.tracing.opcodes import STACK_INPUTS, STACK_OUTPUTS, opcode_name
from blockstm.vm.evm.execution import FAILURES
from blockstm.vm.evm.inspection import FIRST_CREATION
from blockstm.vm.evm.recording import CallBegan, Fault
from blockstm.vm.forks import ISTANBUL, Fork

__all__ = [
    "PAID_LATE",
    "REVERTED",
    "call_failure",
    "precompile_failure",
    "step_failure",
]

REVERTED: Final = "execution reverted"
_STACK_MAX: Final = 1024
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
    inputs, outputs = STACK_INPUTS.get(opcode, 0), STACK_OUTPUTS.get(opcode, 0)
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
