"""Blocks decoded natively, against the same item by item; members come when asked for."""

from __future__ import annotations

import copy
import pickle
import random
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields, replace
from functools import cache
from typing import Any, cast

import pytest
from tests.ethereum.item_by_item import item_by_item
from tests.ethereum.official import LARGE_ARCHIVES, SMALL_ARCHIVES, official_chains, sample_blocks
from tests.fixtures import mainnet_block, mainnet_index

from blockstm import execute_block
from blockstm._native.wire.transaction_list import decode_listed
from blockstm.bench.blocks.signed_blocks import chain_of_generated, signed_block
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.execution import prepare_file
from blockstm.ethereum.files.block_files import read_block_file

MEMBERS = [each.name for each in fields(Transaction) if each.init]


def said(encoding: bytes) -> Block | tuple[str, str]:
    """What comes of an encoding: a block, or the words and the place of an error."""
    try:
        return Block.decode(encoding)
    except DecodeError as error:
        return str(error), error.place


def check(encoding: bytes) -> Block | tuple[str, str]:
    """Both ways say the same."""
    with item_by_item():
        expected = said(encoding)
    found = said(encoding)
    assert found == expected, encoding.hex()
    if isinstance(found, Block) and isinstance(expected, Block):
        for ours, theirs in zip(found.transactions, expected.transactions, strict=True):
            assert ours.encode() == theirs.encode()
    return found


def is_read(transaction: Transaction) -> bool:
    """Whether its members are there: asked of the slot, past all that would fetch them."""
    try:
        Transaction.__dict__["nonce"].__get__(transaction)
    except AttributeError:
        return False
    return True


@cache
def a_block() -> Block:
    return read_block_file(mainnet_block(13287210)).block


def within_a_block(encoding: bytes, count: int = 1) -> list[Transaction]:
    """Of a block with so many of this transaction."""
    transactions = (Transaction.decode(encoding),) * count
    return list(Block.decode(replace(a_block(), transactions=transactions).encode()).transactions)


def decoded(encoding: bytes) -> Block:
    block = Block.decode(encoding)
    assert not any(map(is_read, block.transactions))
    return block


@cache
def transactions_of_every_type() -> list[bytes]:
    found: dict[tuple[int, bool], bytes] = {}
    for encoding in sample_blocks():
        for each in Block.decode(encoding).transactions:
            found.setdefault((each.type, bool(each.access_list)), each.encode())
    assert {kind for kind, _ in found} == {0, 1, 2, 3, 4}
    return list(found.values())


# ---- the same as item by item


def test_sample_blocks_of_every_type_are_the_same() -> None:
    for encoding in sample_blocks():
        assert isinstance(check(encoding), Block)


@pytest.mark.parametrize("number", sorted(mainnet_index()))
def test_blocks_of_mainnet_are_the_same(number: int) -> None:
    source = read_block_file(mainnet_block(number)).block
    if source.ommers is None:
        source = replace(source, ommers=())
    block = check(source.encode())
    assert isinstance(block, Block)
    assert block.transactions == source.transactions


@pytest.mark.slow
@pytest.mark.parametrize("archive", SMALL_ARCHIVES + LARGE_ARCHIVES)
def test_all_official_blocks_are_the_same_valid_or_not(archive: str) -> None:
    for test in official_chains(archive):
        for official in test.blocks:
            check(official.encoding)


