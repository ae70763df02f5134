"""What the EVM runs as one transaction of the engine: one of a block's, or what a block does around
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_typing import Address

__all__ = ["BlockEnd", "BlockStart", "Signed", "Step"]


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction with those who signed it.

    Attributes:
        transaction: with the members of `blockstm.ethereum.transaction.Transaction`; its
            signature is not looked at.
        sender: who signed it.
        authorities: who signed each of its authorizations (EIP-7702); None where the signature
            is no good.
    """

    transaction: Any
    sender: Address
    authorities: Sequence[Address | None] = ()


@dataclass(frozen=True, slots=True)
class BlockStart:
    """What a block does before its transactions: the DAO transfer (EIP-779), and the system calls
    that store the beacon root (EIP-4788) and the parent hash (EIP-2935).

    Attributes:
        drained: accounts that pay all they have to ``refund_contract``.
        refund_contract: who is paid; not looked at where nobody is drained.
    """

    drained: Sequence[Address] = ()
    refund_contract: Address | None = None


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """What a block does after its transactions: withdrawals (EIP-4895), the system calls that
    collect requests (EIP-7002, EIP-7251), rewards.

    Attributes:
        withdrawals: (address, wei) in order.
        rewards: (address, wei) in order.
        collects_requests: whether the system calls are made; from Prague on they must be, and
            the block is invalid where their contracts are missing or fail.
    """

    withdrawals: Sequence[tuple[Address, int]] = ()
    rewards: Sequence[tuple[Address, int]] = ()
    collects_requests: bool = False


Step = Signed | BlockStart | BlockEnd
