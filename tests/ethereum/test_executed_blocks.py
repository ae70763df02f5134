"""What `execute_block` gives of an Ethereum block, and that it leaves the state as it was."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace
from typing import Any

import pytest
import rlp
from tests.ethereum.made import SENDERS, block_of, chain_under, sealed, signed, with_header

import blockstm
from blockstm._native.evm.prepared import EvmBlock
from blockstm.bench.blocks.pipeline import in_a_process
from blockstm.bench.blocks.signed_blocks import chain_of_generated, signed_block
from blockstm.errors import StateError
from blockstm.ethereum import Account, AccountChange, AccountState, Block, Receipt, state_root
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import verification
from blockstm.vm.evm import Execution

VMS: list[Any] = ["evm", "py-evm"]
FAILS, STORES = bytes(19) + b"\xfa", bytes(19) + b"\x57"


def world() -> AccountState:
    accounts: Any = {sender: Account(10**18) for sender in SENDERS}
    for place, code in ((FAILS, b"\xfe"), (STORES, bytes.fromhex("4360005560015460010160015500"))):
        accounts[place] = Account(0, 1, code, keccak(code))
    return AccountState(accounts)


TRANSACTIONS = (
    signed(0, nonce=0),
    signed(1, nonce=0, to=FAILS, gas=60_000),
    signed(0, nonce=1, to=None, value=0, data=bytes.fromhex("60016000f3")),
    signed(2, nonce=0, to=None, value=0, data=b"\xfe"),
    signed(1, nonce=1, to=STORES),
)


def block_and_state(fork: str = "london") -> tuple[Block, AccountState]:
    state = world()
    return sealed(block_of(TRANSACTIONS, fork), state, fork=fork), state


def evm_blocks_beside_a_result(workers: int, fork: str) -> int:
    """How many are alive in this process, which has done nothing else."""
    block, state = block_and_state(fork)
    with blockstm.Executor(blockstm.Config(workers=workers)) as executor:
        executed = executor.execute_block(block, state, "evm", fork=fork)
        gc.collect()
        alive = sum(isinstance(each, EvmBlock) for each in gc.get_objects())
    assert isinstance(executed.outcomes[0].value, Execution)
    assert executed.outcomes[1].value.error
    return alive


@pytest.mark.parametrize("fork", ["homestead", "london"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_result_does_not_keep_the_steps_that_were_run(workers: int, fork: str) -> None:
    """They take four times as much memory as the transactions."""
    assert in_a_process(evm_blocks_beside_a_result, workers, fork) == 0


@pytest.mark.parametrize("fork", ["homestead", "london"])
@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_are_found_by_the_transactions_own_index(vm: Any, workers: int, fork: str) -> None:
    block, state = block_and_state(fork)
    executed = blockstm.execute_block(block, state, vm, fork=fork, workers=workers)
    assert len(executed.outcomes) == len(TRANSACTIONS)
    assert [outcome.index for outcome in executed.outcomes] == [0, 1, 2, 3, 4]
    assert [outcome.succeeded for outcome in executed.outcomes] == [True, False, True, False, True]
    assert [receipt.succeeded for receipt in executed.receipts] == [True, False, True, False, True]
    assert executed.outcomes[1].status == "success"  # it counts, and has paid
    assert executed.outcomes[-1] == executed.outcomes[4]
    assert executed.outcomes[1:3] == (executed.outcomes[1], executed.outcomes[2])
    with pytest.raises(IndexError):
        executed.outcomes[5]


@pytest.mark.parametrize("fork", ["homestead", "london"])
@pytest.mark.parametrize("vm", VMS)
def test_a_receipt_says_what_its_transaction_used_and_created(vm: Any, fork: str) -> None:
    block, state = block_and_state(fork)
    receipts = blockstm.execute_block(block, state, vm, fork=fork).receipts
    used = [receipt.gas_used for receipt in receipts]
    assert used[:2] == [21_000, 60_000]
    assert sum(each or 0 for each in used) == block.header.gas_used
    assert receipts[-1].cumulative_gas_used == block.header.gas_used
    created = [receipt.contract_address for receipt in receipts]
    assert created == [
        None,
        None,
        keccak(rlp.encode([SENDERS[0], 1]))[12:],
        keccak(rlp.encode([SENDERS[2], 0]))[12:],
        None,
    ]


def test_receipts_are_equal_by_what_the_block_commits_to() -> None:
    block, state = block_and_state()
    for receipt in blockstm.execute_block(block, state, "evm", fork="london").receipts:
        decoded = Receipt.decode(receipt.encode())
        assert (decoded, decoded.gas_used, decoded.contract_address) == (receipt, None, None)
        read = Receipt.from_fields(Fields(receipt.to_json(), ""))
        assert (read.gas_used, read.contract_address) == (
            receipt.gas_used,
            receipt.contract_address,
        )


def test_an_outcome_of_any_vm_says_whether_it_succeeded() -> None:
    def vm(view: Any, transaction: str) -> str:
        if transaction == "revert":
            raise blockstm.Revert
        if transaction == "invalid":
            raise blockstm.Invalid
        return transaction

    block = ["fine", "revert", "invalid"]
    outcomes = blockstm.execute_block(block, {}, vm, on_invalid="skip").outcomes
    assert [outcome.succeeded for outcome in outcomes] == [True, False, False]


def test_an_execution_is_the_value_of_an_outcome() -> None:
    block, state = block_and_state()
    value = blockstm.execute_block(block, state, "evm", fork="london").outcomes[1].value
    assert isinstance(value, Execution)
    assert value.error == "invalid opcode"


def test_the_phases_of_a_block_are_timed() -> None:
    block, state = block_and_state()
    seconds = blockstm.execute_block(block, state, "evm", fork="london").seconds
    assert list(seconds) == ["checks", "senders", "prepare", "run", "roots", "receipts"]
    assert all(each >= 0 for each in seconds.values())


class Rootless:
    """A state that has no tries, nor says what its root would be."""

    def __init__(self, state: Any) -> None:
        self.get = state.get


def test_where_there_is_no_root_no_thread_encodes_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    signed_one = signed_block("transfers-20000", count=300)
    block, rules = Block.decode(signed_one.encoding), chain_of_generated(False)
    given: Any = {"vm": "evm", "chain": rules, "workers": 2}
    expected = blockstm.execute_block(block, signed_one.state, **given)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a thread was started")

    monkeypatch.setattr(verification, "ThreadPoolExecutor", refuse)
    found = blockstm.execute_block(block, Rootless(signed_one.state), **given)
    assert found.state_root is None
    assert found.receipts == expected.receipts
    assert "receipts" not in found.overlapped


class Broken:
    """A state that fails where one account is asked for."""

    def __init__(self, state: AccountState, address: bytes) -> None:
        self._state, self._broken = state, address

    def get(self, key: Any, default: Any = None) -> Any:
        if key[0] == self._broken:
            raise OSError("the disk is gone")
        return self._state.get(key, default)


@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_state_that_cannot_be_read_is_told_with_the_transactions_index(
    vm: Any, workers: int
) -> None:
    block, state = block_and_state()
    with pytest.raises(StateError, match=r"transaction 3.*the disk is gone") as caught:
        blockstm.execute_block(block, Broken(state, SENDERS[2]), vm, fork="london", workers=workers)
    assert caught.value.index == 3
    assert caught.value.prefix is not None
    assert [outcome.index for outcome in caught.value.prefix.outcomes] == [0, 1, 2]
    assert isinstance(caught.value.__cause__, OSError)


# ---- the state


def content(state: AccountState) -> Any:
    return dict(state.accounts()), len(state), state.partial, set(vars(state))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_block_leaves_the_state_as_it_was(workers: int) -> None:
    block, state = block_and_state()
    before, attributes = content(world()), {**vars(state)}
    blockstm.execute_block(block, state, "evm", fork="london", workers=workers)
    wrong = with_header(block, state_root=bytes(32))
    with pytest.raises(blockstm.InvalidBlock):
        blockstm.execute_block(wrong, state, "evm", fork="london", workers=workers)
    assert content(state) == before
    assert all(value is attributes[name] for name, value in vars(state).items())


def following(number: int, key: int, nonce: int) -> Block:
    """One of many different blocks; ``number`` is what its contract stores."""
    return block_of((signed(key, nonce=nonce, to=STORES),), "london", number)


def test_siblings_run_on_one_state_and_each_may_be_the_next() -> None:
    """What is kept of one block's tries is never taken for another's."""
    state = world()
    siblings = [sealed(following(5 + n, n, 0), state, fork="london") for n in range(3)]
    done = [blockstm.execute_block(each, state, "evm", fork="london") for each in siblings]
    for block, executed in zip(siblings, done, strict=True):
        after = state.copy()
        after.apply(executed.writes)
        child = sealed(following(9, 3, 0), after, fork="london")
        assert block.header.state_root == state_root(after.accounts())
        ran = blockstm.execute_block(child, after, "evm", fork="london")
        after.apply(dict(ran.writes))
        assert ran.state_root == state_root(after.accounts())
        for writes in (done[0].writes, dict(done[1].writes), [*done[2].writes.items()]):
            after.apply(writes)
        last = sealed(following(10, 3, 1), after, fork="london")
        ran = blockstm.execute_block(last, after, "evm", fork="london")
        after.apply(ran.writes)
        assert ran.state_root == state_root(after.accounts())


def test_writes_that_were_changed_are_not_taken_for_those_of_the_block() -> None:
    block, state = block_and_state()
    executed = blockstm.execute_block(block, state, "py-evm", fork="london")
    writes: Any = executed.writes
    with pytest.raises(TypeError):
        writes[SENDERS[3]] = AccountChange(balance=77)
    state.apply({**writes, SENDERS[3]: AccountChange(balance=77)})
    child = sealed(following(9, 2, 1), state, fork="london")
    ran = blockstm.execute_block(child, state, "evm", fork="london")
    state.apply(ran.writes)
    assert ran.state_root == state_root(state.accounts())


def test_a_refused_change_leaves_the_tries_of_the_state() -> None:
    block, state = block_and_state()
    executed = blockstm.execute_block(block, state, "evm", fork="london")
    for wrong in ({(SENDERS[0], "balance"): -1}, {5: 5}):
        with pytest.raises(blockstm.UsageError):
            state.apply(wrong)
    state.apply({})
    state.apply(executed.writes)
    assert state_root(state.accounts()) == block.header.state_root
    child = sealed(following(9, 2, 1), state, fork="london")
    ran = blockstm.execute_block(child, state, "evm", fork="london")
    state.apply(ran.writes)
    assert ran.state_root == state_root(state.accounts())


def test_threads_run_blocks_on_one_state() -> None:
    state = world()
    blocks = [sealed(following(5 + n, n % 4, 0), state, fork="london") for n in range(6)]
    wrong: list[Any] = []

    def run(block: Block) -> None:
        for _ in range(20):
            executed = blockstm.execute_block(block, state, "evm", fork="london", workers=1)
            after = state.copy()
            after.apply(executed.writes)
            if executed.state_root != state_root(after.accounts()):
                wrong.append(block.header.number)

    threads = [threading.Thread(target=run, args=(block,)) for block in blocks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert content(state) == content(world())


def test_a_state_cannot_change_until_its_block_has_its_roots() -> None:
    """Else the root would be of a state that the block did not run on."""

    class Meddling(AccountState):
        meddled = 0

        def accounts(self) -> Any:
            with pytest.raises(blockstm.UsageError, match="block is running"):
                self.apply({(SENDERS[0], "balance"): 5})
            type(self).meddled += 1
            return super().accounts()

    block, state = block_and_state()
    meddling = Meddling(dict(state.accounts()))
    blockstm.execute_block(block, meddling, "evm", fork="london")
    assert Meddling.meddled == 1
    meddling.apply({(SENDERS[0], "balance"): 5})  # and afterwards it can


def test_a_fork_with_another_reward_is_a_chain_of_its_own() -> None:
    fork = replace(blockstm.ethereum.fork_named("london"), block_reward=7)
    block, state = block_of((), "london"), world()
    block = sealed(block, state, chain=chain_under(fork))
    executed = blockstm.execute_block(block, state, "evm", chain=chain_under(fork))
    assert executed.writes[block.header.coinbase].balance == 7
