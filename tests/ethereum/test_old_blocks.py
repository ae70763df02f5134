"""Blocks before Byzantium: their receipts have the state root after each transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.made import COINBASE, SENDERS, block_of, sealed, signed, with_header
from tests.fixtures import mainnet_block, mainnet_witness

import blockstm
from blockstm.ethereum import (
    Account,
    AccountState,
    Block,
    Reason,
    Transaction,
    read_block_file,
    state_root,
)
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.witnesses import WitnessState, read_witness

OLD = ["frontier", "homestead", "tangerine_whistle", "spurious_dragon"]
VMS: list[Any] = ["evm", "py-evm"]
WITNESSES = [1_149_999, 1_150_000, 1_920_000, 2_463_000, 2_675_001]

CALLED, KILLED, STORING = (bytes(19) + bytes([n]) for n in (0xA1, 0xA2, 0xA3))
# KILLED pays what it has to CALLED, which is empty, and is gone; it stores slot 0 before.
KILL = bytes.fromhex("600160005573") + CALLED + bytes.fromhex("ff")
# STORING counts its calls in slot 0 and clears slot 7.
STORE = bytes.fromhex("600054600101600055600060075500")


def account(balance: int = 0, nonce: int = 0, code: bytes = b"", **members: Any) -> Account:
    return Account(balance, nonce, code, keccak(code), **members)


def world() -> AccountState:
    """Senders with ether, a contract that counts and one that destroys itself."""
    accounts: Any = {sender: account(10**18) for sender in SENDERS}
    accounts[KILLED] = account(5, 1, KILL, storage={0: 9, 3: 4})
    accounts[STORING] = account(0, 1, STORE, storage={0: 1, 7: 7})
    return AccountState(accounts)


def transactions() -> tuple[Transaction, ...]:
    """Payments, a creation, a self-destruct and a payment to who is gone, stores and a failure."""
    creates = bytes.fromhex("600160005560016000f3")
    return (
        signed(0, nonce=0),
        signed(1, nonce=0, to=STORING),
        signed(0, nonce=1, to=KILLED, value=3),
        signed(2, nonce=0, to=KILLED, value=0),
        signed(1, nonce=1, to=STORING),
        signed(1, nonce=2, to=None, value=0, data=creates, gas=200_000),
        signed(2, nonce=1, to=STORING, gas=22_000),
        signed(3, nonce=0, to=CALLED, value=0),
    )


def old_block(fork: str) -> tuple[Block, AccountState]:
    state = world()
    return sealed(block_of(transactions(), fork), state, fork=fork), state


def roots_in_order(block: Block, state: AccountState, fork: str) -> list[bytes]:
    """The root after each transaction, from blocks that end with it, on a state of all accounts.

    The beneficiary's reward comes at the end of a block and is not in a receipt's root.
    """
    roots = []
    reward = 5 * 10**18
    for count in range(1, 1 + len(block.transactions)):
        part = block_of(block.transactions[:count], fork)
        with pytest.raises(blockstm.InvalidBlock) as caught:
            blockstm.execute_block(part, state, "evm", fork=fork, workers=1)
        assert caught.value.executed is not None
        after = state.copy()
        after.apply(caught.value.executed.writes)
        accounts = dict(after.accounts())
        paid = accounts.pop(COINBASE)
        if paid.balance != reward:
            accounts[COINBASE] = replace(paid, balance=paid.balance - reward)
        roots.append(state_root(accounts))
    return roots


@pytest.mark.parametrize("fork", OLD)
def test_receipts_have_the_state_root_after_each_transaction(fork: str) -> None:
    block, state = old_block(fork)
    executed = blockstm.execute_block(block, state, "evm", fork=fork, workers=2)
    assert [each.state_root for each in executed.receipts] == roots_in_order(block, state, fork)
    assert [each.succeeded for each in executed.receipts].count(False) >= 1
    assert executed.receipts_root == block.header.receipts_root
    assert executed.state_root == block.header.state_root


@pytest.mark.parametrize("fork", OLD)
@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize("workers", [1, 2])
def test_an_old_block_is_valid_on_every_vm_and_any_workers(
    fork: str, vm: Any, workers: int
) -> None:
    block, state = old_block(fork)
    executed = blockstm.execute_block(block, state, vm, fork=fork, workers=workers)
    state.apply(executed.writes)
    assert state_root(state.accounts()) == block.header.state_root


@pytest.mark.parametrize("workers", [1, 2])
def test_a_wrong_receipts_root_is_refused(workers: int) -> None:
    block, state = old_block("homestead")
    wrong = with_header(block, receipts_root=bytes(32))
    with pytest.raises(blockstm.InvalidBlock) as caught:
        blockstm.execute_block(wrong, state, "evm", fork="homestead", workers=workers)
    assert caught.value.reason is Reason.RECEIPTS_ROOT


@pytest.mark.parametrize("workers", [1, 2])
def test_on_a_partial_state_the_receipts_root_is_not_checked(workers: int) -> None:
    """Mainnet's block 46,147, the first with a transaction."""
    file = read_block_file(mainnet_block(46_147))
    state = AccountState(file.accounts, partial=True)
    executed = blockstm.execute_block(file.block, state, "evm", workers=workers)
    assert executed.gas_used == 21_000
    assert executed.state_root is None
    assert [receipt.state_root for receipt in executed.receipts] == [None]


@pytest.mark.parametrize("number", WITNESSES)
@pytest.mark.parametrize("workers", [1, 2])
def test_behind_a_witness_the_receipts_root_is_checked(number: int, workers: int) -> None:
    file = read_block_file(mainnet_block(number))
    path = mainnet_witness(number)
    if path is None:
        pytest.skip("NO WITNESS")
    codes = [each.code for each in file.accounts.values() if each.code]
    state = WitnessState(read_witness(path), codes)
    executed = blockstm.execute_block(
        file.block, state, "evm", workers=workers, block_hashes=file.block_hashes
    )
    assert executed.receipts_root == file.block.header.receipts_root
    assert all(receipt.state_root for receipt in executed.receipts)
    wrong = with_header(file.block, receipts_root=bytes(32))
    with pytest.raises(blockstm.InvalidBlock) as caught:
        blockstm.execute_block(wrong, state, "evm", block_hashes=file.block_hashes)
    assert caught.value.reason is Reason.RECEIPTS_ROOT
