"""Chains against a dictionary of states: random imports, branches, heads, reopenings, readers."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_typing import Hash32
from tests.chain.growing import child, genesis, random_transactions, with_other_root

import blockstm
from blockstm.chain import Chain, ChainState
from blockstm.errors import InvalidBlock, PrunedState
from blockstm.ethereum import Account, AccountState, Block
from blockstm.types import Address

WINDOW = 12
CACHES = (1 << 20, 0, 1 << 14, 64 << 20)
Reopen = Callable[[Chain], Chain]


class Model:
    """What the chain should have: the state after each block, and which block is its head."""

    def __init__(self, chain: Chain) -> None:
        first = genesis()
        self.blocks: dict[Hash32, Block] = {first.block.hash: first.block}
        self.states: dict[Hash32, AccountState] = {first.block.hash: AccountState(first.accounts)}
        self.head = first.block.hash
        self.spec = chain.spec

    def add(self, block: Block) -> None:
        """Execute a block serially on the state of its parent."""
        parent = self.blocks[block.header.parent_hash]
        before = self.states[parent.hash]
        done = blockstm.execute_block(
            block, before, "evm", chain=self.spec, parent=parent.header, workers=1
        )
        after = before.copy()
        after.apply(done.writes)
        self.blocks[block.hash], self.states[block.hash] = block, after

    def lineage(self) -> list[Hash32]:
        """The head and its ancestors."""
        found = [self.head]
        while self.blocks[found[-1]].header.number:
            found.append(self.blocks[found[-1]].header.parent_hash)
        return found

    def oldest(self, so_far: int) -> int:
        """The number of the oldest state that can be had."""
        return max(so_far, self.blocks[self.head].header.number - WINDOW)


def check_state(state: ChainState, accounts: dict[Address, Account]) -> None:
    """Everything in a state is what the model has."""
    for address, account in accounts.items():
        found = state.account(address)
        assert found is not None
        assert (found.balance, found.nonce, found.code_hash) == (
            account.balance,
            account.nonce,
            account.code_hash,
        )
        for slot in (*account.storage, 0, 1, 2, 3, 4, 5):
            assert state.storage(address, slot) == account.storage.get(slot, 0)
        assert state.code_at(address) == account.code


class Readers:
    """Threads that read states while the chain goes on, and states that they held on to."""

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def read(self, state: ChainState, accounts: dict[Address, Account]) -> None:
        def run() -> None:
            try:
                for _ in range(5):
                    check_state(state, accounts)
            except BaseException as error:
                self.failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
        assert self.failures == []


def run_model(chain: Chain, reopen: Reopen, seed: int, steps: int) -> None:
    draw = random.Random(seed)
    model, readers, oldest = Model(chain), Readers(), 0
    held: list[tuple[ChainState, dict[Address, Account]]] = []
    for _ in range(steps):
        in_reach = [each for each in model.lineage() if model.blocks[each].header.number >= oldest]
        branches = [each for each in model.blocks if _is_reachable(model, each, in_reach, oldest)]
        match draw.randrange(10):
            case 0 | 1 | 2 | 3:
                grow(chain, model, model.head, draw)
            case 4 | 5:
                grow(chain, model, draw.choice(branches), draw)
            case 6:
                top = draw.choice(branches)
                chain.set_head(top)
                model.head = top
            case 7:
                with pytest.raises(InvalidBlock):
                    chain.import_block(with_other_root(child(chain, draw.choice(branches))))
            case 8:
                readers.join()
                chain, held = reopen(chain), []
            case 9:
                chosen = draw.choice(branches)
                accounts = dict(model.states[chosen].accounts())
                state = chain.state_at(chosen)
                held.append((state, accounts))
                readers.read(state, accounts)
        oldest = model.oldest(oldest)
        assert (chain.head.hash, chain.oldest_state) == (model.head, oldest)
    compare(chain, model, oldest)
    readers.join()
    for state, accounts in held:
        check_state(state, accounts)
    assert chain.audit().findings == ()
    chain.close()


def _is_reachable(model: Model, block_hash: Hash32, lineage: list[Hash32], oldest: int) -> bool:
    """Whether a block stands on one of the lineage that is not behind the window."""
    while block_hash not in lineage:
        header = model.blocks[block_hash].header
        if header.number <= oldest:
            return False
        block_hash = header.parent_hash
    return True


def grow(chain: Chain, model: Model, parent_hash: Hash32, draw: random.Random) -> None:
    transactions = random_transactions(chain, parent_hash, draw)
    block = child(chain, parent_hash, transactions, seconds=12 + draw.randrange(4))
    imported = chain.import_block(block)
    if imported.executed is not None:
        model.add(block)
    if parent_hash == model.head:
        model.head = block.hash
    assert imported.is_head == (model.head == block.hash)


def compare(chain: Chain, model: Model, oldest: int) -> None:
    """The whole history, back to the oldest state."""
    for block_hash in model.lineage():
        block = model.blocks[block_hash]
        number = block.header.number
        assert chain.block(number).encode() == block.encode()
        assert chain.block_hash(number) == block_hash
        for index, transaction in enumerate(block.transactions):
            found = chain.transaction(transaction.hash)
            assert (found.block_hash, found.index) == (block_hash, index)
        if number < oldest:
            with pytest.raises(PrunedState):
                chain.state_at(number)
        else:
            state = chain.state_at(number)
            assert state.root == block.header.state_root
            check_state(state, dict(model.states[block_hash].accounts()))


def run_on_disk(path: Path, workers: int, seed: int, steps: int) -> None:
    def open_chain() -> Chain:
        cache = CACHES[seed % len(CACHES)]  # which is begun anew at each reopening
        return Chain.open(path, genesis(), window=WINDOW, workers=workers, cache_bytes=cache)

    def reopen(chain: Chain) -> Chain:
        chain.close()
        return open_chain()

    run_model(open_chain(), reopen, seed, steps)


@pytest.mark.parametrize("seed", range(4))
def test_a_chain_in_memory_is_its_model(seed: int) -> None:
    chain = Chain.in_memory(genesis(), window=WINDOW, workers=1)
    run_model(chain, lambda same: same, seed, 80)


@pytest.mark.parametrize("seed", range(4))
def test_a_chain_on_disk_is_its_model(seed: int, tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    run_on_disk(tmp_path / "chain", 1, seed, 80)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_longer_chain_on_disk_is_its_model(seed: int, tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    run_on_disk(tmp_path / "chain", 2, seed, 400)