def mutations(source: random.Random, count: int) -> Iterator[bytes]:
    """Sample blocks with bytes changed, added, taken away, or swapped with others of the block."""
    samples = sorted(sample_blocks(), key=len)
    small = samples[: len(samples) * 3 // 4]
    for _ in range(count):
        broken = bytearray(source.choice(small))
        for _ in range(source.choice((1, 1, 1, 2, 3))):
            place = source.randrange(len(broken))
            byte = source.choice((source.randrange(256), 0, 0x7F, 0x80, 0x81, 0xB8, 0xC0, 0xF8))
            change = source.randrange(4)
            if change < 2:
                broken[place] = byte
            elif change == 2:
                broken.insert(place, byte)
            elif len(broken) > 1:
                del broken[place]
        yield bytes(broken)


@pytest.mark.parametrize("seed", range(4))
def test_broken_blocks_are_refused_in_the_same_words(seed: int) -> None:
    for encoding in mutations(random.Random(seed), 500):
        check(encoding)


@pytest.mark.slow
def test_a_hundred_thousand_broken_blocks_are_refused_in_the_same_words() -> None:
    outcomes = [type(check(encoding)) for encoding in mutations(random.Random(7), 100_000)]
    assert outcomes.count(Block) > 5_000  # where the change is one of content
    assert outcomes.count(tuple) > 50_000


def test_the_first_transaction_that_is_wrong_is_the_one_named() -> None:
    """Each alone, and with one behind it that is wrong as well."""
    sample = max(sample_blocks(), key=lambda each: len(Block.decode(each).transactions))
    block = Block.decode(sample)
    encodings = [each.encode() for each in block.transactions]
    for index, encoding in enumerate(encodings):
        at = sample.index(encoding)
        broken = bytearray(sample)
        broken[at + (encoding[0] < 0xC0)] ^= 0x40  # the list's header
        broken[sample.index(encodings[-1]) + (encodings[-1][0] < 0xC0)] ^= 0x40
        if index == len(encodings) - 1:
            broken = bytearray(sample)
            broken[at + (encoding[0] < 0xC0)] ^= 0x40
        outcome = check(bytes(broken))
        assert isinstance(outcome, tuple)
        assert outcome[1].startswith(f"block.transactions[{index}]")


def test_a_part_that_is_none_is_refused() -> None:
    for start, stop in ((-1, 1), (2, 1), (0, 4)):
        with pytest.raises(ValueError, match="no part of 3 bytes"):
            decode_listed(Transaction, b"abc", start, stop)


# ---- members come when asked for


@pytest.mark.parametrize(
    "ask",
    [
        repr,
        hash,
        asdict,
        replace,
        copy.copy,
        copy.deepcopy,
        lambda each: pickle.loads(pickle.dumps(each)),
        lambda each: each.to_json(),
        lambda each: each.hash,
        lambda each: each.signing_hash,
        lambda each: each.y_parity,
        *(lambda each, name=name: getattr(each, name) for name in MEMBERS),
    ],
)
def test_whatever_is_asked_first_is_answered_the_same(ask: Callable[[Transaction], Any]) -> None:
    for encoding in transactions_of_every_type():
        with item_by_item():
            expected = Transaction.decode(encoding)
        assert is_read(expected)
        for transaction in (Transaction.decode(encoding), *within_a_block(encoding)):
            assert not is_read(transaction)
            assert ask(transaction) == ask(expected)
            assert transaction == expected
            assert is_read(transaction)
            assert repr(transaction) == repr(expected)
            assert transaction.encode() == encoding


def test_a_name_that_is_no_members_is_none() -> None:
    [transaction, *_] = map(Transaction.decode, transactions_of_every_type())
    assert not hasattr(transaction, "nonsense")
    with pytest.raises(AttributeError, match="'Transaction' object has no attribute 'nonsense'"):
        transaction.nonsense  # noqa: B018  # the access is what is tested
    with pytest.raises(AttributeError, match="cannot assign to field"):
        transaction.nonce = 1
    assert not is_read(transaction)
    with pytest.raises(AttributeError):
        Transaction.__new__(Transaction).nonce  # noqa: B018  # nothing to read it off


def test_a_class_made_of_it_is_decoded_as_itself() -> None:
    class Mine(Transaction):
        pass

    for encoding in transactions_of_every_type():
        mine = Mine.decode(encoding)
        assert type(mine) is Mine
        assert mine.nonce == Transaction.decode(encoding).nonce


def test_a_class_that_makes_something_else_is_written_by_name() -> None:
    """Not to where a transaction has its members, which the other object has not."""

    class Smaller:
        __slots__ = ()

    class MadeOf(Transaction):
        other: Any = None

        def __new__(cls, *_: object) -> Any:
            return object.__new__(cls.other)

    for encoding in transactions_of_every_type():
        MadeOf.other = Smaller
        with pytest.raises(AttributeError, match="Smaller"):
            MadeOf.decode(encoding)
        MadeOf.other = Transaction
        assert MadeOf.decode(encoding) == Transaction.decode(encoding)


class Short(Transaction):
    """With an encoding of its own, made whenever it is asked for."""

    __slots__ = ()

    def encode(self) -> bytes:
        return bytes([5]) + self.data


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, replace, lambda block: pickle.loads(pickle.dumps(block))],
)
@pytest.mark.parametrize("is_listed", [False, True])
def test_a_copied_block_has_the_encodings_of_what_was_made_by_hand(
    copied: Callable[[Block], Block], is_listed: bool
) -> None:
    given = a_block().transactions[:2]
    by_hand = Short(**{name: getattr(given[0], name) for name in MEMBERS} | {"data": b"abc"})
    block = replace(a_block(), transactions=(given[0], by_hand, replace(given[1])), ommers=())
    if is_listed:
        block.transaction_list.root()
    made = copied(block)
    assert made == block
    assert made.encode() == block.encode()
    assert made.transaction_list.hashes() == [each.hash for each in block.transactions]


