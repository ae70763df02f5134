"""Functions of Python that read what other transactions write: no worker waits for another one
while it has the GIL, which that one may need."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.layers import ROOT
from tests.patience import PATIENCE

from blockstm import Config, Executor
from blockstm.ethereum import Account, AccountState, RuleView, Transaction, TransactionFee
from blockstm.types import Address
from blockstm.vm.evm import BlockContext, Evm, Signed
from blockstm.vm.evm.own_rules import OwnRules

SENDERS = [Address(bytes([number]) * 20) for number in range(1, 9)]
VAULT, KEEPER, COINBASE = (Address(bytes([last]) * 20) for last in (0xF1, 0xBF, 0xC0))
# Adds 1 to the slot that the input names.
KEEPER_CODE = bytes.fromhex("5f358054600101905500")
COUNT = 300
MODULE = "tests.ethereum.test_functions_of_many_reads"


def fee(transaction: Transaction, view: RuleView) -> int:
    """How many transactions have run before."""
    time.sleep(0)  # others run meanwhile, up to where they need the GIL
    return sum(view.storage(KEEPER, slot) for slot in range(COUNT))


def call(number: int) -> Signed:
    """A transaction that writes the slot of its number."""
    return Signed(
        Transaction(
            type=0,
            nonce=number // len(SENDERS),
            gas=75_000,
            to=KEEPER,
            value=0,
            data=number.to_bytes(32, "big"),
            gas_price=10,
            v=0,
            r=0,
            s=0,
        ),
        SENDERS[number % len(SENDERS)],
    )


def main() -> None:
    """Each transaction reads all slots and writes one: most runs ahead are in vain."""
    context = BlockContext(number=1, timestamp=0, coinbase=COINBASE, gas_limit=10**9)
    evm = Evm("shanghai", context, own_rules=OwnRules(fees=(TransactionFee(VAULT, fee),)))
    accounts = {sender: Account(balance=10**18) for sender in SENDERS}
    state = AccountState({**accounts, KEEPER: Account(nonce=1, code=KEEPER_CODE)})
    for config in (Config(gate=False), Config(gate=False, throttle=False)):
        for workers in (4, 8):
            with Executor(config, workers=workers) as engine:
                done = engine.execute_block([call(n) for n in range(COUNT)], state, evm)
            assert done.writes[VAULT, "balance"] == sum(range(COUNT))


def test_each_reads_what_all_before_it_write() -> None:
    """Every wait would be an eighth of the run so far, and so each longer than the one before."""
    subprocess.run([sys.executable, "-m", MODULE], check=True, cwd=ROOT, timeout=PATIENCE)


if __name__ == "__main__":
    main()
