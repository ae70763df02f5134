"""`Chain` in memory: blocks imported, branches, heads, states, and what is refused."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from eth_typing import Hash32
from tests.chain.growing import (
    COUNTER,
    RECIPIENTS,
    blocks_in,
    child,
    genesis,
    grown,
    with_other_root,
)
from tests.ethereum.made import SENDERS, signed
from tests.fixtures import fixtures

import blockstm
from blockstm.chain import Chain, ChainState
from blockstm.errors import (
    ClosedError,
    ConfigError,
    DecodeError,
    ForkedError,
    InputError,
    InvalidBlock,
    PrunedState,
    UnknownBlock,
    UnknownParent,
)
from blockstm.ethereum import Block, Reason, RootedState
from blockstm.ethereum.blocks.receipt import receipts_root


@pytest.fixture
def chain() -> Iterator[Chain]:
    with Chain.in_memory(genesis(), workers=1) as made:
        yield made


@cache
def execution_apis() -> tuple[Any, list[bytes], Hash32]:
    """The genesis, the blocks and the head of a chain through all forks."""
    with tarfile.open(fixtures() / "execution-apis.tar.xz") as files:

        def member(name: str) -> bytes:
            found = files.extractfile(f"execution-apis/{name}")
            assert found is not None
            return found.read()

        head = json.loads(member("headfcu.json"))["params"][0]["headBlockHash"]
        document = json.loads(member("genesis.json"))
        return document, list(blocks_in(member("chain.rlp"))), Hash32(bytes.fromhex(head[2:]))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_chain_through_all_forks_is_imported(workers: int) -> None:
    document, blocks, head = execution_apis()
    with Chain.in_memory(document, workers=workers) as chain:
        imported = list(chain.import_blocks(blocks))
        assert [each.number for each in imported] == list(range(1, len(blocks) + 1))
        assert all(each.is_head for each in imported)
        assert chain.head.hash == head
        for number in range(chain.head.number + 1):
            header = chain.header(number)
            state = chain.state_at(number)
            assert state.root_after(blockstm.ethereum.AccountChanges({}, None)) == state.root
            assert receipts_root(chain.receipts(number)) == header.receipts_root
            block = chain.block(number)
            assert block.encode() == (blocks[number - 1] if number else block.encode())
            for index, transaction in enumerate(block.transactions):
                found = chain.transaction(transaction.hash)
                assert (found.number, found.index) == (number, index)
                assert found.transaction == transaction


def test_receipts_are_those_of_the_execution(chain: Chain) -> None:
    creation = signed(1, nonce=0, to=None, value=0, data=b"\x60\x00", gas_price=10**9)
    pays = signed(0, nonce=0, gas_price=10**9)
    imported = chain.import_block(child(chain, None, [pays, creation]))
    kept = chain.receipts(1)
    assert list(kept) == list(imported.receipts)
    assert [each.gas_used for each in kept] == [each.gas_used for each in imported.receipts]
    assert [each.contract_address for each in kept] == [
        each.contract_address for each in imported.receipts
    ]
    assert chain.block(1).senders == (SENDERS[0], SENDERS[1])
    assert chain.transaction(creation.hash).sender == SENDERS[1]


def test_a_state_stays_as_it_was(chain: Chain) -> None:
    before = chain.state_at(0)
    slots = (7).to_bytes(32, "big") + (9).to_bytes(32, "big")
    stores = signed(0, nonce=0, to=COUNTER, value=0, data=slots, gas_price=10**9)
    chain.import_block(child(chain, None, [stores]))
    after = chain.state_at(1)
    assert (before.storage(COUNTER, 7), after.storage(COUNTER, 7)) == (0, 9)
    assert (before.storage(COUNTER, 1), after.storage(COUNTER, 1)) == (1, 1)
    proof = after.proof(COUNTER, [7])
    assert proof.storage[7][0] == 9
    assert blockstm.ethereum.StateTrie(after.root, proof.nodes).account(COUNTER) == proof.account
    assert after.code_at(COUNTER)
    assert after.code_at(RECIPIENTS[0]) == b""
    assert isinstance(after, RootedState)


def test_a_block_runs_on_a_state_of_the_chain(chain: Chain) -> None:
    grown(chain, 3)
    state = chain.state_at(1)
    done = blockstm.execute_block(
        chain.block(2), state, "evm", chain=chain.spec, parent=chain.header(1)
    )
    assert done.state_root == chain.header(2).state_root


def test_a_block_reads_an_old_state_below_python(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = (1).to_bytes(32, "big") + (7).to_bytes(32, "big")
    block = child(chain, None, [signed(0, nonce=0, to=COUNTER, data=slot, gas_price=10**9)])
    chain.import_block(block)
    grown(chain, 2)
    state = chain.state_at(0)

    def refuse(*asked: Any) -> int:
        raise AssertionError(f"Python was asked for {asked}")

    monkeypatch.setattr(ChainState, "storage", refuse)
    done = blockstm.execute_block(
        block, state, "evm", chain=chain.spec, parent=chain.header(0), workers=2
    )
    assert done.state_root == block.header.state_root


def test_a_side_branch_is_kept_and_chosen(chain: Chain) -> None:
    main = grown(chain, 3)
    side = grown(chain, 2, main[0].hash, seconds=13)
    assert chain.head.hash == main[2].hash
    assert [chain.is_canonical(each.hash) for each in (*main, *side)] == [True] * 3 + [False] * 2
    assert chain.state_at(side[1].hash).root == side[1].header.state_root
    held = chain.transaction(main[2].transactions[0].hash)
    assert held.block_hash == main[2].hash

    assert chain.set_head(side[1].hash).hash == side[1].hash
    assert chain.block(3).hash == side[1].hash
    with pytest.raises(UnknownBlock):
        chain.transaction(main[2].transactions[0].hash)
    assert chain.block(main[2].hash).hash == main[2].hash
    top = grown(chain, 1)[0]
    assert (chain.head.hash, chain.head.number) == (top.hash, 4)
    chain.set_head(main[2].hash)
    with pytest.raises(UnknownBlock):
        chain.block(4)
    assert chain.transaction(held.transaction.hash) == held


def test_a_head_goes_back_and_on(chain: Chain) -> None:
    main = grown(chain, 5)
    chain.set_head(main[1].hash)
    assert chain.head.number == 2
    assert chain.state_at(main[4].hash).number == 5
    other = chain.import_block(main[3])
    assert (other.executed, other.is_head, chain.head.number) == (None, False, 2)
    again = chain.import_block(main[2])
    assert (again.executed, again.is_head, chain.head.number) == (None, True, 3)
    chain.set_head(main[4].hash)
    assert chain.head.hash == main[4].hash


def test_before_the_merge_difficulty_decides() -> None:
    with Chain.in_memory(genesis("byzantium"), workers=1) as chain:
        main = grown(chain, 3, seconds=30)
        slow = grown(chain, 2, main[0].hash, seconds=31)
        assert chain.head.hash == main[2].hash
        fast = grown(chain, 3, main[0].hash, seconds=1)
        assert chain.head.hash == fast[2].hash
        assert chain.total_difficulty(fast[2].hash) > chain.total_difficulty(main[2].hash)
        assert chain.total_difficulty(slow[1].hash) == sum(
            each.header.difficulty for each in (chain.block(0), main[0], *slow)
        )
        for each in (*main, *slow, *fast):
            assert chain.state_at(each.hash).root == each.header.state_root


def test_an_invalid_block_changes_nothing(chain: Chain) -> None:
    grown(chain, 2)
    head = chain.head
    bad = with_other_root(child(chain))
    with pytest.raises(InvalidBlock) as raised:
        chain.import_block(bad)
    assert raised.value.reason == Reason.STATE_ROOT
    assert (chain.head, chain.has_block(bad.hash)) == (head, False)
    grown(chain, 1)


def test_what_is_no_block_of_the_chain_is_refused(chain: Chain) -> None:
    main = grown(chain, 2)
    with pytest.raises(UnknownParent) as raised:
        chain.import_block(replace_parent(main[1]))
    assert raised.value.hash == b"\x05" * 32
    with pytest.raises(InvalidBlock) as said:
        chain.import_block(replace(child(chain), hash=Hash32(b"\x07" * 32)))
    assert said.value.reason == Reason.BLOCK_HASH
    with pytest.raises(DecodeError):
        chain.import_block(b"\xc0")
    with pytest.raises(InputError, match="RLP"):
        chain.import_block("0x")  # type: ignore[arg-type]  # what a caller may pass all the same


def replace_parent(block: Block) -> Block:
    header = replace(block.header, parent_hash=Hash32(b"\x05" * 32))
    return replace(block, header=header, hash=header.hash)


@pytest.mark.parametrize("which", [3, -1, 2**70, Hash32(b"\x09" * 32)])
def test_an_unknown_block_is_named(chain: Chain, which: Any) -> None:
    grown(chain, 2)
    for ask in (chain.block, chain.header, chain.receipts, chain.state_at, chain.total_difficulty):
        with pytest.raises(UnknownBlock):
            ask(which)


@pytest.mark.parametrize("which", [True, "latest", b"short", None, 1.0])
def test_what_names_no_block_is_refused(chain: Chain, which: Any) -> None:
    for ask in (chain.block, chain.state_at, chain.set_head, chain.transaction):
        with pytest.raises(InputError):
            ask(which)


def test_states_behind_the_window_are_gone() -> None:
    with Chain.in_memory(genesis(), workers=1, window=4) as chain:
        main = grown(chain, 3)
        side = grown(chain, 1, main[0].hash, seconds=13)
        main += grown(chain, 5)
        assert chain.oldest_state == 4
        for number in range(4, 9):
            assert chain.state_at(number).root == main[number - 1].header.state_root
        for number in range(4):
            with pytest.raises(PrunedState):
                chain.state_at(number)
            assert chain.block(number).header.number == number
        assert not chain.has_block(side[0].hash)
        with pytest.raises(PrunedState):
            chain.set_head(main[1].hash)
        with pytest.raises(PrunedState):
            chain.import_block(stranger(main[1]))
        assert chain.head.hash == main[-1].hash
        chain.set_head(main[3].hash)
        assert grown(chain, 1)[0].header.number == 5


def stranger(parent: Block) -> Block:
    """A block on top of another, of which only the header is looked at."""
    header = replace(parent.header, parent_hash=parent.hash, number=parent.header.number + 1)
    return replace(parent, header=header, hash=header.hash)


def test_blocks_before_a_bad_one_are_imported(chain: Chain) -> None:
    with Chain.in_memory(genesis(), workers=1) as other:
        good = grown(other, 3)
    bad = with_other_root(good[2])
    numbers = []
    with pytest.raises(InvalidBlock):
        numbers.extend(each.number for each in chain.import_blocks([*good[:2], bad, good[2]]))
    assert chain.head.hash == good[1].hash
    stream = chain.import_blocks(block or 1 // 0 for block in [good[2], None])
    with pytest.raises(ZeroDivisionError):
        numbers.extend(each.number for each in stream)
    assert (numbers, chain.head.number) == ([1, 2, 3], 3)


def test_a_closed_chain_says_so() -> None:
    chain = Chain.in_memory(genesis(), workers=1)
    state = chain.state_at(0)
    block = child(chain)
    chain.close()
    chain.close()
    for ask in (lambda: chain.head, lambda: chain.block(0), lambda: chain.import_block(block)):
        with pytest.raises(ClosedError):
            ask()
    assert state.account(SENDERS[0]) is not None
    assert "closed" in repr(chain)


@pytest.mark.parametrize("window", [0, -1, True, 1.5, "all"])
def test_a_window_is_a_count(window: Any) -> None:
    with pytest.raises(ConfigError, match="window"):
        Chain.in_memory(genesis(), window=window)


def test_a_genesis_without_forks_needs_them() -> None:
    bare = replace(genesis(), chain=None)
    with pytest.raises(ConfigError, match="spec="):
        Chain.in_memory(bare)
    with Chain.in_memory(bare, spec=genesis().chain) as chain:
        assert chain.head.number == 0
    with pytest.raises(InputError, match="genesis"):
        Chain.in_memory(5)  # type: ignore[arg-type]  # what a caller may pass all the same


def test_a_forked_child_reads_and_imports_nothing(chain: Chain) -> None:
    grown(chain, 2)
    first, block = chain.block_hash(1), child(chain)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            state = chain.state_at(2)
            for ask in (lambda: chain.set_head(first), lambda: chain.import_block(block)):
                with pytest.raises(ForkedError):
                    ask()
            status = 0 if state.account(SENDERS[0]) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    chain.import_block(block)
