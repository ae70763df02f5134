"""Blocks by rules of a chain's own are the same on any number of workers, and what a model says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ethereum.builders import COINBASE, NOBODY, SENDERS, contract, state_of
from tests.ethereum.own_rules import Deposit, Sponsored, balance, built, everywhere, site
from tests.ethereum.test_builders import pay

from blockstm.ethereum import (
    AccountState,
    RuleView,
    SystemCall,
    Transaction,
    TransactionFee,
)
from blockstm.types import Address

VAULT, BASE_VAULT = Address(b"\xf1" * 20), Address(b"\xf2" * 20)
# CALLDATASIZE, PUSH1 0, SLOAD, ADD, PUSH1 0, SSTORE: a sum that everybody who calls it raises.
SUM = Address(b"\x5a" * 20)
SUM_CODE = bytes.fromhex("3660005401600055")
PLACES = [*SENDERS, NOBODY, VAULT, COINBASE]


def fee_by_sum(transaction: Transaction, view: RuleView) -> int:
    """What depends on what others wrote, and on the sender's balance."""
    poor = view.balance(NOBODY) % 3
    return view.storage(SUM, 0) + poor + len(transaction.encode())


def shifting(view: RuleView) -> None:
    """Moves a little from one to another, if it is there."""
    if view.debit(SENDERS[0], 1_000):
        view.credit(NOBODY, 1_000)
    view.set_storage(SUM, 1, view.storage(SUM, 0))


DEPOSITS = st.builds(
    Deposit,
    mark=st.integers(0, 2**64),
    sender=st.sampled_from(PLACES),
    to=st.sampled_from([*PLACES, SUM, None]),
    mint=st.sampled_from([0, 0, 1, 10**6, 10**18]),
    value=st.sampled_from([0, 1, 10**6, 10**18]),
    gas=st.sampled_from([20_999, 21_000, 50_000, 60_000]),
    data=st.sampled_from([b"", b"\1", bytes(40), bytes.fromhex("60006000f3")]),
)


@dataclass
class Pool:
    """Transactions with the nonces that a sender has if all before them run."""

    nonces: dict[Address, int] = field(default_factory=dict)
    made: list[Transaction] = field(default_factory=list)

    def add(self, each: Any) -> None:
        """A deposit, or members of a transaction."""
        if isinstance(each, Deposit):
            self.made.append(each)
            self.nonces[each.sender] = self.nonces.get(each.sender, 0) + 1
            return
        key, to, value, data, sponsored = each
        sender = SENDERS[key]
        nonce = self.nonces.get(sender, 0)
        self.nonces[sender] = nonce + 1
        members = {"to": to, "value": value, "data": data}
        if sponsored:
            fees = {"max_fee_per_gas": 9, "max_priority_fee_per_gas": 2}
            own = Sponsored(sender=sender, nonce=nonce, gas=60_000, **members, **fees)
            self.made.append(own)
        else:
            self.made.append(pay(key, nonce, gas=60_000, **members)[1])


ORDINARY = st.tuples(
    st.integers(0, 3),
    st.sampled_from([*PLACES, SUM]),
    st.sampled_from([0, 1, 10**6]),
    st.sampled_from([b"", b"\1", bytes(40)]),
    st.booleans(),
)


@settings(max_examples=60)
@given(
    st.lists(st.one_of(DEPOSITS, ORDINARY), max_size=12),
    st.sampled_from(["paris", "cancun", "prague"]),
    st.booleans(),
)
def test_a_block_is_the_same_wherever_it_runs(drawn: list[Any], fork: str, is_rich: bool) -> None:
    """Built of what fits: senders may be out of ether, and the block out of gas."""
    pool = Pool()
    for each in drawn:
        pool.add(each)
    where = site(
        fork,
        fees=(TransactionFee(VAULT, fee_by_sum),),
        base_fee_recipient=BASE_VAULT,
        before=(shifting, SystemCall(SUM, b"ab")),
        after=(SystemCall(SUM, bytes(5)), shifting),
    )
    funds = 10**18 if is_rich else 700_000
    state = AccountState({**dict(state_of([funds] * 4).accounts()), SUM: contract(SUM_CODE)})
    everywhere(where, built(where, pool.made, state, on_unfit="skip"), state)


TRANSFERS = st.one_of(
    st.builds(
        Deposit,
        mark=st.integers(0, 2**64),
        sender=st.sampled_from([*SENDERS, NOBODY]),
        to=st.sampled_from([*SENDERS, NOBODY]),
        mint=st.sampled_from([0, 1, 10**7]),
        value=st.sampled_from([0, 1, 10**6, 10**9]),
        gas=st.sampled_from([20_999, 21_000, 30_000]),
    ),
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([*SENDERS, NOBODY]),
        st.sampled_from([0, 1, 10**6]),
        st.just(b""),
        st.booleans(),
    ),
)


@settings(max_examples=60)
@given(st.lists(TRANSFERS, max_size=12))
def test_balances_are_what_a_model_of_the_rules_says(drawn: list[Any]) -> None:
    pool = Pool()
    for each in drawn:
        pool.add(each)
    fees = (TransactionFee(VAULT, lambda transaction, _: len(transaction.encode())),)
    where = site("cancun", fees=fees, base_fee_recipient=BASE_VAULT)
    state = state_of([10**8] * 4)
    done = everywhere(where, built(where, pool.made, state), state)
    expected = dict.fromkeys(SENDERS, 10**8)
    for transaction, receipt in zip(pool.made, done.receipts, strict=True):
        sender, value = _sender(transaction), transaction.value
        paid = 0
        if isinstance(transaction, Deposit):
            _add(expected, sender, transaction.mint)
            fails = transaction.gas < 21_000 or expected.get(sender, 0) < value
            assert receipt.succeeded != fails
            assert receipt.gas_used == (transaction.gas if fails else 21_000)
            value = 0 if fails else value
        else:
            tip = min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - 7)
            paid = (7 + tip) * 21_000 + len(transaction.encode())
            _add(expected, BASE_VAULT, 7 * 21_000)
            _add(expected, COINBASE, tip * 21_000)
            _add(expected, VAULT, len(transaction.encode()))
        _add(expected, sender, -value - paid)
        _add(expected, transaction.to, value)
    found = {each: balance(state, done, each) for each in expected}
    assert found == expected


def _add(balances: dict[Address, int], address: Any, amount: int) -> None:
    balances[address] = balances.get(address, 0) + amount


def _sender(transaction: Transaction) -> Address:
    if isinstance(transaction, Deposit | Sponsored):
        return transaction.sender
    from blockstm.ethereum import recover_senders

    return recover_senders([transaction])[0]
