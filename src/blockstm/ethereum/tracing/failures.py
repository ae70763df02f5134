"""Why a call failed, in go-ethereum's words."""

from __future__ import annotations

from typing import Final

from blockstm._native.tracing import traces
from blockstm.vm.evm.inspection import FIRST_CREATION
from blockstm.vm.evm.recording import CallBegan, Fault
from blockstm.vm.forks import Fork

__all__ = ["REVERTED", "call_failure", "step_failure"]

REVERTED: Final = "execution reverted"


def call_failure(failure: int, fault: Fault | None, fork: Fork, began: CallBegan) -> str:
    """Why a call failed; ``fault`` is the instruction at which it did, where that is known."""
    at = None if fault is None else (fault.opcode, fault.height, fault.gas)
    creates = began.kind >= FIRST_CREATION
    return traces.call_failure(
        fork.rules, failure, at, creates, began.code_address, began.input, began.gas
    )


def step_failure(failure: int, opcode: int, height: int, gas: int, fork: Fork) -> str:
    """Why an instruction failed that found so many words on the stack, and had so much gas."""
    return traces.step_failure(fork.rules, failure, opcode, height, gas)
