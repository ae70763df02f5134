"""EIP-4895 (Shanghai): the beacon chain pays out, after all transactions and without gas."""

from __future__ import annotations

import pytest
import rlp
from eth_typing import Address
from tests.eips.rules import refusal, run, since
from tests.eips.whole_blocks import COINBASE, block_with, executed, signed, with_header, world
from tests.ethereum.made import block_of
from tests.evm.world_blocks import NOBODY, SENDERS, contract, number_of, transaction, words

from blockstm.ethereum import Reason, Withdrawal
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account
from blockstm.vm.evm import BlockEnd

FORKS = since("shanghai")
GWEI = 10**9
PAID, OTHER = Address(b"\xaa" * 20), Address(b"\xab" * 20)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("amount", [0, 1, 32 * GWEI, 2**64 - 1])
def test_amounts_are_in_gwei(fork: str, amount: int) -> None:
    done = executed(fork, [], withdrawals=[Withdrawal(5, 7, PAID, amount)])
    balance = done.writes[PAID].balance if PAID in done.writes else 0
    assert balance == amount * GWEI
    assert done.gas_used == 0


@pytest.mark.parametrize("fork", FORKS)
def test_the_root_commits_to_all_of_it(fork: str) -> None:
    state = world()
    block = block_with(fork, [], state, [Withdrawal(5, 7, PAID, 9)])
    leaf = rlp.encode([5, 7, PAID, 9])
    assert block.header.withdrawals_root == keccak(rlp.encode([b"\x20\x80", leaf]))
    assert refusal(block, state, fork) is None
    wrong = with_header(block, withdrawals_root=bytes(32))
    assert refusal(wrong, state, fork) is Reason.WITHDRAWALS_ROOT


@pytest.mark.parametrize("fork", FORKS)
def test_they_come_after_all_transactions(fork: str) -> None:
    # Transactions of the block see no withdrawal; one address is paid twice.
    reads = Address(b"\x0f" * 20)
    accounts = {reads: contract("0 CALLDATALOAD BALANCE 0 MSTORE 32 0 LOG0")}
    block = [
        transaction(i, to, data=words(number_of(PAID)) * (to == reads), value=value)
        for i, (to, value) in enumerate([(reads, 0), (PAID, 3), (reads, 0), (PAID, 4), (reads, 0)])
    ]
    end = BlockEnd(((PAID, 10), (OTHER, 20), (PAID, 30)))
    ran = run(fork, [*block, end], accounts)
    logs = [outcome.value.logs for outcome in ran.outcomes[:-1]]
    logged = [int.from_bytes(logs[place][-1].data, "big") for place in (0, 2, 4)]
    assert logged == [0, 3, 7]
    assert ran.state.account(PAID).balance == 47
    assert ran.state.account(OTHER).balance == 20


@pytest.mark.parametrize("fork", FORKS)
def test_no_code_runs(fork: str) -> None:
    accounts = {PAID: contract("1 1 SSTORE"), OTHER: contract("INVALID")}
    ran = run(fork, [BlockEnd(((PAID, 5), (OTHER, 6)))], accounts)
    assert ran.state.account(PAID) == contract("1 1 SSTORE", balance=5)
    assert ran.state.account(OTHER) == contract("INVALID", balance=6)


@pytest.mark.parametrize("fork", FORKS)
def test_a_payment_of_nothing_creates_no_account(fork: str) -> None:
    ran = run(fork, [BlockEnd(((PAID, 0), (OTHER, 1)))])
    assert ran.state.account(PAID) is None
    assert ran.state.account(OTHER) == Account(1)


@pytest.mark.parametrize("fork", FORKS)
def test_withdrawals_do_not_fund_transactions_of_their_block(fork: str) -> None:
    sender = SENDERS[0]
    sent = transaction(0, NOBODY, value=1)
    ran = run(fork, [sent, BlockEnd(((sender, 10**18),))], {sender: Account(5)})
    assert ran.reasons == ("insufficient_funds", None)
    assert ran.state.account(sender).balance == 10**18 + 5


@pytest.mark.parametrize("fork", FORKS)
def test_a_beneficiary_keeps_its_fees(fork: str) -> None:
    done = executed(fork, [signed(0, gas_price=9)], withdrawals=[Withdrawal(0, 0, COINBASE, 1)])
    assert done.writes[COINBASE].balance == GWEI + done.gas_used * 2


def test_before_it_a_header_had_no_such_root() -> None:
    state = world()
    later = block_with("shanghai", [], state)
    assert refusal(later, state, "paris") is Reason.HEADER_MEMBERS
    assert refusal(block_of((), "paris"), state, "shanghai") is Reason.HEADER_MEMBERS
