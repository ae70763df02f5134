"""EIP-8024 (Amsterdam): DUPN, SWAPN and EXCHANGE reach deep into the stack."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, call, error, gas, word

DUPN, SWAPN, EXCHANGE = 0xE6, 0xE7, 0xE8
INVALID = "invalid opcode"


def encode_single(n: int) -> int:
    """The EIP's program."""
    return (n + 111) % 256


def encode_pair(n: int, m: int) -> int:
    """The EIP's program."""
    q, r = (n - 1, m - 1) if m <= 16 else (29 - m, n - 1)
    return (16 * q + r) ^ 143


def code(opcode: int, *immediate: int) -> str:
    return f"'{bytes([opcode, *immediate]).hex()}'"


def pushes(count: int) -> str:
    """As many words: 1 is the deepest."""
    return " ".join(f"PUSH2 {number}" for number in range(1, count + 1))


def topmost(source: str, count: int) -> list[int]:
    """So many words of the stack, from the top."""
    stores = " ".join(f"PUSH2 {32 * place} MSTORE" for place in range(count))
    output = call("amsterdam", f"{source} {stores} PUSH2 {32 * count} 0 RETURN").execution.output
    return [int.from_bytes(output[at : at + 32], "big") for at in range(0, len(output), 32)]


@pytest.mark.parametrize("n", [17, 18, 107, 144, 145, 146, 235])
def test_dupn(n: int) -> None:
    dup = code(DUPN, encode_single(n))
    assert word("amsterdam", f"{pushes(n)} {dup}") == 1
    assert word("amsterdam", f"{pushes(n + 3)} {dup}") == 4
    assert error("amsterdam", f"{pushes(n - 1)} {dup}") == "stack underflow"
    assert gas("amsterdam", f"{pushes(n)} {dup}") == 3 * n + 3


@pytest.mark.parametrize("n", [17, 18, 107, 144, 145, 146, 235])
def test_swapn(n: int) -> None:
    swap = code(SWAPN, encode_single(n))
    found = topmost(f"{pushes(n + 2)} {swap}", n + 2)
    expected = list(range(n + 2, 0, -1))
    expected[0], expected[n] = expected[n], expected[0]
    assert found == expected
    assert error("amsterdam", f"{pushes(n)} {swap}") == "stack underflow"
    assert gas("amsterdam", f"{pushes(n + 1)} {swap}") == 3 * (n + 1) + 3


@pytest.mark.parametrize(
    ("n", "m"), [(1, 2), (1, 16), (1, 17), (1, 29), (2, 3), (2, 28), (13, 17), (14, 15), (14, 16)]
)
def test_exchange(n: int, m: int) -> None:
    exchange = code(EXCHANGE, encode_pair(n, m))
    found = topmost(f"{pushes(m + 2)} {exchange}", m + 2)
    expected = list(range(m + 2, 0, -1))
    expected[n], expected[m] = expected[m], expected[n]
    assert found == expected
    # The same by instructions that were there before, where they reach as far.
    if m <= 16:
        swaps = f"SWAP{n} SWAP{m} SWAP{n}"
        assert topmost(f"{pushes(m + 2)} {swaps}", m + 2) == expected
    assert error("amsterdam", f"{pushes(m)} {exchange}") == "stack underflow"
    assert gas("amsterdam", f"{pushes(m + 1)} {exchange}") == 3 * (m + 1) + 3


@pytest.mark.parametrize("immediate", [0, 81, 82, 90, 91, 0x60, 0x7F, 128, 255])
def test_immediates_that_look_like_other_instructions_are_invalid(immediate: int) -> None:
    is_invalid = {DUPN: 90 < immediate < 128, EXCHANGE: 81 < immediate < 128}
    is_invalid[SWAPN] = is_invalid[DUPN]
    for opcode, invalid in is_invalid.items():
        failed = error("amsterdam", f"{pushes(236)} {code(opcode, immediate)}")
        assert failed == (INVALID if invalid else ""), opcode


def test_behind_the_code_there_are_zeros() -> None:
    # Zero is 145 for DUPN; then the code ends.
    assert error("amsterdam", f"{pushes(145)} {code(DUPN)}") == ""
    assert error("amsterdam", f"{pushes(144)} {code(DUPN)}") == "stack underflow"


def test_jump_destinations_are_what_they_were() -> None:
    # 0x5b behind the opcode is a JUMPDEST; what reads like a PUSH there hides what follows.
    for opcode in (DUPN, SWAPN, EXCHANGE):
        assert word("amsterdam", f"@end JUMP {code(opcode)} end: 9") == 9
        assert error("amsterdam", f"@end JUMP {code(opcode, 0x60)} end: 9") == "invalid jump"
        assert word("amsterdam", f"@end JUMP {code(opcode, 0x80)} end: 9") == 9


@pytest.mark.parametrize("fork", before("amsterdam"))
@pytest.mark.parametrize("opcode", [DUPN, SWAPN, EXCHANGE])
def test_they_were_not_there(fork: str, opcode: int) -> None:
    assert error(fork, f"{pushes(40)} {code(opcode, 0x80)}") == INVALID
