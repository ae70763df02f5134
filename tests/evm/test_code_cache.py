"""The cache of translated code: bounded in bytes, and what was dropped is made again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blockstm import execute_block
from blockstm._native.evm.prepared import CODE_CACHE_LIMIT, code_cache
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.vm.evm import BlockContext, Evm, Signed

LIMIT = 8 << 20
CODES = 800
PADDING = 20_000  # bytes behind each code, which are never run
SENDER, COINBASE = b"\x01" * 20, b"\x03" * 20
EVM = Evm("osaka", BlockContext(number=1, timestamp=0, coinbase=COINBASE, gas_limit=10**9))


@pytest.fixture(autouse=True)
def _small_cache() -> Iterator[None]:
    code_cache(limit=0)  # what earlier tests asked for often would stay
    code_cache(limit=LIMIT)
    yield
    code_cache(limit=CODE_CACHE_LIMIT)


def _code(number: int) -> bytes:
    """Returns its number: PUSH4 n PUSH0 MSTORE PUSH1 32 PUSH0 RETURN."""
    return b"\x63" + number.to_bytes(4, "big") + bytes.fromhex("5f5260205ff3") + bytes(PADDING)


def _address(number: int) -> bytes:
    return (0x1000 + number).to_bytes(20, "big")


def _call(nonce: int, number: int) -> Signed:
    return Signed(
        Transaction(
            type=0, nonce=nonce, gas=100_000, to=_address(number), value=0, data=b"", v=0, r=0, s=0
        ),
        SENDER,
    )


@pytest.mark.parametrize("workers", [1, 4])
def test_it_stays_within_its_limit_and_forgets_without_harm(workers: int) -> None:
    codes = [_code(number) for number in range(CODES)]
    accounts = {
        _address(n): Account(nonce=1, code=code, code_hash=keccak(code))
        for n, code in enumerate(codes)
    }
    state = AccountState({SENDER: Account(balance=10**18), **accounts})
    twice = [*range(CODES), *range(CODES)]
    steps = [_call(nonce, number) for nonce, number in enumerate(twice)]
    result = execute_block(steps, state, EVM, workers=workers)
    outputs = [int.from_bytes(outcome.value.output, "big") for outcome in result.outcomes]
    assert outputs == twice
    kept, count = code_cache()
    assert 0 < kept < 1.5 * LIMIT  # in each part of the cache one code is kept, however large
    assert 0 < count < CODES
    code_cache(limit=LIMIT)
    assert code_cache()[0] <= LIMIT


def test_codes_in_turn_do_not_drive_each_other_out() -> None:
    """Twice as many as there is room for, block after block: as many are kept each time."""
    codes = [_code(10**6 + number) for number in range(CODES)]
    accounts = {_address(n): Account(nonce=1, code=code) for n, code in enumerate(codes)}
    state = AccountState({SENDER: Account(balance=10**18), **accounts})
    steps = [_call(nonce, number) for nonce, number in enumerate(range(CODES))]
    counts = []
    for _ in range(3):
        execute_block(steps, state, EVM, workers=1)
        counts.append(code_cache()[1])
    assert counts == [counts[0]] * 3
    assert 0 < counts[0] < CODES


def test_what_is_asked_for_often_finds_room() -> None:
    """A cache full of codes that were met once gives way to one that is met again and again."""
    codes = [_code(2 * 10**6 + number) for number in range(CODES)]
    accounts = {_address(n): Account(nonce=1, code=code) for n, code in enumerate(codes)}
    state = AccountState({SENDER: Account(balance=10**18), **accounts})
    once = [_call(nonce, number) for nonce, number in enumerate(range(CODES))]
    execute_block(once, state, EVM, workers=1)
    before = code_cache()
    often = [*range(CODES - 40, CODES)] * 12
    steps = [_call(nonce, number) for nonce, number in enumerate(often)]
    result = execute_block(steps, state, EVM, workers=1)
    outputs = [int.from_bytes(outcome.value.output, "big") for outcome in result.outcomes]
    assert outputs == [2 * 10**6 + number for number in often]
    assert code_cache()[0] <= max(before[0], LIMIT)


def test_a_smaller_limit_holds_at_once() -> None:
    code = _code(CODES)
    accounts = {_address(0): Account(nonce=1, code=code, code_hash=keccak(code))}
    state = AccountState({SENDER: Account(balance=10**18), **accounts})
    execute_block([_call(0, 0)], state, EVM, workers=1)
    assert code_cache()[1] > 0
    assert code_cache(limit=0) == (0, 0)
