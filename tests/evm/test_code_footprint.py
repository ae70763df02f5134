"""What codes take in the cache: little until they are hot, and hostile ones not much more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.fixtures import ROOT, mainnet_block

from blockstm import execute_block
from blockstm._native.evm.prepared import CODE_CACHE_LIMIT, cached_codes, code_cache, first_tier
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.vm.evm import BlockContext, Evm, Signed

SENDER, TARGET, COINBASE = (bytes([number]) * 20 for number in (1, 2, 3))
EVM = Evm("cancun", BlockContext(number=1, timestamp=0, coinbase=COINBASE, gas_limit=10**9))
SIZE = 24_576
SMALL = 12 << 10
NEVER = 2**32 - 1


@pytest.fixture(autouse=True)
def _new_cache() -> Iterator[None]:
    before = first_tier()
    code_cache(limit=0)
    code_cache(limit=CODE_CACHE_LIMIT)
    yield
    first_tier(hot_after=before)


def _ring() -> bytes:
    """JUMPDESTs that jump to one another, far away each time."""
    count, stride = SIZE // 5, 1031
    pieces, at = [b""] * count, 0
    for _ in range(count - 1):
        to = (at + stride) % count
        pieces[at] = b"\x5b\x61" + (5 * to).to_bytes(2, "big") + b"\x56"
        at = to
    pieces[at] = b"\x5b\x00\x00\x00\x00"
    return b"".join(pieces)


COMPACT = {
    "pushes": b"\x60\x01" * (SIZE // 2),
    "JUMPDESTs": b"\x5b" * SIZE,
    "pushes and pops": b"\x60\x01\x50" * (SIZE // 3),
    "places": b"\x58\x50" * (SIZE // 2),
    "long pushes": (b"\x7f" + b"\xff" * 32 + b"\x50") * (SIZE // 34),
    "a ring of jumps": _ring(),
}
DENSE = {
    "SWAP16s": b"\x5f" * 17 + b"\x5b\x8f" * ((SIZE - 17) // 2),
    "conditional jumps": b"\x5b\x5f\x5f\x57" * (SIZE // 4),
    "gas": b"\x5a\x50" * (SIZE // 2),
    "slots": b"\x5b\x5f\x54\x50" * (SIZE // 4),
    "runs of five": (b"\x5b" * 5 + b"\x33\x50") * (SIZE // 7),
}


def _program_of(code: bytes, hot_after: int = 0) -> int:
    """Bytes of a code's translation once all of it has run."""
    first_tier(hot_after=hot_after)
    call = Transaction(
        type=0, nonce=0, gas=20_000_000, to=TARGET, value=0, data=b"", v=0, r=0, s=0
    )  # fmt: skip
    accounts = {SENDER: Account(balance=10**18), TARGET: Account(nonce=1, code=code)}
    execute_block([Signed(call, SENDER)], AccountState(accounts), EVM, workers=1)
    ((_, fork, is_followed, size, own, program),) = cached_codes()
    assert (fork, is_followed, size) == ("cancun", False, len(code))
    assert size < own < size + SMALL
    kept, count = code_cache()
    assert count == 1
    assert own + program <= kept < own + program + SMALL
    return int(program)


@pytest.mark.parametrize("name", COMPACT)
def test_hostile_codes_take_little_more_than_themselves(name: str) -> None:
    assert _program_of(COMPACT[name]) <= SMALL + 1.5 * SIZE


@pytest.mark.parametrize("name", DENSE)
def test_no_code_takes_many_times_its_length(name: str) -> None:
    assert _program_of(DENSE[name]) <= SMALL + 24 * SIZE


def _loop(targets: int, rounds: int) -> bytes:
    """JUMPDESTs that work out where the next is and jump there; a count on the stack, until 0."""
    head = b"\x61" + rounds.to_bytes(2, "big")
    first = len(head)
    pieces = [
        b"\x5b\x36\x61" + (first + 7 * (number + 1)).to_bytes(2, "big") + b"\x01\x56\x00"
        for number in range(targets)
    ]
    tail = b"\x5b\x60\x01\x90\x03\x80\x61" + first.to_bytes(2, "big") + b"\x57\x00"
    return head + b"".join(pieces) + tail


def test_tables_that_grow_leave_nothing_behind() -> None:
    """Somebody may be reading them, so a table that grows keeps what it has."""
    at_once = _program_of(_loop(150, 21), hot_after=1024)
    code_cache(limit=0)
    code_cache(limit=CODE_CACHE_LIMIT)
    bit_by_bit = _program_of(_loop(150, 20))
    assert bit_by_bit <= at_once + 1024


PROGRAMS = """
import sys
from tests.fixtures import mainnet_block
from blockstm import execute_block
from blockstm._native.evm.prepared import cached_codes, first_tier
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.files.block_files import read_block_file

if len(sys.argv) > 1:
    first_tier(hot_after=int(sys.argv[1]))
prepared = prepare_file(read_block_file(mainnet_block(12_459_406)))
execute_block(prepared.steps, prepared.state, prepared.vm, workers=1)
print(*(program for *_, program in cached_codes()))
"""


def _programs_of_a_block(*hot_after: int) -> list[int]:
    """Bytes of the translations of a block of mainnet with 178 codes, in a process of its own.

    A process that has run others may hold translations of codes that differ from these in a few
    constants only, which share them.
    """
    mainnet_block(12_459_406)  # skips the test where it is not there
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS, *map(str, hot_after)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(map(int, done.stdout.split()))


def test_translated_code_of_mainnet_stays_close_to_the_bound() -> None:
    programs = _programs_of_a_block(0)
    assert len(programs) == 178
    assert sum(programs) <= 1_800_000


def test_code_that_is_not_hot_takes_little() -> None:
    programs = _programs_of_a_block(NEVER)
    assert len(programs) == 178
    assert max(programs) <= SMALL


def test_a_block_makes_few_codes_hot() -> None:
    """Its codes together stay within what each of them might take without being hot."""
    programs = _programs_of_a_block()
    assert len(programs) == 178
    assert sum(programs) <= SMALL * len(programs)
