"""Blocks and their parts from RLP: the same bytes back, or an error that says where."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.official import (
    LARGE_ARCHIVES,
    SMALL_ARCHIVES,
    official_chains,
    sample_blocks,
)
from tests.fixtures import mainnet_block, mainnet_index

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.rlp import decode, encode
from blockstm.ethereum.files.block_files import read_block_file


def _anew(value: Any) -> Any:
    """The same, without the bytes that a decoded transaction keeps."""
    if isinstance(value, Transaction):
        return replace(value)
    if isinstance(value, Block):
        return replace(value, transactions=tuple(map(_anew, value.transactions)))
    return value


def _check_official_blocks(archive: str) -> None:
    for test in official_chains(archive):
        for official in test.blocks:
            try:
                block = Block.decode(official.encoding)
            except DecodeError:
                assert not official.is_valid, test.name
                continue
            assert _anew(block).encode() == official.encoding, test.name
            assert official.encoding.endswith(block.header.encode() + block.encode_body())
            hashes = [transaction.hash for transaction in block.transactions]
            assert block.transaction_list.hashes() == hashes, test.name
            for said in official.members.get("receipts", ()):
                if "rlp" in said:
                    encoding = bytes.fromhex(said["rlp"][2:])
                    assert Receipt.decode(encoding).encode() == encoding, test.name
            if official.is_valid:
                assert f"0x{block.hash.hex()}" == official.members["blockHeader"]["hash"]
                assert block.transactions_root == block.header.transactions_root
                assert block.withdrawals_root == block.header.withdrawals_root
                assert block.ommers_hash == block.header.ommers_hash


@pytest.mark.parametrize("archive", SMALL_ARCHIVES)
def test_official_blocks_encode_to_the_bytes_they_came_from(archive: str) -> None:
    _check_official_blocks(archive)


@pytest.mark.slow
@pytest.mark.parametrize("archive", LARGE_ARCHIVES)
def test_all_official_blocks_encode_to_the_bytes_they_came_from(archive: str) -> None:
    _check_official_blocks(archive)


@pytest.mark.parametrize("number", sorted(mainnet_index()))
def test_mainnet_blocks_go_through_rlp_and_json(number: int) -> None:
    block = read_block_file(mainnet_block(number)).block
    if block.ommers is None:  # only their hashes are in the file
        with pytest.raises(ValueError, match="ommers"):
            block.encode()
        return
    again = Block.decode(block.encode())
    assert _anew(again).encode() == block.encode()
    assert again == replace(block, transaction_hashes=(), senders=())
    assert Block.from_fields(Fields(block.to_json(), "")) == block
    said = tuple(transaction.hash for transaction in again.transactions)
    assert said == block.transaction_hashes


def test_the_samples_are_of_every_kind() -> None:
    blocks = [Block.decode(encoding) for encoding in sample_blocks()]
    assert {block.header.member_count for block in blocks} == {15, 16, 17, 20, 21, 22, 23}
    assert {t.type for block in blocks for t in block.transactions} == {0, 1, 2, 3, 4}
    assert any(block.ommers for block in blocks)
    assert any(block.withdrawals for block in blocks)


def test_parts_of_blocks_go_through_rlp_and_json() -> None:
    for encoding in sample_blocks():
        block = Block.decode(encoding)
        assert Block.from_fields(Fields(_with_hashes(block), "")) == replace(
            block,
            transaction_hashes=tuple(t.hash for t in block.transactions),
            senders=(None,) * len(block.transactions),
        )
        assert Header.decode(block.header.encode()) == block.header
        for transaction in block.transactions:
            assert Transaction.decode(transaction.encode()) == transaction
            assert Transaction.from_fields(Fields(transaction.to_json(), "")) == transaction
        for withdrawal in block.withdrawals or ():
            assert Withdrawal.decode(withdrawal.encode()) == withdrawal


def _with_hashes(block: Block) -> dict[str, Any]:
    return block.to_json()


def test_a_replaced_transaction_has_an_encoding_of_its_own() -> None:
    transaction = Block.decode(sample_blocks()[0]).transactions[0]
    transaction.encode()
    assert replace(transaction, nonce=transaction.nonce + 1).encode() != transaction.encode()


# A mutation: what becomes of bytes, given two numbers.
Mutation = Callable[[bytes, int, int], bytes]
MUTATIONS: dict[str, Mutation] = {
    "flip": lambda data, at, bit: data[:at] + bytes([data[at] ^ 1 << bit % 8]) + data[at + 1 :],
    "cut": lambda data, at, size: data[:at] + data[at + 1 + size % 4 :],
    "truncate": lambda data, at, _: data[:at],
    "insert": lambda data, at, byte: data[:at] + bytes([byte % 256]) + data[at:],
    "repeat": lambda data, at, size: data[: at + size % 64] + data[at:],
    "append": lambda data, _, byte: data + bytes([byte % 256]),
}


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_bytes_are_refused_or_encode_to_themselves(data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(sample_blocks()))
    for _ in range(data.draw(st.integers(1, 3))):
        if not encoding:
            break
        mutate = data.draw(st.sampled_from(list(MUTATIONS)))
        # Half of the time at the start, where lengths, types and the header are.
        end = data.draw(st.sampled_from((min(len(encoding), 700), len(encoding))))
        at = data.draw(st.integers(0, end - 1))
        encoding = MUTATIONS[mutate](encoding, at, data.draw(st.integers(0, 255)))
    _is_refused_or_encodes_to_itself(Block, encoding)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_structure_is_refused_or_encodes_to_itself(data: st.DataObject) -> None:
    """Well-formed RLP of something else: what random bytes seldom are."""
    value: Any = decode(data.draw(st.sampled_from(sample_blocks())))
    generator = random.Random(data.draw(st.integers(0, 2**32)))
    for _ in range(generator.randint(1, 3)):
        _mutate(value, generator)
    _is_refused_or_encodes_to_itself(Block, encode(value))


def _mutate(value: list[Any], generator: random.Random) -> None:
    """Change one element somewhere in the lists."""
    while True:
        place = generator.randrange(len(value)) if value else 0
        inner = value[place] if value else None
        if isinstance(inner, list) and inner and generator.random() < 0.8:
            value = inner
            continue
        break
    leaf = inner if isinstance(inner, bytes) else b""
    changed: list[Any] = [b"", b"\0", [], leaf + b"\0", b"\0" + leaf, leaf[1:], [leaf], leaf * 2]
    changed += [b"\xff" * size for size in (8, 9, 20, 31, 32, 33)]
    change = generator.randrange(3)
    if change == 0 and value:
        del value[place]
    elif change == 1 or not value:
        value.insert(place, generator.choice(changed))
    else:
        value[place] = generator.choice(changed)


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
        for element in value:
            yield from _lists(element)


def test_no_list_has_an_element_more_or_less() -> None:
    """Every list of a transaction of each type, one after another."""
    blocks = map(Block.decode, sample_blocks())
    by_type = {t.type: t for b in blocks for t in b.transactions}
    assert sorted(by_type) == [0, 1, 2, 3, 4]
    listed: Any = ((b"\1" * 20, (1, 2)), (b"\2" * 20, ()))
    for kind, transaction in by_type.items():
        transaction = replace(transaction, access_list=listed if kind else ())
        prefix = transaction.encode()[:1] if transaction.type else b""
        value = decode(transaction.encode()[len(prefix) :])
        for elements in _lists(value):
            for extra in (b"", b"\1", bytes(32), []):
                elements.append(extra)
                _is_refused_or_encodes_to_itself(Transaction, prefix + encode(value))
                elements.pop()
            if elements:
                last = elements.pop()
                _is_refused_or_encodes_to_itself(Transaction, prefix + encode(value))
                elements.append(last)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_transactions_are_refused_or_encode_to_themselves(data: st.DataObject) -> None:
    block = Block.decode(data.draw(st.sampled_from(sample_blocks())))
    encoding = data.draw(st.sampled_from([t.encode() for t in block.transactions] or [b"\xc0"]))
    mutate = MUTATIONS[data.draw(st.sampled_from(list(MUTATIONS)))]
    at = data.draw(st.integers(0, len(encoding) - 1))
    _is_refused_or_encodes_to_itself(
        Transaction, mutate(encoding, at, data.draw(st.integers(0, 255)))
    )


@pytest.mark.parametrize("kind", [Block, Header, Transaction, Receipt, Withdrawal])
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_encode_to_themselves(kind: Any, data: bytes) -> None:
    _is_refused_or_encodes_to_itself(kind, data)


def _is_refused_or_encodes_to_itself(kind: Any, encoding: bytes) -> None:
    caught: DecodeError | None = None
    try:
        value = kind.decode(encoding)
    except DecodeError as error:
        caught = error
    if caught is None:
        assert _anew(value).encode() == encoding
    else:
        assert caught.place
        assert str(caught).startswith(caught.place)


def _typed_block() -> list[Any]:
    """The value of a block whose first transaction is of type 2."""
    for encoding in sample_blocks():
        block = Block.decode(encoding)
        if block.transactions and block.transactions[0].type == 2 and block.withdrawals:
            return decode(encoding)  # type: ignore[return-value]  # a block is a list
    raise AssertionError("no block with a dynamic-fee transaction")


def _set(value: Any, path: tuple[int, ...], new: Any) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


@pytest.mark.parametrize(
    ("path", "new", "place"),
    [
        ((0, 0), b"\1" * 31, "block.header.parentHash"),
        ((0, 2), b"", "block.header.miner"),
        ((0, 6), b"\0" * 255, "block.header.logsBloom"),
        ((0, 7), b"\1" * 33, "block.header.difficulty"),
        ((0, 8), b"\1" * 9, "block.header.number"),
        ((0, 9), b"\0\1", "block.header.gasLimit"),
        ((0, 14), b"\0" * 7, "block.header.nonce"),
        ((0,), [b"\1"], "block.header.parentHash"),
        ((1, 0), b"", "block.transactions[0]"),
        ((1, 0), b"\x05\xc0", "block.transactions[0]"),
        ((1, 0), b"\x7f\xc0", "block.transactions[0]"),
        ((1, 0), b"\x02\x80", "block.transactions[0]"),
        ((1, 0), b"\xc0", "block.transactions[0]"),  # a legacy transaction is no bytes
        ((1, 0), [b"\1"], "block.transactions[0].gasPrice"),
        ((2,), [[b"\1"]], "block.ommers[0].parentHash"),
        ((2,), b"\1", "block.ommers"),
        ((3, 0), [b"", b"", b"\1" * 20], "block.withdrawals[0].amount"),
        ((3, 0), [b"", b"", b"\1" * 20, b"", b""], "block.withdrawals[0]"),
        ((3,), b"", "block.withdrawals"),
    ],
)
def test_an_error_names_the_place(path: tuple[int, ...], new: Any, place: str) -> None:
    value = _typed_block()
    _set(value, path, new)
    with pytest.raises(DecodeError) as caught:
        Block.decode(encode(value))
    assert caught.value.place == place


def test_withdrawals_and_their_root_belong_together() -> None:
    value = _typed_block()
    with pytest.raises(DecodeError, match="belong together"):
        Block.decode(encode(value[:3]))
    with pytest.raises(DecodeError, match="too many"):
        Block.decode(encode([*value, []]))


@pytest.mark.parametrize("count", range(10, 25))
def test_a_header_has_as_many_members_as_some_fork_says(count: int) -> None:
    members = max((decode(each)[0] for each in sample_blocks()), key=len)
    encoding = encode([*members, b""][:count])
    if count in (15, 16, 17, 20, 21, 22, 23):
        assert Header.decode(encoding).member_count == count
    else:
        with pytest.raises(DecodeError):
            Header.decode(encoding)