@pytest.mark.parametrize("wrong", [bytearray(b"\5abc"), b"", None, "abc"])
def test_a_class_whose_encoding_is_no_bytes_is_told(wrong: Any) -> None:
    class Odd(Transaction):
        __slots__ = ()

        def encode(self) -> bytes:
            return cast(bytes, wrong)

    first = a_block().transactions[0]
    odd = Odd(**{name: getattr(first, name) for name in MEMBERS})
    block = replace(a_block(), transactions=(first, odd), ommers=())
    for ask in (Block.encode, Block.encode_body, lambda block: block.transactions_root):
        with pytest.raises(InputError, match="the encoding of a transaction is bytes"):
            ask(block)


def test_threads_that_ask_at_once_get_the_same() -> None:
    encodings = transactions_of_every_type() * 200
    transactions = list(map(Transaction.decode, encodings[::2]))
    for place, encoding in enumerate(encodings[1::2]):
        transactions[2 * place + 1 : 2 * place + 1] = within_a_block(encoding)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(lambda: list(map(repr, transactions))) for _ in range(4)]
    with item_by_item():
        expected = [repr(Transaction.decode(encoding)) for encoding in encodings]
    assert all(each.result() == expected for each in asked)


def test_a_transaction_of_a_block_is_small_and_lets_the_block_go_when_asked() -> None:
    count = 2_000
    encoding = next(each for each in transactions_of_every_type() if each[:1] == b"\2")
    block = replace(a_block(), transactions=(Transaction.decode(encoding),) * count)
    tracemalloc.start()
    try:
        held = block.encode()
        before = tracemalloc.get_traced_memory()[0]
        transactions = Block.decode(held).transactions
        assert tracemalloc.get_traced_memory()[0] - before < 250 * count
        kept = transactions[7]
        size = len(held)
        del held, transactions
        assert size < tracemalloc.get_traced_memory()[0] < size + 100_000
        assert kept.encode() == encoding
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_a_block_is_executed_without_asking_for_members() -> None:
    """What parsing, recovering, checking and running need, they read off the encodings."""
    file = read_block_file(mainnet_block(13287210))
    file = replace(file, block=decoded(replace(file.block, ommers=()).encode()))
    run = prepare_file(file).run(execute_block)
    assert not file.block.has_unread_transactions  # those that name lists are read in Python
    assert len(run.receipts) == len(file.block.transactions)
    read = list(filter(is_read, file.block.transactions))
    assert all(each.access_list for each in read)  # these go through Python
    assert len(read) < len(file.block.transactions) / 10


def test_a_block_is_encoded_again_without_its_transactions_being_made() -> None:
    encoding = replace(a_block(), ommers=()).encode()
    block = Block.decode(encoding)
    assert block.encode() == encoding
    assert encoding.endswith(block.header.encode() + block.encode_body())
    assert block.has_unread_transactions


def test_plain_transactions_of_a_block_are_verified_without_being_made() -> None:
    signed = signed_block("transfers-20000", count=300)
    block = Block.decode(signed.encoding)
    executed = execute_block(block, signed.state, "evm", chain=chain_of_generated(False), workers=2)
    assert executed.state_root == block.header.state_root
    assert block.has_unread_transactions
    assert executed.receipts[0].contract_address is None  # which asks for the first
    assert len(block.transactions) == 300


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        replace,
        lambda block: pickle.loads(pickle.dumps(block)),
    ],
)
def test_a_block_that_nobody_has_asked_is_what_it_was_made_of(
    copied: Callable[[Block], Block],
) -> None:
    encoding = replace(a_block(), ommers=()).encode()
    with item_by_item():
        expected = Block.decode(encoding)
    assert Block.decode(encoding) == expected
    assert expected == Block.decode(encoding)
    assert hash(Block.decode(encoding)) == hash(expected)
    assert repr(Block.decode(encoding)) == repr(expected)
    made = copied(Block.decode(encoding))
    assert made == expected
    assert made.encode() == encoding
    assert made.transaction_list.hashes() == [each.hash for each in expected.transactions]
    block = Block.decode(encoding)
    assert block.has_unread_transactions
    assert block.transactions is block.transactions
    assert type(block.transactions) is tuple
    assert block.transaction_list.transactions is block.transactions
    assert not block.has_unread_transactions
    with pytest.raises(AttributeError, match="'Block' object has no attribute 'nonsense'"):
        block.nonsense  # type: ignore[attr-defined]  # noqa: B018  # what is tested


def test_threads_that_ask_a_block_at_once_get_the_same() -> None:
    encoding = replace(a_block(), ommers=()).encode()
    for _ in range(20):
        block = Block.decode(encoding)
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(getattr, block, "transactions") for _ in range(4)]
        first = asked[0].result()
        assert all(each.result() is first for each in asked)


def test_a_property_of_a_block_tells_what_is_wrong_with_a_member() -> None:
    block = replace(a_block(), withdrawals=(5,))
    with pytest.raises(AttributeError, match="'int' object has no attribute 'encode'"):
        _ = block.withdrawals_root
