"""Who calls whom, and which slots of a contract are hot: an inspector of the native EVM.

The block runs on all cores, without the GIL. What its transactions did inside is told to the
inspector when each of them becomes final, in block order.

Run it: ``python examples/inspector.py``.
"""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import blockstm
from blockstm.ethereum import Account, AccountState
from blockstm.types import Address
from blockstm.vm.evm import BlockContext, Call, Evm, Inspector, Signed

SENDERS = [Address(bytes([number]) * 20) for number in range(1, 9)]
MINER, COUNTER = Address(b"\xc0" * 20), Address(b"\xaa" * 20)
# SSTORE(0, SLOAD(0) + 1), then SSTORE(CALLER, 1)
CODE = bytes.fromhex("5f546001015f556001335500")


class HotSlots(Inspector):
    """Counts what is called, and how often each slot is read or written."""

    def __init__(self) -> None:
        self.called: Counter[Address | None] = Counter()
        self.slots: Counter[tuple[Address, int]] = Counter()

    def call(self, call: Call) -> None:
        """A call begins."""
        self.called[call.target] += 1

    def sload(self, address: Address, key: int, value: int) -> None:
        """A slot was read."""
        self.slots[address, key] += 1

    def sstore(self, address: Address, key: int, value: int) -> None:
        """A slot was written."""
        self.slots[address, key] += 1


def call_of(sender: Address, nonce: int) -> Signed:
    """A call of the counter."""
    transaction = SimpleNamespace(
        type=0,
        nonce=nonce,
        gas=100_000,
        to=COUNTER,
        value=0,
        data=b"",
        gas_price=10,
        access_list=(),
        blob_hashes=(),
        authorizations=(),
    )
    return Signed(transaction, sender)


def main() -> HotSlots:
    """Run a block of calls under an inspector."""
    accounts = {sender: Account(10**18) for sender in SENDERS} | {COUNTER: Account(code=CODE)}
    block = BlockContext(
        number=1, timestamp=0, coinbase=MINER, gas_limit=30_000_000, base_fee_per_gas=7
    )
    inspector = HotSlots()
    calls = [call_of(sender, nonce) for nonce in range(5) for sender in SENDERS]
    evm = Evm("osaka", block, inspector=inspector)
    result = blockstm.execute_block(calls, AccountState(accounts), evm)
    assert all(outcome.value.succeeded for outcome in result.outcomes)
    return inspector


if __name__ == "__main__":
    seen = main()
    print(f"{seen.called[COUNTER]} calls; slots by use:")
    for (_, slot), uses in seen.slots.most_common(3):
        print(f"  {slot:#x}: {uses}")
