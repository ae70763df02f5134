"""Transitions on a chain with rules of its own: what they come to is what building a block does."""

from __future__ import annotations

from typing import Any

from tests.ethereum.builders import ATTRIBUTES, NOBODY, SENDERS
from tests.ethereum.own_rules import Deposit, site
from tests.ethereum.test_builders import pay
from tests.ethereum.test_own_fees import BASE_VAULT, KEEPER, VAULT, per_byte, world

from blockstm import Executor
from blockstm.ethereum import SystemCall, TransactionFee, build_block
from blockstm.ethereum.transition import Environment, GivenTransaction, transition

RULES: dict[str, Any] = {
    "fees": (TransactionFee(VAULT, per_byte),),
    "base_fee_recipient": BASE_VAULT,
    "before": (SystemCall(KEEPER, b"ab"),),
    "after": (lambda view: view.credit(VAULT, 11),),
}


def test_fees_types_and_steps_of_a_chain_hold_in_its_transitions() -> None:
    where, state = site("cancun", **RULES), world()
    transactions = [
        Deposit(sender=SENDERS[2], to=NOBODY, mint=5, value=3),
        pay(0, 0, gas=250_000)[1],
        pay(1, 0, gas=100_000)[1],
    ]
    built = build_block(
        where.parent,
        transactions,
        state,
        chain=where.chain,
        attributes=ATTRIBUTES,
        on_unfit="raise",
    )
    header = built.block.header
    environment = Environment(
        coinbase=header.coinbase,
        gas_limit=header.gas_limit,
        number=header.number,
        timestamp=header.timestamp,
        prev_randao=int.from_bytes(header.mix_hash, "big"),
        base_fee=header.base_fee_per_gas,
        excess_blob_gas=header.excess_blob_gas,
        parent_beacon_block_root=header.parent_beacon_block_root,
        withdrawals=built.block.withdrawals,
        parent_hash=header.parent_hash,
    )
    given = [GivenTransaction(each) for each in transactions]
    with Executor(workers=2) as executor:
        made = transition(executor.execute_block, environment, given, state, where.chain)
    assert made.rejected == ()
    assert made.state_root == header.state_root
    assert made.executed.receipts_root == header.receipts_root
    assert made.block.transactions == built.block.transactions
