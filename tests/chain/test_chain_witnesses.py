"""Witnesses that a chain makes: they verify, they lack nothing and have nothing to spare."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.growing import COUNTER, COUNTER_CODE, child, genesis, grown, random_transactions
from tests.chain.test_chain import execution_apis
from tests.ethereum.made import signed

import blockstm
from blockstm._native.evm.prepared import CODE_CACHE_LIMIT, code_cache
from blockstm.chain import Chain
from blockstm.chain.nodes import node_of
from blockstm.errors import (
    BlockError,
    DecodeError,
    MissingCode,
    MissingHeader,
    MissingNode,
    PrunedState,
    StateError,
    UnknownBlock,
)
from blockstm.ethereum import Account, Block, Witness, WitnessState, parse_witness
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.genesis import Genesis
from blockstm.ethereum.tries.state_trie import state_root
from blockstm.ethereum.witnesses.collapses import places_below

REFUSALS = (BlockError, MissingNode, MissingHeader, DecodeError)


class Subject:
    """A block of a chain, verified without the chain's state."""

    def __init__(self, chain: Chain, number: int) -> None:
        self.block = chain.block(number)
        self.witness = chain.witness(number)
        self._spec = chain.spec
        self._total_difficulty = chain.total_difficulty(self.block.header.parent_hash)

    def verify(self, witness: Witness, workers: int = 1) -> bool:
        """Whether the block is valid on a witness.

        Raises:
            REFUSALS: why it is not found valid.
        """
        parent, hashes = witness.ancestry(self.block)
        assert parent is not None
        executed = blockstm.execute_block(
            self.block,
            WitnessState(witness),
            "evm",
            chain=self._spec,
            parent=parent,
            block_hashes=hashes,
            total_difficulty=self._total_difficulty,
            workers=workers,
        )
        return executed.state_root == self.block.header.state_root

    def verify_document(self, document: Any, workers: int) -> bool:
        """The same for a witness in JSON."""
        return self.verify(parse_witness(document), workers)

    def verify_afresh(self, witness: Witness) -> bool:
        """The same where no code is known that another block ran."""
        code_cache(0)
        try:
            with ThreadPoolExecutor(1) as fresh:
                return fresh.submit(self.verify, witness).result()
        finally:
            code_cache(CODE_CACHE_LIMIT)

    def missing_without(self, witness: Witness) -> bytes:
        """The hash of what a witness is found to lack."""
        try:
            self.verify_afresh(witness)
        except StateError as error:
            cause = error.__cause__
            assert isinstance(cause, MissingNode | MissingCode), cause
            return cause.hash
        except (MissingNode, MissingHeader) as error:
            return error.hash
        raise AssertionError("the block was verified without something that it needs")


def check_minimal(subject: Subject) -> None:
    """It verifies, in JSON too, and does not without any one node or code."""
    witness = subject.witness
    assert subject.verify(witness, 2)
    assert subject.verify_afresh(witness)
    assert parse_witness(witness.to_json()) == witness
    assert list(witness.nodes) == sorted(set(witness.nodes))
    assert list(witness.codes) == sorted(set(witness.codes))
    for name in ("nodes", "codes"):
        whole = getattr(witness, name)
        for at, removed in enumerate(whole):
            lacking: Any = {name: whole[:at] + whole[at + 1 :]}
            assert subject.missing_without(replace(witness, **lacking)) == keccak(removed)


@pytest.fixture(scope="module")
def official() -> Iterator[Chain]:
    document, blocks, _ = execution_apis()
    with Chain.in_memory(document, window=None) as chain:
        list(chain.import_blocks(blocks))
        yield chain


@pytest.mark.parametrize("number", range(1, 55))
def test_a_block_of_every_fork_has_a_minimal_witness(official: Chain, number: int) -> None:
    check_minimal(Subject(official, number))


@pytest.mark.parametrize("fork", ["frontier", "spurious_dragon", "berlin", "shanghai", "osaka"])
@pytest.mark.parametrize("seed", range(6))
def test_random_blocks_have_minimal_witnesses(fork: str, seed: int) -> None:
    draw = random.Random(seed)
    with Chain.in_memory(genesis(fork), workers=1) as chain:
        for _ in range(6):
            made = random_transactions(chain, chain.head.hash, draw)
            chain.import_block(child(chain, None, made))
            check_minimal(Subject(chain, chain.head.number))


# ---- removals


def filled(slots: dict[int, int]) -> Genesis:
    """A first block with many slots, so that its branches have branches below them."""
    first = genesis("shanghai")
    accounts = dict(first.accounts)
    accounts[COUNTER] = Account(1, 1, COUNTER_CODE, None, slots)
    header = replace(first.block.header, state_root=state_root(accounts))
    return replace(
        first, block=replace(first.block, header=header, hash=header.hash), accounts=accounts
    )


