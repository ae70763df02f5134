"""Mutations of bundles: none verifies, none does anything but being refused.

Bits, bytes and slices of a file are changed, and items of what it holds, wherever they are in it;
the file gets the hash of what it then has, or keeps its own. What is believed must say the same of
the block. It may say another maker of the bundle, a difficulty that decides no fork, or have a code
more that an account does have, or one fewer that this process has met; and another block that is
valid has another hash. ``BUNDLE_MUTATIONS`` many are tried by the slow test.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.chain.test_bundle_parts import grown, many, parts_of
from tests.chain.test_bundles import REFUSALS, verified

from blockstm.chain import Chain
from blockstm.errors import InputError
from blockstm.ethereum import Bundle, verify_part
from blockstm.ethereum.codecs.rlp import decode, encode
from blockstm.ethereum.witnesses.commitment import commitment

FORKS = ("shanghai", "cancun", "amsterdam")
BUNDLE_MUTATIONS = 100_000


def flipped(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def cut(data: bytes, draw: random.Random) -> bytes:
    at, more = draw.randrange(len(data)), draw.choice((1, 1, 32, 200))
    return data[:at] + data[at + more :]


def inserted(data: bytes, draw: random.Random) -> bytes:
    at, more = draw.randrange(len(data)), draw.choice((1, 1, 32))
    return data[:at] + draw.randbytes(more) + data[at:]


def repeated(data: bytes, draw: random.Random) -> bytes:
    at, more = draw.randrange(len(data)), draw.randrange(1, 100)
    return data[: at + more] + data[at:]


def _lists(item: Any) -> Iterator[list[Any]]:
    if isinstance(item, list):
        yield item
        for each in item:
            yield from _lists(each)


def rearranged(content: bytes, draw: random.Random) -> bytes:
    """One item is gone, twice there, in another's place, empty, one more, or something else."""
    items = decode(content)
    chosen = draw.choice([each for each in _lists(items) if each])
    at, other = draw.randrange(len(chosen)), draw.randrange(len(chosen))
    match draw.randrange(6):
        case 0:
            del chosen[at]
        case 1:
            chosen.insert(other, chosen[at])
        case 2:
            chosen[at], chosen[other] = chosen[other], chosen[at]
        case 3:
            chosen[at] = draw.choice((b"", [], [[]]))
        case 4:
            chosen.insert(at, draw.randbytes(draw.choice((1, 20, 32))))
        case _:
            chosen[at] = draw.randbytes(draw.choice((1, 8, 20, 32, 33)))
    return encode(items)


BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (flipped, cut, inserted, repeated)


def mutation(data: bytes, draw: random.Random) -> bytes:
    """Three of four have the hash of what they say."""
    if draw.random() < 0.25:
        return draw.choice(BYTES)(data, draw)
    change = rearranged if draw.random() < 0.6 else draw.choice(BYTES)
    content = change(data[32:], draw)
    return commitment(content) + content


def attempt(data: bytes, chain: Chain, draw: random.Random) -> Bundle | None:
    """What a verifier believes, whole and in a part; None where it refuses."""
    try:
        found = Bundle.decode(data)
    except REFUSALS:
        return None
    believed: Bundle | None = found
    try:
        verified(found, chain.spec)
    except REFUSALS:
        believed = None
    try:
        verify_part(found, draw.choice(parts_of(found)), chain=chain.spec)
    except (*REFUSALS, InputError):
        assert believed is None or chain.head.header.parent_beacon_block_root is None
    return believed


def tried(chain: Chain, count: int, seed: int) -> Counter[str]:
    """What came of mutations.

    Raises:
        AssertionError: one was believed that says something else of the block.
    """
    bundle, draw, found = many(chain), random.Random(seed), Counter[str]()
    data = bundle.encode()
    for _ in range(count):
        lie = mutation(data, draw)
        believed = attempt(lie, chain, draw) if lie != data else None
        if believed is None:
            found["refused" if lie != data else "nothing was changed"] += 1
        elif believed.block.hash != bundle.block.hash:
            found["another valid block"] += 1
        else:
            names = ("engine", "difficulty", "chain_id")
            same = replace(believed, **{name: getattr(bundle, name) for name in names})
            more = set(same.witness.codes) ^ set(bundle.witness.codes)
            same = replace(same, witness=replace(same.witness, codes=bundle.witness.codes))
            assert same.encode() == data, lie.hex()
            found[
                "another code that an account has" if more else "another maker or difficulty"
            ] += 1
    return found


@pytest.mark.parametrize("fork", FORKS)
def test_no_mutation_of_a_bundle_verifies(fork: str) -> None:
    with grown(fork) as chain:
        found = tried(chain, 400, seed=5)
    assert found["refused"] > 350


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fork", FORKS)
def test_no_mutation_of_very_many_verifies(fork: str) -> None:
    with grown(fork) as chain:
        found = tried(chain, -(-BUNDLE_MUTATIONS // len(FORKS)), seed=6)
    print(fork, dict(found))
    assert found.total() * len(FORKS) >= BUNDLE_MUTATIONS
    assert found["refused"] > 0.9 * found.total()
