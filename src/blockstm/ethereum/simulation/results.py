"""What simulated blocks came to."""

from __future__ import annotations

from dataclasses import dataclass

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.calls.results import CallResult
from blockstm.ethereum.simulation.call_logs import NumberedLog
from blockstm.types import Address
from blockstm.vm.forks import Fork

__all__ = ["SimulatedBlock", "SimulatedCall"]


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """A call of a simulated block.

    Attributes:
        result: what it came to; it began, or else there would be no simulation.
        logs: its logs with their numbers in the block, those of ether among them if asked for.
        sender: who sent it.
    """

    result: CallResult
    logs: tuple[NumberedLog, ...]
    sender: Address


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """A simulated block.

    Attributes:
        block: with transactions that nobody signed, and a complete header.
        fork: whose rules held.
        calls: one for each transaction.
        receipts: likewise.
    """

    block: Block
    fork: Fork
    calls: tuple[SimulatedCall, ...]
    receipts: tuple[Receipt, ...]
