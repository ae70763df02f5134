"""What a reverted call says is decoded the same for its result and for its trace."""

from __future__ import annotations

import pytest
from tests.fixtures import mainnet_block

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Account, AccountState, Message, call
from blockstm.ethereum.calls import CallResult
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.tracing import CallTracer
from blockstm.types import Address

CONTRACT = Address(b"\xc0" * 20)
CODE = assemble("CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 REVERT")
STATE = AccountState({CONTRACT: Account(0, 1, CODE, keccak(CODE), {})})
HEADER = read_block_file(mainnet_block(23879620)).block.header
ERROR, PANIC = bytes.fromhex("08c379a0"), bytes.fromhex("4e487b71")


def reverted_with(output: bytes) -> CallResult:
    message = Message(to=CONTRACT, data=output)
    return call(STATE, message, block=HEADER, tracer=CallTracer())


def words(*given: int | bytes) -> bytes:
    """Numbers, right-aligned, and bytes, left-aligned."""
    return b"".join(
        each.to_bytes(32, "big") if isinstance(each, int) else each.ljust(32, b"\0")
        for each in given
    )


REASONS = {
    ERROR + words(32, 7, b"no more"): ("error", "no more", None),
    ERROR + words(32, 7, b"no more") + b"rest": ("error", "no more", None),
    ERROR + words(32, 2, b"\xff!"): ("error", "\ufffd!", None),
    ERROR + words(32, 33, b"too short"): None,
    ERROR + words(2**255, 0): None,
    ERROR + words(32): None,
    PANIC + words(0x11): ("panic", "arithmetic underflow or overflow", 0x11),
    PANIC + words(0x11, 0): ("panic", "arithmetic underflow or overflow", 0x11),
    PANIC + words(0x99): ("panic", "unknown panic code: 0x99", 0x99),
    PANIC: None,
    b"\x08\xc3": None,
    b"": None,
}


@pytest.mark.parametrize("output", REASONS, ids=lambda output: output.hex() or "nothing")
def test_result_and_trace_give_the_same_reason(output: bytes) -> None:
    result = reverted_with(output)
    expected = REASONS[output]
    reason = result.revert_reason
    assert (reason and (reason.kind, reason.message, reason.code)) == expected
    assert result.trace.get("revertReason") == (expected and expected[1])


def test_the_reason_of_an_empty_string_is_known_but_not_shown() -> None:
    result = reverted_with(ERROR + words(32, 0))
    assert result.revert_reason is not None
    assert result.revert_reason.message == ""
    assert "revertReason" not in result.trace
