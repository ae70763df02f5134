"""What the EVM runs as one transaction of the engine: one of a block's, or what a block does around
them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from blockstm._native.wire.transaction_list import TransactionList
from blockstm.types import Address
from blockstm.vm.evm.own_rules import SystemStep

__all__ = [
    "BlockEnd",
    "BlockStart",
    "BlockSteps",
    "CallSteps",
    "Overrides",
    "Signed",
    "Step",
    "Unsigned",
]


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction with its signers.

    Attributes:
        transaction: with the members of `blockstm.ethereum.blocks.transaction.Transaction`. Of its
            signature only the chain that it names and the range of ``s`` are read; a simulator
            leaves both out.
        sender: the signer of the transaction.
        authorities: the signer of each of its authorizations (EIP-7702); None where the signature
            is no good.
    """

    transaction: Any
    sender: Address
    authorities: Sequence[Address | None] = ()


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A message that runs as a transaction would, though nobody signed it.

    Neither its nonce nor the code of who sends it is checked, nor EIP-7825's cap on its gas, nor
    whether the block has so much left. Where both its fees are zero it pays nothing, whatever the
    base fee is; else it must offer the base fee, and its sender have what it may cost.

    Attributes:
        message: with the members of `blockstm.ethereum.Message`.
        authorities: the signer of each of its authorizations (EIP-7702), or None.
        is_validated: whether nonce and fees are checked as a transaction's are all the same.
        keeps_changes: whether the steps after it see what it changed; else nothing is written, so
            that any number of them run at once, each on the state that the block starts from.
        gas: that it has; None: as much as the message says.
    """

    message: Any
    authorities: Sequence[Address | None] = ()
    is_validated: bool = False
    keeps_changes: bool = False
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Overrides:
    """Values that the steps after it find in the state, in place of those that are there.

    Attributes:
        writes: location → value, `blockstm.types.DELETED` for none; see `blockstm.state.accounts`.
    """

    writes: Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class BlockStart:
    """What a block does before its transactions: the DAO transfer (EIP-779), and the system calls
    that store the beacon root (EIP-4788) and the parent hash (EIP-2935).

    Attributes:
        drained: accounts that pay all they have to ``refund_contract``.
        refund_contract: the account that is paid; not read where no account is drained.
        own: what a chain's own rules have it do after that; inputs are bytes.
    """

    drained: Sequence[Address] = ()
    refund_contract: Address | None = None
    own: Sequence[SystemStep] = ()


@dataclass(frozen=True, slots=True)
class BlockEnd:
    """What a block does after its transactions: withdrawals (EIP-4895), the system calls that
    collect requests (EIP-7002, EIP-7251), rewards.

    Attributes:
        withdrawals: (address, wei) in order.
        rewards: (address, wei) in order.
        collects_requests: whether the system calls are made; from Prague on they must be, and
            the block is invalid where their contracts are missing or fail.
        own: what a chain's own rules have it do before that; inputs are bytes.
    """

    withdrawals: Sequence[tuple[Address, int]] = ()
    rewards: Sequence[tuple[Address, int]] = ()
    collects_requests: bool = False
    own: Sequence[SystemStep] = ()


Step = Signed | BlockStart | BlockEnd | Unsigned | Overrides


class _StepsWhenRead(Sequence[Step]):
    """Steps of which each is made when it is read."""

    __slots__ = ()

    @overload
    def __getitem__(self, place: int) -> Step: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Step, ...]: ...

    def __getitem__(self, place: int | slice) -> Step | tuple[Step, ...]:
        places = range(len(self))[place]
        return self._at(places) if isinstance(places, int) else tuple(map(self._at, places))

    @abstractmethod
    def _at(self, place: int) -> Step:
        """The step at a place, counted from the front."""


class CallSteps(_StepsWhenRead):
    """Many `Unsigned` messages behind the `Overrides` that they find.

    One is made when it is read: the EVM takes the messages as they are. Immutable; safe from any
    thread.

    Args:
        overrides: what the messages find.
        messages: that name no fees, blobs, access lists or authorizations.
        gas_cap: how much gas each has at most, and has if it says nothing.
    """

    __slots__ = ("gas_cap", "messages", "overrides")

    def __init__(self, overrides: Overrides, messages: list[Any], gas_cap: int) -> None:
        self.overrides = overrides
        self.messages = messages
        self.gas_cap = gas_cap

    def __len__(self) -> int:
        return len(self.messages) + 1

    def _at(self, place: int) -> Step:
        if place == 0:
            return self.overrides
        message = self.messages[place - 1]
        gas = self.gas_cap if message.gas is None else min(message.gas, self.gas_cap)
        return Unsigned(message, gas=gas)


class BlockSteps(_StepsWhenRead):
    """The steps of a whole block: its start, its transactions, its end.

    A `Signed` is made when it is read: the EVM takes the transactions as they are.
    Immutable; safe from any thread.

    Args:
        start: what is done before the transactions.
        transactions: see `Signed`; quicker where their encodings are at hand.
        senders: of each transaction.
        authorities: for each transaction, the signer of each of its authorizations; empty where
            there are none at all.
        end: what is done after them.
        workers: threads that share the translation.
    """

    __slots__ = ("authorities", "end", "senders", "start", "transactions", "workers")

    def __init__(
        self,
        start: BlockStart,
        transactions: Sequence[Any] | TransactionList,
        senders: Sequence[Address],
        authorities: Sequence[Sequence[Address | None]],
        end: BlockEnd,
        *,
        workers: int = 1,
    ) -> None:
        self.start = start
        self.transactions = transactions
        self.senders = senders
        self.authorities = authorities
        self.end = end
        self.workers = workers

    def __len__(self) -> int:
        return len(self.transactions) + 2

    def _at(self, place: int) -> Step:
        if place == 0:
            return self.start
        if place == len(self) - 1:
            return self.end
        index = place - 1
        authorities = self.authorities[index] if self.authorities else ()
        return Signed(self.transactions[index], self.senders[index], authorities)
