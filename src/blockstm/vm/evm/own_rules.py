"""What the EVM does by rules of a chain's own: fees, and what it does around the transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from blockstm._native.evm.added.rule_functions import FEES_MAX, RuleView
from blockstm.errors import ConfigError
from blockstm.messages import brief
from blockstm.types import Address

__all__ = [
    "NO_OWN_RULES",
    "SYSTEM_ADDRESS",
    "OwnRules",
    "RuleView",
    "SystemCall",
    "SystemStep",
    "TransactionFee",
    "checked_steps",
]

SYSTEM_ADDRESS: Final = Address(b"\xff" * 19 + b"\xfe")
"""Who calls the system contracts (EIP-4788)."""

_GAS: Final = 30_000_000
_GAS_MAX: Final = 2**63 - 1


def _is_address(value: object) -> bool:
    return type(value) is bytes and len(value) == len(SYSTEM_ADDRESS)


@dataclass(frozen=True, slots=True)
class TransactionFee:
    """A fee that a transaction pays beside its gas, such as a rollup's for its data.

    It is known before the transaction runs, is paid whatever that comes to, and a sender who cannot
    pay it with all the rest is refused. With ``refund``, a part of it comes back afterwards, as
    that of the gas that was not used. Prepaid transactions do not pay it, nor do calls.

    Attributes:
        recipient: who gets it.
        amount: the `Transaction` and a `RuleView` of the state before it → what it pays, in wei.
            The view only reads. It is called with the GIL, by any worker and more than once for a
            transaction, and must answer alike for the same arguments and what it reads: then the
            result is the same on any number of workers. An exception ends the block with a
            `TransactionError`.
        refund: the same transaction, a view of the state after it, and the gas that it used → what
            comes back to its sender, in wei: at most what was paid. It is called on the same terms.
            None: nothing comes back.

    Raises:
        ConfigError: an attribute is of the wrong kind.
    """

    recipient: Address
    amount: Callable[[Any, RuleView], int]
    refund: Callable[[Any, RuleView, int], int] | None = None

    def __post_init__(self) -> None:
        if not _is_address(self.recipient):
            raise ConfigError(f"a fee's recipient is 20 bytes, not {brief(self.recipient)}")
        if not callable(self.amount):
            raise ConfigError(f"a fee's amount is a function, not {brief(self.amount)}")
        if self.refund is not None and not callable(self.refund):
            raise ConfigError(f"a fee's refund is a function or None, not {brief(self.refund)}")


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A call that a block makes by itself; it costs nobody anything, and is no transaction.

    Attributes:
        target: what is called; nothing happens where that has no code.
        input: call data; or a function of the block's `Header` that gives it.
        sender: as CALLER gives it inside.
        gas: that it gets; none of it counts for the block.
        must_succeed: whether the block is invalid where the target has no code, or the call fails.

    Raises:
        ConfigError: an attribute is of the wrong kind.
    """

    target: Address
    input: bytes | Callable[[Any], bytes] = b""
    sender: Address = SYSTEM_ADDRESS
    gas: int = _GAS
    must_succeed: bool = False

    def __post_init__(self) -> None:
        for name in ("target", "sender"):
            if not _is_address(getattr(self, name)):
                given = brief(getattr(self, name))
                raise ConfigError(f"the {name} of a system call is 20 bytes, not {given}")
        if type(self.input) is not bytes and not callable(self.input):
            raise ConfigError(
                f"the input of a system call is bytes or a function, not {brief(self.input)}"
            )
        is_number = isinstance(self.gas, int) and not isinstance(self.gas, bool)
        if not is_number or not 0 <= self.gas <= _GAS_MAX:
            raise ConfigError(
                f"the gas of a system call is an int from 0 to 2**63 - 1, not {brief(self.gas)}"
            )
        if not isinstance(self.must_succeed, bool):
            raise ConfigError(f"must_succeed is a bool, not {brief(self.must_succeed)}")

    def input_in(self, header: Any) -> bytes:
        """The call data in the block of a header.

        Raises:
            ConfigError: the function gives something else.
        """
        if type(self.input) is bytes:
            return self.input
        given = self.input(header)  # type: ignore[operator]  # a function: checked when it was made
        if type(given) is not bytes:
            raise ConfigError(f"the input of a system call is bytes, not {brief(given)}")
        return given


SystemStep = SystemCall | Callable[[RuleView], None]
"""What a block does by itself: a call; or a function that changes the state through its view, under
the same terms as a fee's ``amount``."""


@dataclass(frozen=True, slots=True)
class OwnRules:
    """The rules of a chain's own that the EVM runs transactions by. Immutable.

    Attributes:
        fees: that transactions pay beside their gas; up to 8.
        base_fee_recipient: who gets the base fee of their gas; None: it is burnt (EIP-1559).
        own_types: number of a type of transactions beside the usual → whether it is prepaid; see
            `blockstm.ethereum.OwnTransactionType`.
        contracts_may_send: whether accounts with code may send transactions, against EIP-3607.

    Raises:
        ConfigError: an attribute is of the wrong kind.
    """

    fees: Sequence[TransactionFee] = ()
    base_fee_recipient: Address | None = None
    own_types: Mapping[int, bool] = field(default_factory=dict, hash=False)
    contracts_may_send: bool = False

    def __post_init__(self) -> None:
        right = isinstance(self.fees, list | tuple)
        if not right or not all(isinstance(each, TransactionFee) for each in self.fees):
            raise ConfigError(f"fees are a tuple of TransactionFee, not {brief(self.fees)}")
        if len(self.fees) > FEES_MAX:
            raise ConfigError(f"there are up to {FEES_MAX} fees, not {len(self.fees)}")
        recipient = self.base_fee_recipient
        if recipient is not None and not _is_address(recipient):
            raise ConfigError(f"a base_fee_recipient is 20 bytes or None, not {brief(recipient)}")
        if not isinstance(self.contracts_may_send, bool):
            raise ConfigError(f"contracts_may_send is a bool, not {brief(self.contracts_may_send)}")
        types = self.own_types
        if not isinstance(types, Mapping) or not all(map(_is_own_type, types.items())):
            raise ConfigError(f"own_types are a mapping of int to bool, not {brief(types)}")
        # The caller may still change what was given.
        object.__setattr__(self, "fees", tuple(self.fees))
        object.__setattr__(self, "own_types", dict(types))


def _is_own_type(item: tuple[Any, Any]) -> bool:
    number, is_prepaid = item
    return type(number) is int and isinstance(is_prepaid, bool)


NO_OWN_RULES: Final = OwnRules()


def checked_steps(steps: Any, name: str) -> tuple[SystemStep, ...]:
    """The steps of a chain's own around its transactions.

    Raises:
        ConfigError: one is neither a call nor a function.
    """
    if not isinstance(steps, list | tuple):
        raise ConfigError(f"{name} is a tuple of SystemCall and functions, not {brief(steps)}")
    for each in steps:
        if not isinstance(each, SystemCall) and not callable(each):
            raise ConfigError(f"{name} has a SystemCall or a function, not {brief(each)}")
    return tuple(steps)
