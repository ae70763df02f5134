"""Codes that differ only in what PUSH20 to PUSH32 carry share a translation, not the constants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blockstm import execute_block
from blockstm._native.evm.prepared import CODE_CACHE_LIMIT, code_cache, first_tier
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.vm.evm import BlockContext, Evm, Signed

SENDER, COINBASE = b"\x01" * 20, b"\x03" * 20
EVM = Evm("osaka", BlockContext(number=1, timestamp=0, coinbase=COINBASE, gas_limit=10**9))
RETURN_TOP = bytes.fromhex("5f5260205ff3")


@pytest.fixture(autouse=True, params=[0, 2, 2**32 - 1], ids=["translated", "becomes hot", "as is"])
def _tier(request: pytest.FixtureRequest) -> Iterator[None]:
    before = first_tier()
    first_tier(hot_after=request.param)
    yield
    first_tier(hot_after=before)


def _outputs(codes: list[bytes], workers: int = 1) -> list[int]:
    """What a call of each returns as a number."""
    accounts = {
        (0x1000 + number).to_bytes(20, "big"): Account(nonce=1, code=code)
        for number, code in enumerate(codes)
    }
    state = AccountState({SENDER: Account(balance=10**18), **accounts})
    steps = [
        Signed(
            Transaction(type=0, nonce=nonce, gas=200_000, to=to, value=0, data=b"", v=0, r=0, s=0),
            SENDER,
        )
        for nonce, to in enumerate(accounts)
    ]
    result = execute_block(steps, state, EVM, workers=workers)
    return [int.from_bytes(outcome.value.output, "big") for outcome in result.outcomes]


def _push(size: int, number: int) -> bytes:
    return bytes([0x5F + size]) + number.to_bytes(size, "big")


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("size", [4, 19, 20, 21, 24, 31, 32])
def test_each_has_its_own_constants(size: int, workers: int) -> None:
    numbers = [(number * 0x9E3779B97F4A7C15) % 256**size for number in range(1, 30)]
    codes = [_push(size, number) + RETURN_TOP for number in numbers]
    assert _outputs(codes, workers) == numbers


def test_a_family_that_grows_wider() -> None:
    """The third differs from the second in another PUSH than that from the first."""
    pairs = [(1, 1), (2, 1), (2, 2), (1, 2), (3, 3), (1, 1)]
    codes = [
        _push(20, left) + _push(32, right << 200) + b"\x01" + RETURN_TOP for left, right in pairs
    ]
    assert _outputs(codes) == [left + (right << 200) for left, right in pairs]


def test_what_is_computed_of_constants() -> None:
    """Where both are constants they are folded; of immutables nothing is."""
    codes = [_push(32, number) + _push(32, 5) + b"\x02" + RETURN_TOP for number in range(9)]
    assert _outputs(codes) == [5 * number for number in range(9)]


def test_a_jump_to_an_immutable() -> None:
    """Two targets that one PUSH20 names: places 25 and 33 of the code."""
    tail = b"\x5b\x60\x07" + RETURN_TOP[:4] + b"\xf3"
    codes = [
        _push(20, target) + b"\x56" + bytes(3) + tail.ljust(8, b"\0") + b"\x5b\x60\x08" + RETURN_TOP
        for target in (25, 33, 25, 33)
    ]
    places = [code.index(b"\x5b", 22) for code in codes]
    assert places == [25] * 4
    assert _outputs(codes)[1::2] == [8, 8]


def test_a_different_opcode_is_no_immutable() -> None:
    codes = [
        _push(32, 9) + b"\x60\x04" + bytes([opcode]) + RETURN_TOP for opcode in (1, 2, 0x18, 1)
    ]
    assert _outputs(codes) == [13, 36, 13, 13]


def test_bytes_that_only_look_like_a_push() -> None:
    """A PUSH1 carries 0x7f: the 32 bytes behind it are opcodes, of which one differs."""
    filler = b"\x5b" * 30
    codes = [b"\x60\x7f" + filler + bytes([add]) + RETURN_TOP for add in (0x5B, 0x19, 0x5B)]
    assert _outputs(codes) == [0x7F, 2**256 - 1 - 0x7F, 0x7F]


def test_its_own_code_is_what_a_code_copies() -> None:
    """CODECOPY of 32 bytes from place 1: what the PUSH32 carries."""
    copies = bytes.fromhex("5060206001 5f39 60205ff3".replace(" ", ""))
    numbers = [3, 2**255, 77]
    assert _outputs([_push(32, number) + copies for number in numbers]) == numbers


def test_many_of_a_family_take_one_translation() -> None:
    """300 codes of 4 kB that nobody has met, each of which runs all of itself."""
    code_cache(limit=0)
    before, _ = code_cache(limit=CODE_CACHE_LIMIT)
    body = b"\x60\x01\x01" * 1300 + _push(32, first_tier()) + b"\x50"
    codes = [_push(32, number << 128) + body + RETURN_TOP for number in range(300)]
    assert _outputs(codes) == [(number << 128) + 1300 for number in range(300)]
    kept, count = code_cache()
    assert count >= 300
    assert kept < before + 2 * sum(map(len, codes))
