"""`Pending`: the block that transactions are sent into, before it is mined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blockstm.chain import DevChain
from blockstm.ethereum import (
    BlockAttributes,
    BuiltBlock,
    Transaction,
    Withdrawal,
    as_given,
    overlay,
)
from blockstm.ethereum.building.irregular import Irregular, build_irregular
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.types import Address

__all__ = ["Pending"]


class Pending:
    """The block after the head, with what was sent so far. For one thread.

    Args:
        chain: that it will be appended to.
    """

    def __init__(self, chain: DevChain) -> None:
        self._chain = chain
        self._sent: list[tuple[Transaction, Address]] = []
        self._time: int | None = None
        self._built: BuiltBlock | None = None

    def send(self, transaction: Transaction, sender: Address) -> str:
        """Take a transaction in; why it does not fit, or nothing."""
        sent = [*self._sent, (transaction, sender)]
        built = self._build(sent, Address(bytes(20)))
        if built.rejected:
            return built.rejected[0].detail
        self._sent, self._built = sent, built
        return ""

    def at(self, timestamp: int) -> None:
        """Have it at a time, which is after the head's."""
        self._time, self._built = timestamp, None

    def clear(self) -> None:
        """Begin it again, on the head as it is now."""
        self._sent, self._time, self._built = [], None, None

    @property
    def built(self) -> BuiltBlock:
        """The block as it would be mined now."""
        if self._built is None:
            self._built = self._build(self._sent, Address(bytes(20)))
        return self._built

    @property
    def state(self) -> Any:
        """The state after it."""
        return overlay(self._chain.state_at(self._chain.head.hash), self.built.executed.writes)

    def mine(self, coinbase: Address, withdrawals: Sequence[Withdrawal] = ()) -> bytes:
        """Append it to the chain; its hash."""
        built = self._build(self._sent, coinbase, withdrawals)
        self._chain.append(built)
        self.clear()
        return built.block.hash

    def _build(
        self,
        sent: Sequence[tuple[Transaction, Address]],
        coinbase: Address,
        withdrawals: Sequence[Withdrawal] = (),
    ) -> BuiltBlock:
        head = self._chain.head
        state = self._chain.state_at(head.hash)
        time = head.header.timestamp + 1 if self._time is None else self._time
        return build_irregular(
            head.header,
            [transaction for transaction, _ in sent],
            [sender for _, sender in sent],
            state,
            attributes=BlockAttributes(
                timestamp=time,
                coinbase=coinbase,
                mix_hash=keccak(head.hash),
                withdrawals=withdrawals,
            ),
            irregular=Irregular(),
            chain=self._chain.spec,
            block_hashes=state.block_hashes,
            total_difficulty=head.total_difficulty,
            order=as_given,
        )
