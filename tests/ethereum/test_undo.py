"""Blocks taken back: the state and its root are what they were, however deep, whatever they did."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Address, Hash32
from tests.ethereum.official import documents
from tests.evm.world_blocks import FUNDS, SENDERS, context, contract, transaction, world

import blockstm
from blockstm.cli.fixtures.blocktests import BlockTest, is_block_test
from blockstm.errors import InvalidBlock, UsageError
from blockstm.ethereum import (
    Account,
    AccountChange,
    AccountState,
    Authorization,
    Block,
    StateTrie,
    prepare,
)
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.tries.state_trie import changes_of, state_root
from blockstm.state.accounts import Undo
from blockstm.testing.conflicts import ConflictGenerator
from blockstm.types import BlockResult
from blockstm.vm.evm import Evm, Signed

FORKS = [
    "frontier",
    "tangerine_whistle",
    "spurious_dragon",
    "constantinople",
    "london",
    "shanghai",
    "cancun",
    "prague",
    "osaka",
    "amsterdam",
]
BLOCKS = 10


class Seen:
    """All there is to see of a state."""

    def __init__(self, state: AccountState) -> None:
        self.accounts = dict(state.accounts())
        self.root = state_root(self.accounts)
        self.locations = len(state)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seen) and vars(self) == vars(other)


def drawn_block(conflicts: ConflictGenerator, state: AccountState, count: int) -> list[Signed]:
    """Steps with the nonces that they have one after another."""
    nonces: dict[Address, int] = {}
    steps = []
    for signed in (conflicts.draw(state) for _ in range(count)):
        nonce = nonces.get(signed.sender, state.get((signed.sender, "nonce"), 0))
        nonces[signed.sender] = nonce + 1 + signed.authorities.count(signed.sender)
        moved = replace(signed.transaction, nonce=nonce)
        steps.append(Signed(moved, signed.sender, signed.authorities))
    return steps


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("fork", FORKS)
def test_blocks_are_undone_one_by_one_down_to_the_first_state(fork: str, workers: int) -> None:
    evm = Evm(fork, context(fork))
    conflicts = ConflictGenerator(evm, random.Random(f"{fork} undone"))
    empty = Address(b"\xee" * 20)
    state = AccountState({**conflicts.accounts, empty: Account(storage={3: 3})})
    conflicts.meet([empty])
    others = state.copy()  # follows by changes of accounts in place of the engine's writes
    trie = StateTrie.of(state.accounts())
    seen, undos, other_undos, roots = [Seen(state)], [], [], [trie.root]
    for number in range(BLOCKS):
        steps = drawn_block(conflicts, state, 40)
        result = blockstm.execute_block(steps, state, evm, workers=workers, on_invalid="skip")
        assert len(result.writes) > 5, f"block {number} does nothing"
        changes = dict(changes_of(result.writes, state))
        undos.append(state.apply(result.writes, undo=True))
        other_undos.append(others.apply(changes, undo=True))
        seen.append(Seen(state))
        assert dict(others.accounts()) == seen[-1].accounts
        trie.update(changes)
        roots.append(trie.root)
        assert roots[-1] == seen[-1].root
    for depth in reversed(range(BLOCKS)):
        trie.update(undos[depth])
        assert trie.root == roots[depth]
        state.apply(undos[depth])
        assert Seen(state) == seen[depth], f"block {depth}"
        others.apply(other_undos[depth])
        assert dict(others.accounts()) == seen[depth].accounts


@pytest.mark.parametrize("fork", ["frontier", "constantinople", "cancun", "amsterdam"])
def test_what_was_undone_can_be_done_again_and_undone_again(fork: str) -> None:
    evm = Evm(fork, context(fork))
    conflicts = ConflictGenerator(evm, random.Random(7))
    state = AccountState(conflicts.accounts)
    steps = drawn_block(conflicts, state, 60)
    result = blockstm.execute_block(steps, state, evm, on_invalid="skip")
    before = Seen(state)
    undo = state.apply(result.writes, undo=True)
    after = Seen(state)
    for _ in range(3):
        redo = state.apply(undo, undo=True)
        assert Seen(state) == before
        undo = state.apply(redo, undo=True)
        assert Seen(state) == after


# ---- what a block can do to an account

A, CHILD = Address(b"\xaa" * 20), Address(b"\xcc" * 20)
DIES = "CALLER SELFDESTRUCT"


def undone(
    fork: str, accounts: Mapping[Address, Account], *blocks: list[Any]
) -> tuple[AccountState, list[BlockResult]]:
    """The state after the blocks, which taking them back and doing them again did not change."""
    state = AccountState(accounts)
    evm = Evm(fork, context(fork))
    seen, undos, results = [Seen(state)], [], []
    for steps in blocks:
        results.append(blockstm.execute_block(steps, state, evm, workers=2))
        undos.append(state.apply(results[-1].writes, undo=True))
        seen.append(Seen(state))
    redos = []
    for depth in reversed(range(len(blocks))):
        redos.append(state.apply(undos[depth], undo=True))
        assert Seen(state) == seen[depth]
    for depth in range(len(blocks)):
        state.apply(redos.pop())
        assert Seen(state) == seen[depth + 1]
    return state, results


def test_storage_that_a_selfdestruct_cleared_comes_back() -> None:
    accounts = world({A: contract(DIES, balance=5, storage={1: 10, 2**255: 20})})
    state, _ = undone("london", accounts, [transaction(0, A)])
    assert state.account(A) is None


# Makes a contract by CREATE2 of what is in its data; it stores 7 in slot 1 and returns DIES.
_INIT = "PUSH1 7 PUSH1 1 SSTORE PUSH2 0x33ff PUSH1 0 MSTORE PUSH1 2 PUSH1 30 RETURN"


@pytest.mark.parametrize("fork", ["constantinople", "london", "shanghai"])
def test_an_account_destroyed_and_made_anew_at_its_address_in_one_block(fork: str) -> None:
    init = contract(_INIT).code or b""
    factory = contract(
        "CALLDATASIZE PUSH1 0 PUSH1 0 CALLDATACOPY"
        " PUSH1 0 CALLDATASIZE PUSH1 0 PUSH1 0 CREATE2 PUSH1 0 SSTORE STOP"
    )
    made = Address(keccak(b"\xff" + A + bytes(32) + keccak(init))[12:])
    create = [transaction(0, A, data=init)]
    again = [transaction(1, made, value=3), transaction(2, A, data=init)]
    state, results = undone(fork, world({A: factory}), create, again)
    assert all(outcome.value.succeeded for each in results for outcome in each.outcomes)
    account = state.account(made)
    assert account is not None
    assert (account.storage, account.code, account.balance) == ({1: 7}, b"\x33\xff", 0)
    assert results[1].writes[made, "epoch"] == 1


def test_accounts_created_and_destroyed_in_one_transaction() -> None:
    dying = contract("PUSH1 9 PUSH1 9 SSTORE CALLER SELFDESTRUCT").code or b""
    for fork in ("frontier", "london", "cancun", "amsterdam"):
        state, results = undone(fork, world(), [transaction(0, None, data=dying, value=4)])
        assert results[0].outcomes[0].value.succeeded
        assert len(list(state.accounts())) < len(SENDERS) + 3


def test_an_empty_account_on_record_comes_back_where_it_is_cleared() -> None:
    accounts = world({CHILD: Account(storage={5: 5})})
    state, _ = undone(
        "frontier", accounts, [transaction(0, CHILD)], [transaction(0, CHILD, nonce=1, value=2)]
    )
    assert state.account(CHILD) == Account(2, storage={5: 5})
    state, _ = undone("spurious_dragon", accounts, [transaction(0, CHILD)])
    assert state.account(CHILD) is None


def test_a_delegation_comes_and_goes() -> None:
    given = Authorization(0, A, 0, 0, 1, 1)
    accounts = world({A: contract("PUSH1 1 PUSH1 1 SSTORE")})
    set_code = transaction(
        0, SENDERS[1], type=4, authorizations=(given,), authorities=(SENDERS[1],)
    )
    removed = replace(given, address=Address(bytes(20)), nonce=1)
    reset = transaction(0, A, type=4, nonce=1, authorizations=(removed,), authorities=(SENDERS[1],))
    state, _ = undone("prague", accounts, [set_code], [reset])
    assert state.account(SENDERS[1]) == Account(FUNDS, nonce=2, storage={1: 1})


def test_a_code_of_which_only_the_hash_was_known_is_unknown_again() -> None:
    code = bytes.fromhex("60016001")
    state = AccountState({A: Account(code=None, code_hash=keccak(code))})
    undo = state.apply({("code", keccak(code)): code}, undo=True)
    assert state.get(("code", keccak(code))) == code
    state.apply(undo)
    with pytest.raises(LookupError, match="only the hash"):
        state.get(("code", keccak(code)))


# ---- how an undo is used


def test_an_undo_reads_as_what_the_accounts_were() -> None:
    code = bytes.fromhex("33ff")
    state = AccountState(world({A: Account(5, 1, code, storage={1: 10, 2: 20})}))
    result = blockstm.execute_block(
        [transaction(0, A)], state, Evm("london", context("london")), workers=1
    )
    undo = state.apply(result.writes, undo=True)
    change = undo[A]
    assert (change.balance, change.nonce, change.code_hash) == (5, 1, keccak(code))
    assert (change.storage, change.exists) == ({1: 10, 2: 20}, None)
    assert set(undo) == set(changes_of(result.writes, state))


def test_blocks_are_undone_in_reverse_order_alone() -> None:
    state = AccountState({A: Account(1)})
    first = state.apply({(A, "balance"): 2}, undo=True)
    second = state.apply({(A, "balance"): 3}, undo=True)
    copy = state.copy()
    with pytest.raises(UsageError, match="reverse order"):
        state.apply(first)
    with pytest.raises(UsageError, match="reverse order"):
        AccountState({A: Account(3)}).apply(second)
    state.apply(second)
    with pytest.raises(UsageError, match="reverse order"):
        state.apply(second)
    state.apply(first)
    assert state.account(A) == Account(1)
    assert copy.account(A) == Account(3)
    copy.apply(second)  # what was made by the state it is a copy of
    assert copy.account(A) == Account(2)


def test_a_state_that_a_block_runs_on_is_read_and_not_undone() -> None:
    state = AccountState(world())
    undo = state.apply({(A, "balance"): 2}, undo=True)

    def meddle(_: Any) -> bool:
        assert state.account(A) == Account(2)
        with pytest.raises(UsageError, match="while a block is running"):
            state.apply(undo)
        return False

    steps, evm = [transaction(0, A), transaction(1, A)], Evm("london", context("london"))
    for workers in (1, 2):
        blockstm.execute_block(steps, state, evm, workers=workers, limit=meddle)
    state.apply(undo)
    assert state.account(A) is None


def test_the_root_follows_an_undo() -> None:
    """A state root is checked after each block, on whichever branch."""
    state = AccountState({A: Account(1), **world()})
    evm = Evm("london", context("london"))
    for value in (1, 2, 3):
        result = blockstm.execute_block([transaction(0, A, value=value)], state, evm)
        undo = state.apply(result.writes, undo=True)
        state.apply(undo)
    assert state_root(state.accounts()) == state_root({A: Account(1), **world()})


def test_a_forked_child_goes_on_with_a_state_that_another_thread_was_changing() -> None:
    state = AccountState({A: Account(1)})
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            state.apply(state.apply({A: AccountChange(balance=2)}, undo=True))

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(30):
            child = os.fork()
            if child == 0:
                signal.alarm(120)
                undo = state.apply({A: AccountChange(balance=3)}, undo=True)
                is_there = state.account(A) == Account(3)
                state.apply(undo)
                os._exit(0 if is_there else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        changing.join()


def test_memory_stays_flat_over_thousands_of_blocks_and_undos() -> None:
    state = AccountState({A: Account(1, storage=dict.fromkeys(range(100), 1)), **world()})
    for number in range(3000):
        writes = {(A, "epoch"): 1, (A, "balance"): number + 1}
        writes |= {(A, "storage", 1, number * 50 + slot): 5 for slot in range(50)}
        code = number.to_bytes(1000, "big")
        writes |= {("code", keccak(code)): code, (A, "code_hash"): keccak(code)}
        undo = state.apply(writes, undo=True)
        state.apply(undo)
        if number % 100 == 99:
            assert state._memory.__sizeof__() < 1 << 19  # of 3.6 MB that came and went
    assert state.account(A) == Account(1, storage=dict.fromkeys(range(100), 1))


# ---- reorganizations of official chains


class Follower:
    """A state that follows the blocks of a tree, from one branch to another by undoing."""

    def __init__(self, test: BlockTest) -> None:
        self.chain = test.chain
        self.state = AccountState(test.accounts)
        self.blocks: dict[bytes, Block] = {test.genesis_hash: test.genesis}
        self.branch: list[bytes] = [test.genesis_hash]
        self.undos: list[Undo] = []
        self.depth_max = 0

    def is_here(self) -> bool:
        return state_root(self.state.accounts()) == self.blocks[self.branch[-1]].header.state_root

    def follow(self, block: Block, execute: Any) -> None:
        """Take back what is not below the block, do what is, then the block."""
        path = [block]
        while bytes(path[-1].header.parent_hash) not in self.branch:
            path.append(self.blocks[bytes(path[-1].header.parent_hash)])
        fork_point = self.branch.index(bytes(path[-1].header.parent_hash))
        self.depth_max = max(self.depth_max, len(self.undos) - fork_point)
        while len(self.undos) > fork_point:
            self.state.apply(self.undos.pop())
            self.branch.pop()
            assert self.is_here()
        for each in reversed(path):
            self.do(each, execute)

    def do(self, block: Block, execute: Any) -> None:
        hashes = {self.blocks[each].header.number: Hash32(each) for each in self.branch}
        prepared = prepare(block, self.state, chain=self.chain, block_hashes=hashes, workers=1)
        executed = prepared.run(execute)
        undo = self.state.apply(executed.writes, undo=True)
        self.blocks[block.header.hash] = block
        self.branch.append(block.header.hash)
        self.undos.append(undo)
        assert self.is_here()


def official_trees(archive: str, part: str) -> Iterator[BlockTest]:
    for path, document in documents(archive, part):
        for name, test in document.items():
            if is_block_test(test):
                yield BlockTest(f"{path}:{name}", test)


@pytest.mark.parametrize(
    ("archive", "part", "count_min", "depth_min"),
    [
        ("ethereum-tests-blockchain.tar.xz", "/ValidBlocks/", 100, 0),
        ("ethereum-tests-blockchain.tar.xz", "/bcMultiChainTest", 1, 3),
        ("ethereum-tests-blockchain.tar.xz", "/TransitionTests/", 10, 1),
        ("eest-shanghai.tar.xz", "/blockchain_tests/", 10, 0),
        ("eest-shanghaitocancunattime15k.tar.xz", "/blockchain_tests/", 3, 0),
        ("eest-cancuntopragueattime15k.tar.xz", "/blockchain_tests/", 1, 0),
        ("eest-amsterdam-eip7928-only.tar.xz", "/blockchain_tests/", 1, 0),
    ],
)
def test_official_chains_are_followed_from_branch_to_branch(
    archive: str, part: str, count_min: int, depth_min: int
) -> None:
    depths = []
    with blockstm.Executor(workers=2) as executor:
        for test in official_trees(archive, part):
            follower = Follower(test)
            for given in test.blocks():
                if given.exception is None:
                    block = Block.decode(given.encoded)
                    try:
                        follower.follow(block, executor.execute_block)
                    except InvalidBlock as error:
                        raise AssertionError(test.name) from error
            depths.append(follower.depth_max)
            while follower.undos:
                follower.state.apply(follower.undos.pop())
                follower.branch.pop()
                assert follower.is_here(), test.name
    assert len(depths) >= count_min
    assert max(depths) >= depth_min