def removal(nonce: int, slot: int) -> Any:
    data = slot.to_bytes(32, "big") + bytes(32)
    return signed(0, nonce=nonce, to=COUNTER, value=0, data=data, gas_price=10**9)


@pytest.mark.parametrize("kind", ["memory", "disk"])
@pytest.mark.parametrize("seed", range(8))
def test_what_removals_join_is_in_the_witness(kind: str, seed: int, tmp_path: Path) -> None:
    """Leaves, extensions and branches left alone in a branch: all occur with so many slots."""
    draw = random.Random(seed)
    left = {slot: slot + 1 for slot in range(draw.choice([2, 3, 5, 20, 70, 300]))}
    beginning = filled(dict(left))
    if kind == "disk":
        pytest.importorskip("mdbx")
        opened = Chain.open(tmp_path / "data", beginning, workers=1)
    else:
        opened = Chain.in_memory(beginning, workers=1)
    with opened as chain:
        nonce = 0
        while left and chain.head.number < 12:
            gone = draw.sample(sorted(left), min(len(left), draw.choice([1, 1, 3, 30])))
            block = child(chain, None, [removal(nonce + at, each) for at, each in enumerate(gone)])
            chain.import_block(block)
            for each in gone:
                del left[each]
            nonce += len(gone)
        for number in range(1, chain.head.number + 1):
            subject = Subject(chain, number)
            assert subject.verify_afresh(subject.witness)
            draw.shuffle(some := list(subject.witness.nodes))
            for removed in some[:5]:
                nodes = tuple(each for each in subject.witness.nodes if each != removed)
                subject.missing_without(replace(subject.witness, nodes=nodes))


def test_a_node_on_disk_is_found_at_its_place(tmp_path: Path) -> None:
    """Places as the chain names them are those that the native store keeps nodes at."""
    pytest.importorskip("mdbx")
    slots = {slot: slot + 1 for slot in range(300)}
    with Chain.open(tmp_path / "data", filled(slots), workers=1) as chain:
        grown(chain, 2)
    with Chain.open(tmp_path / "data", workers=1) as chain:  # it has the state of the head
        state = chain.state_at(2)
        proof, blocks = state.proof(COUNTER, range(20)), chain._now().blocks
        ways: list[Any] = [(None, keccak(COUNTER), proof.nodes)]
        ways += [
            (COUNTER, keccak(slot.to_bytes(32, "big")), nodes)
            for slot, (_, nodes) in proof.storage.items()
        ]
        for owner, key, nodes in ways:
            for node_hash, place in places_below(owner, key, nodes):
                node = node_of(blocks, place)
                assert node is not None
                assert keccak(node) == node_hash


# ---- codes

CLONED = bytes.fromhex("60026001550000")


def test_a_code_that_the_block_creates_again_is_there() -> None:
    """A worker that ran the new contract first would not ask for the old one's code."""
    first = filled({1: 1})
    accounts = dict(first.accounts) | {COUNTER: Account(1, 1, CLONED)}
    header = replace(first.block.header, state_root=state_root(accounts))
    block = replace(first.block, header=header, hash=header.hash)
    created = bytes.fromhex(f"66{CLONED.hex()}60005260076019f3")
    with Chain.in_memory(replace(first, block=block, accounts=accounts), workers=1) as chain:
        made = [
            signed(0, nonce=0, to=None, value=0, data=created, gas_price=10**9),
            signed(1, nonce=0, to=COUNTER, value=0, gas_price=10**9),
        ]
        address = chain.import_block(child(chain, None, made)).receipts[0].contract_address
        assert address is not None
        assert chain.state_at(1).code_at(address) == CLONED
        subject = Subject(chain, 1)
        assert CLONED in subject.witness.codes
        for _ in range(20):
            assert subject.verify_afresh(subject.witness)


# ---- hashes of blocks

# MSTORE(0, BLOCKHASH(CALLDATALOAD(0))); SSTORE(1, MLOAD(0))
HASHER = bytes.fromhex("60003540600155")


def test_the_headers_lead_to_the_oldest_hash_that_is_asked_for() -> None:
    first = genesis("shanghai")
    accounts = dict(first.accounts) | {COUNTER: Account(1, 1, HASHER + b"\0")}
    header = replace(first.block.header, state_root=state_root(accounts))
    block = replace(first.block, header=header, hash=header.hash)
    with Chain.in_memory(replace(first, block=block, accounts=accounts), workers=1) as chain:
        grown(chain, 8)
        nonces = [8, 9, 10]
        asks = [
            signed(
                0,
                nonce=nonce,
                to=COUNTER,
                value=0,
                data=number.to_bytes(32, "big"),
                gas_price=10**9,
            )
            for nonce, number in zip(nonces, (6, 3, 5), strict=True)
        ]
        chain.import_block(child(chain, None, asks))
        subject = Subject(chain, 9)
        assert [each.number for each in subject.witness.headers] == [4, 5, 6, 7, 8]
        check_minimal(subject)
        headers = subject.witness.headers
        with pytest.raises(StateError, match="BLOCKHASH asks for block 3"):
            subject.verify(replace(subject.witness, headers=headers[1:]))
        for at in range(1, len(headers)):
            lacking = headers[:at] + headers[at + 1 :]
            missing = subject.missing_without(replace(subject.witness, headers=lacking))
            assert missing == headers[at].hash


