"""Receipts and Bloom filters from the flat logs that the EVM puts out."""

from __future__ import annotations

import random
from itertools import accumulate
from typing import Any

import pytest
import rlp
from eth_bloom import BloomFilter
from eth_typing import Hash32
from hypothesis import given, settings
from hypothesis import strategies as st

from blockstm._native.trie.roots import root
from blockstm._native.wire.receipts import ReceiptColumns, flat_logs, logs_bloom
from blockstm.errors import InputError
from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.vm.evm.execution import read_logs
from trie import HexaryTrie

addresses = st.sampled_from([bytes(20), b"\x01" * 20]) | st.binary(min_size=20, max_size=20)
topics = st.sampled_from([bytes(32), b"\x01" * 32]) | st.binary(min_size=32, max_size=32)
data = st.binary(max_size=70) | st.just(b"\x7f") | st.just(bytes(300))
logs = st.lists(st.tuples(addresses, st.lists(topics, max_size=4), data), max_size=4)
results = st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 2**40), logs)


def receipts(
    types: Any, successes: Any, gas_used: Any, logs: Any, workers: int = 1, roots: Any = None
) -> tuple[list[bytes], bytes, bytes]:
    """The encoding of each, their root, the Bloom filter of all."""
    encoded = ReceiptColumns(types, successes, gas_used, logs).encode(workers, roots)
    return encoded.encodings, encoded.root, encoded.bloom


