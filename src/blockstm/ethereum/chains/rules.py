"""The rules of a chain's own: what it has beside its forks, or in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from blockstm.errors import ConfigError
from blockstm.ethereum.chains.activations import Activation
from blockstm.messages import brief
from blockstm.types import Address
from blockstm.vm.evm.own_rules import (
    NO_OWN_RULES,
    OwnRules,
    SystemStep,
    TransactionFee,
    checked_steps,
)

__all__ = ["NO_RULES", "OwnTransactionType", "Rules", "check_code"]

_FIRST_OWN: Final = 5
_LAST_OWN: Final = 0x7F  # what is above is no type (EIP-2718)


@dataclass(frozen=True, slots=True)
class OwnTransactionType:
    """A type of transactions beside those that forks have (EIP-2718).

    Its transactions are objects of a class made of `blockstm.ethereum.OwnTransaction`, which say
    who sent them.

    One that is not prepaid obeys the rules of an ordinary one: nonce, fees, funds, gas. A prepaid
    one was paid for elsewhere, as a rollup's deposit was: its gas costs nothing, its nonce is the
    one that its sender has, and its sender may be a contract. What it mints is its sender's first.
    It is in the block whatever it breaks: without enough gas or funds it has failed, has used all
    its gas, and has raised its sender's nonce; what it minted stays.

    Attributes:
        number: from 5 to 0x7f.
        decode: what stands behind the number in an encoding → the transaction. Any exception means
            that it is none. What it gives must encode to the same.
        is_prepaid: see above.
        receipt: the transaction, its sender's nonce before it and the block's `Header` → what its
            receipt has behind the four usual members: numbers by their JSON names, in order. None:
            nothing. The names, and their order, must not depend on the nonce: stored receipts are
            read with 0.

    Raises:
        ConfigError: an attribute is of the wrong kind or out of range.
    """

    number: int
    decode: Callable[[bytes], Any]
    is_prepaid: bool = False
    receipt: Callable[[Any, int, Any], Mapping[str, int]] | None = None

    def __post_init__(self) -> None:
        number = self.number
        is_number = isinstance(number, int) and not isinstance(number, bool)
        if not is_number or not _FIRST_OWN <= number <= _LAST_OWN:
            raise ConfigError(
                f"a type of transactions of a chain's own is an int from {_FIRST_OWN} to "
                f"0x{_LAST_OWN:x}, not {brief(number)}: 0 to 4 are Ethereum's, and what is above "
                "is no type (EIP-2718)"
            )
        if not callable(self.decode):
            raise ConfigError(f"decode is a function of bytes, not {brief(self.decode)}")
        if not isinstance(self.is_prepaid, bool):
            raise ConfigError(f"is_prepaid is a bool, not {brief(self.is_prepaid)}")
        if self.receipt is not None and not callable(self.receipt):
            raise ConfigError(f"receipt is a function or None, not {brief(self.receipt)}")

    def receipt_members(self, transaction: Any, nonce: int, header: Any) -> Mapping[str, int]:
        """What the receipt of a transaction has behind the usual members.

        Raises:
            ConfigError: ``receipt`` gives something else.
        """
        if self.receipt is None:
            return {}
        given = self.receipt(transaction, nonce, header)
        if not isinstance(given, Mapping) or not all(map(_is_member, given.items())):
            raise ConfigError(
                "receipt gives numbers of up to 256 bits by their names, not " + brief(given)
            )
        return given


def _is_member(item: tuple[Any, Any]) -> bool:
    name, value = item
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return isinstance(name, str) and is_number and 0 <= value < 1 << 256


@dataclass(frozen=True, slots=True)
class Rules:
    """What a chain has beside its forks: one object that a `Chain` takes. Immutable.

    Functions among it are called in any thread, and must answer alike for the same arguments and
    what they read: then all results are the same on any number of workers. Only the native EVM
    runs transactions by them.

    Attributes:
        activations: the chain's forks, see `Chain`; or the chain has them itself.
        precompiles: address → `blockstm.vm.evm.Precompile`; see `Chain`.
        opcodes: number → `blockstm.vm.evm.Opcode`; see `Chain`.
        transaction_types: beside those of its forks, in all its blocks.
        before: what a block does by itself before its transactions, after what its fork does then:
            each a `SystemCall`, or a function that changes the state through a `RuleView`.
        after: the same after its transactions, before withdrawals, requests and rewards.
        fees: that transactions pay beside their gas; up to 8.
        base_fee_recipient: who gets the base fee of the transactions' gas; None: it is burnt.
        contracts_may_send: whether accounts with code may send transactions, against EIP-3607.
        base_fee: a parent's `Header` → the base fee of the block after it; see `Chain`.
        header_rule: what is wrong with a header, see `Chain`.
        name: what a folder knows the functions among all that by, when the chain in it is opened
            again; without one it knows them by their own names, and by what they hold beside their
            code.

    Raises:
        ConfigError: an attribute is of the wrong kind, or two types have one number.
    """

    activations: tuple[Activation, ...] = ()
    precompiles: Mapping[Address, Any] = field(default_factory=dict, hash=False)
    opcodes: Mapping[int, Any] = field(default_factory=dict, hash=False)
    transaction_types: tuple[OwnTransactionType, ...] = ()
    before: tuple[SystemStep, ...] = ()
    after: tuple[SystemStep, ...] = ()
    fees: tuple[TransactionFee, ...] = ()
    base_fee_recipient: Address | None = None
    contracts_may_send: bool = False
    base_fee: Callable[[Any], int] | None = None
    header_rule: Callable[[Any, Any], str | None] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_code(self, "of Rules")
        if not isinstance(self.name, str):
            raise ConfigError(f"the name of Rules is a str, not {brief(self.name)}")
        for name, kind in _KINDS.items():
            given = getattr(self, name)
            right = isinstance(given, list | tuple)
            if not right or not all(isinstance(each, kind) for each in given):
                raise ConfigError(f"{name} are a tuple of {kind.__name__}, not {brief(given)}")
            object.__setattr__(self, name, tuple(given))
        numbers = [each.number for each in self.transaction_types]
        if len(set(numbers)) < len(numbers):
            raise ConfigError(f"each type of transactions has a number of its own, not {numbers}")
        for name in ("before", "after"):
            object.__setattr__(self, name, checked_steps(getattr(self, name), name))
        self._of_the_evm()  # checks how many fees there are

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(getattr(self, each.name) for each in fields(self) if each.name != "name")

    @property
    def types(self) -> Mapping[int, OwnTransactionType]:
        """The types of transactions by their numbers."""
        return {each.number: each for each in self.transaction_types}

    @property
    def of_transactions(self) -> OwnRules:
        """What the EVM runs transactions by."""
        rules = self._of_the_evm()
        return rules if rules != NO_OWN_RULES else NO_OWN_RULES

    def _of_the_evm(self) -> OwnRules:
        prepaid = {each.number: each.is_prepaid for each in self.transaction_types}
        return OwnRules(self.fees, self.base_fee_recipient, prepaid, self.contracts_may_send)

    @property
    def runs_transactions(self) -> bool:
        """Whether anything of it is for the EVM: all but rules of headers."""
        return any(
            getattr(self, each.name)
            for each in fields(self)
            if each.name not in ("activations", "base_fee", "header_rule", "name")
        )


_KINDS: Final = {
    "activations": Activation,
    "transaction_types": OwnTransactionType,
    "fees": TransactionFee,
}


def check_code(what: Any, whose: str) -> None:
    """Check what a chain has of its own that is code and not data.

    Raises:
        ConfigError: an attribute is of the wrong kind.
    """
    for name, by in (("precompiles", "address"), ("opcodes", "number")):
        given = getattr(what, name)
        if not isinstance(given, Mapping):
            raise ConfigError(f"the {name} {whose} are a mapping by {by}, not {brief(given)}")
    for name in ("base_fee", "header_rule"):
        function = getattr(what, name)
        if function is not None and not callable(function):
            raise ConfigError(f"the {name} {whose} is a function, not {brief(function)}")


NO_RULES: Final = Rules()