# ---- mutations


def mutated(witness: Witness, draw: random.Random) -> Witness:
    """The witness with one thing changed, or left out, of those that a block needs."""
    name = draw.choice([name for name in ("nodes", "codes", "headers") if getattr(witness, name)])
    things = list(getattr(witness, name))
    at = draw.randrange(len(things))
    if draw.random() < 0.2:
        del things[at]
    elif name == "headers":
        things[at] = _other_header(things[at], draw)
    else:
        things[at] = _other_bytes(things[at], draw)
    changed: Any = {name: tuple(things)}
    return replace(witness, **changed)


def _other_header(header: Any, draw: random.Random) -> Any:
    name = draw.choice(["state_root", "parent_hash", "timestamp", "gas_used", "number"])
    value = getattr(header, name)
    other = value + 1 if isinstance(value, int) else _flipped(value, draw)
    return replace(header, **{name: other})


def _flipped(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]


def _other_bytes(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    match draw.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + draw.randbytes(1 + draw.randrange(40)) + data[at:]
        case 2:
            return draw.randbytes(len(data)) + b"\0"
    return _flipped(data, draw)


class ThreadsByCode:
    """A thread for each code: what runs there is never given it, so none remembers it."""

    def __init__(self) -> None:
        self._threads: dict[bytes, ThreadPoolExecutor] = {}

    def verify(self, subject: Subject, changed: Witness, workers: int) -> bool:
        """See `Subject.verify_document`; something of the subject's is changed, or missing."""
        document = changed.to_json()
        gone = set(subject.witness.codes) - set(changed.codes)
        if not gone:
            return subject.verify_document(document, workers)
        thread = self._threads.setdefault(gone.pop(), ThreadPoolExecutor(1))
        return thread.submit(subject.verify_document, document, 1).result()

    def close(self) -> None:
        for thread in self._threads.values():
            thread.shutdown()


def check_mutations(chain: Chain, count: int, seed: int) -> None:
    """Each is refused, in JSON as it is read; codes on a thread that has not met the right one."""
    draw = random.Random(seed)
    subjects = [Subject(chain, number) for number in (20, 43, 48, 50, 52, 54)]
    code_cache(0)
    try:
        with closing(ThreadsByCode()) as threads:
            for number in range(count):
                subject = draw.choice(subjects)
                changed = mutated(subject.witness, draw)
                with pytest.raises(REFUSALS):
                    threads.verify(subject, changed, 1 + number % 2)
    finally:
        code_cache(CODE_CACHE_LIMIT)


def test_a_mutated_witness_never_passes(official: Chain) -> None:
    check_mutations(official, 300, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_mutated_witnesses_never_pass(official: Chain) -> None:
    check_mutations(official, 100_000, seed=2)


@given(junk=st.lists(st.binary(max_size=200), max_size=5), seed=st.integers(0, 1 << 32))
def test_more_than_is_needed_changes_nothing(junk: list[bytes], seed: int) -> None:
    """Nodes and codes that nobody asks for, in any order, some of them twice."""
    draw = random.Random(seed)
    with Chain.in_memory(genesis(), workers=1) as chain:
        chain.import_block(child(chain, None, random_transactions(chain, chain.head.hash, draw)))
        subject = Subject(chain, 1)
    witness = subject.witness
    nodes = [*witness.nodes, *junk, *witness.nodes[:3]]
    codes = [*junk, *witness.codes]
    draw.shuffle(nodes)
    more = replace(witness, nodes=tuple(nodes), codes=tuple(codes))
    assert subject.verify(more)
    assert parse_witness(more.to_json()).parent_state_root == witness.parent_state_root


# ---- what has none


def test_what_has_no_witness_is_refused() -> None:
    with Chain.in_memory(genesis(), window=2, workers=1) as chain:
        grown(chain, 5)
        with pytest.raises(UnknownBlock, match="first block"):
            chain.witness(0)
        with pytest.raises(UnknownBlock):
            chain.witness(6)
        with pytest.raises(PrunedState):
            chain.witness(3)
        assert Subject(chain, 4).verify(chain.witness(4))
        assert chain.witness(4) == chain.witness(chain.block_hash(4))


def test_a_block_beside_the_chain_has_a_witness_too() -> None:
    with Chain.in_memory(genesis(), workers=1) as chain:
        [_, side] = grown(chain, 2)
        first: Block = chain.block(1)
        grown(chain, 3, first.hash, seconds=24)
        assert chain.witness(side.hash).headers == (first.header,)