def root_by_another(items: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie.set(rlp.encode(index), item)
    return bytes(trie.root_hash)


def bloom_by_another(logs: Any) -> int:
    elements = [element for address, topics, _ in logs for element in (address, *topics)]
    return int(BloomFilter.from_iterable(elements))


@settings(max_examples=100, deadline=None)
@given(st.lists(results, max_size=8) | st.lists(results, min_size=130, max_size=140))
def test_receipts_are_those_of_another_implementation(block: list[Any]) -> None:
    totals = list(accumulate(gas for _, _, gas, _ in block))
    encodings, root, bloom = receipts(
        bytes(kind for kind, _, _, _ in block),
        bytes(succeeded for _, succeeded, _, _ in block),
        [gas for _, _, gas, _ in block],
        [flat_logs(logs) for *_, logs in block],
    )
    listed = ReceiptColumns(
        bytes(kind for kind, _, _, _ in block),
        bytes(succeeded for _, succeeded, _, _ in block),
        [gas for _, _, gas, _ in block],
        [flat_logs(logs) for *_, logs in block],
    ).encode()
    assert listed.encode() == rlp.encode(encodings)
    assert encodings == [
        Receipt(kind, succeeded, total, tuple((a, tuple(t), d) for a, t, d in logs)).encode()
        for (kind, succeeded, _, logs), total in zip(block, totals, strict=True)
    ]
    assert root == root_by_another(encodings)
    assert int.from_bytes(bloom, "big") == bloom_by_another([x for *_, logs in block for x in logs])


def many_receipts(count: int) -> tuple[bytes, bytes, list[int], list[bytes]]:
    draw = random.Random(count)
    flat = [
        flat_logs(
            [
                (
                    draw.randbytes(20),
                    [draw.randbytes(32)] * draw.randrange(5),
                    bytes(draw.randrange(90)),
                )
                for _ in range(draw.choice((0, 1, 3)))
            ]
        )
        for _ in range(count)
    ]
    kinds = bytes(draw.randrange(5) for _ in range(count))
    successes = bytes(draw.randrange(2) for _ in range(count))
    return kinds, successes, [draw.randrange(2**30) for _ in range(count)], flat


@pytest.mark.stress
@pytest.mark.parametrize("workers", [0, 1, 2, 3, 16, 40])
def test_any_number_of_workers_gives_the_same_receipts(workers: int) -> None:
    for count in (0, 1, 1023, 1024, 3001):
        parts = many_receipts(count)
        assert receipts(*parts, workers) == receipts(*parts)


def test_receipts_of_a_large_block_are_encoded_anew_for_who_asks() -> None:
    kinds, successes, gas_used, flat = many_receipts(3001)
    encoded = ReceiptColumns(kinds, successes, gas_used, flat).encode(2)
    one_by_one = [
        Receipt(*parts, read_logs(logs)).encode()
        for *parts, logs in zip(
            kinds, map(bool, successes), accumulate(gas_used), flat, strict=True
        )
    ]
    assert sum(map(len, one_by_one)) > 1 << 20
    assert encoded.root == root({rlp.encode(index): each for index, each in enumerate(one_by_one)})
    assert encoded.encodings == encoded.encodings == one_by_one
    assert encoded.encode() == rlp.encode(one_by_one)
    assert ReceiptColumns(kinds, successes, gas_used, flat).encode(1).bloom == encoded.bloom


def test_the_first_bad_logs_are_named_whichever_thread_reads_them() -> None:
    kinds, successes, gas_used, flat = many_receipts(3000)
    for place in (2999, 2000, 1300, 1299, 7):
        flat[place] = flat[place][:-1]
        for workers in (1, 2, 16):
            with pytest.raises(InputError, match=f"transaction {place} "):
                receipts(kinds, successes, gas_used, flat, workers)


@given(logs)
def test_a_bloom_has_the_bits_of_every_address_and_topic(logs: Any) -> None:
    assert int.from_bytes(logs_bloom(flat_logs(logs)), "big") == bloom_by_another(logs)


def test_many_elements_are_each_told_apart() -> None:
    """More than the filter remembers, and each of them twice."""
    many = [(i.to_bytes(20, "big"), [i.to_bytes(32, "big")], b"") for i in range(3000)]
    for logs in (many, many + many, many[::-1]):
        assert int.from_bytes(logs_bloom(flat_logs(logs)), "big") == bloom_by_another(many)


def test_before_byzantium_a_receipt_has_a_state_root() -> None:
    roots = [Hash32(b"\x07" * 32), Hash32(b"\x08" * 32)]
    given = b"\0\0", b"\1\0", [21_000, 30_000], [flat_logs([])] * 2
    encodings, _, _ = receipts(*given, roots=roots)
    assert encodings == [
        Receipt(0, True, total, (), root).encode()
        for total, root in zip((21_000, 51_000), roots, strict=True)
    ]
    for wrong in (roots[:1], [*roots, roots[0]], [roots[0], roots[0][:31]], [roots[0], 1]):
        with pytest.raises(InputError, match="state root"):
            receipts(*given, roots=wrong)


def test_columns_are_equal_where_all_of_them_are() -> None:
    given: list[Any] = [b"\0\2", b"\1\0", [1, 2], [flat_logs([]), GOOD]]
    columns = ReceiptColumns(*given)
    assert [columns.at(place) for place in range(2)] == [
        (0, True, 1, 1, flat_logs([])),
        (2, False, 3, 2, GOOD),
    ]
    assert columns == ReceiptColumns(*given)
    others = (b"\0\1", b"\1\1", [1, 3], [flat_logs([])] * 2)
    for place, other in enumerate(others):
        assert columns != ReceiptColumns(*given[:place], other, *given[place + 1 :])
    assert (columns.mentioning(b"data"), columns.mentioning(b"nowhere")) == ([1], [])
    with pytest.raises(IndexError):
        columns.at(2)
    with pytest.raises(InputError, match="below 2"):
        ReceiptColumns(b"\0\0", b"\1\1", [2**64 - 1, 1], [GOOD, GOOD])


def test_no_receipts_have_the_empty_root() -> None:
    assert receipts(b"", b"", [], []) == ([], EMPTY_TRIE_ROOT, bytes(256))


GOOD = flat_logs([(bytes(20), [bytes(32)], b"data"), (bytes(20), [], b"")])


@pytest.mark.parametrize(
    "flat",
    [
        *(GOOD[:size] for size in range(len(GOOD))),
        GOOD + b"\0",
        b"\x03" + GOOD[1:],
        b"\x01" + GOOD[1:],
        GOOD[:24] + b"\x05" + GOOD[25:],
        GOOD[:57] + b"\xff\xff\xff\xff" + GOOD[61:],
    ],
)
def test_logs_that_do_not_follow_their_layout_are_refused(flat: bytes) -> None:
    with pytest.raises(InputError):
        logs_bloom(flat)
    with pytest.raises(InputError, match="transaction 1"):
        receipts(b"\0\0", b"\1\1", [1, 2], [GOOD, flat])


@pytest.mark.parametrize(
    "arguments",
    [
        (b"\0\0", b"\1", [1], [GOOD]),
        (b"\0", b"\1\1", [1], [GOOD]),
        (b"\0", b"\1", [], [GOOD]),
        (b"\0", b"\1", [1], []),
        (b"\x80", b"\1", [1], [GOOD]),
        (b"\0", b"\2", [1], [GOOD]),
        (b"\0", [b"short"], [1], [GOOD]),
        (b"\0", b"\1", [-1], [GOOD]),
        (b"\0", b"\1", [2**64], [GOOD]),
        (b"\0", b"\1", ["1"], [GOOD]),
        (b"\0", b"\1", [1], ["logs"]),
        ([0], b"\1", [1], [GOOD]),
    ],
)
def test_what_is_no_receipt_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InputError):
        receipts(*arguments)


@pytest.mark.parametrize(
    "log",
    [(bytes(19), [], b""), (bytes(20), [bytes(31)], b""), (bytes(20), [bytes(32)] * 5, b"")],
)
def test_what_is_no_log_is_refused(log: Any) -> None:
    with pytest.raises(InputError):
        flat_logs([log])
