"""What calls find in the state, and of their block, in place of what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Final

from blockstm.errors import InputError
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.members import address as address_kind
from blockstm.ethereum.codecs.members import check_members, hash32, uint64, word
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.state.accounts import (
    balance_of,
    code_hash_of,
    code_with,
    epoch_of,
    nonce_of,
    slot_of,
    stored_of,
)
from blockstm.types import DELETED, Address, Hash32
from blockstm.vm.context import BlockContext
from blockstm.vm.evm.precompiles import ForkPrecompile, has_precompile
from blockstm.vm.forks import Fork

__all__ = [
    "AccountOverride",
    "BlockOverrides",
    "StateOverrides",
    "check_block_overrides",
    "checked_overrides",
    "moved_precompiles",
    "override_writes",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOverride:
    """An account as calls find it; what is None is as in the state.

    Attributes:
        balance: in wei.
        nonce: transactions sent.
        code: its code; empty for none.
        state: all of its storage: slot → value, all other slots are zero.
        state_diff: some of its storage: slot → value, all other slots are as in the state.
        move_precompile_to: where the precompiled contract is that this address had. A precompile
            that is overridden in anything is none any more.
    """

    balance: int | None = None
    nonce: int | None = None
    code: bytes | None = None
    state: Mapping[int, int] | None = None
    state_diff: Mapping[int, int] | None = None
    move_precompile_to: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockOverrides:
    """The fields of a block as calls find them; what is None is the block's own.

    Attributes:
        number, timestamp: which fork holds goes by these; the time in s since 1970.
        coinbase: who gets the fees.
        gas_limit: of the block.
        difficulty: before Paris.
        mix_hash: PREVRANDAO, from Paris on.
        base_fee_per_gas: in wei.
        blob_base_fee: in wei per blob gas.
        withdrawals, parent_beacon_block_root: of a block that is simulated; a call has none.
    """

    number: int | None = None
    timestamp: int | None = None
    coinbase: Address | None = None
    gas_limit: int | None = None
    difficulty: int | None = None
    mix_hash: Hash32 | None = None
    base_fee_per_gas: int | None = None
    blob_base_fee: int | None = None
    withdrawals: Sequence[Withdrawal] | None = None
    parent_beacon_block_root: Hash32 | None = None

    def given(self) -> dict[str, Any]:
        """Those that are not None, by name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def applied_to(self, context: BlockContext) -> BlockContext:
        """The block with these fields, as a call sees it."""
        given = self.given()
        given.pop("withdrawals", None)
        return replace(context, **given)


StateOverrides = Mapping[Address, AccountOverride]


def _maybe(kind: Callable[[Any], str], value: Any) -> str:
    return "" if value is None else kind(value)


def _slots(value: Any) -> str:
    right = isinstance(value, Mapping) and not any(
        word(slot) or word(content) for slot, content in value.items()
    )
    return "" if right else "a mapping of slots to values, ints from 0 to 2**256 - 1"


def _code(value: Any) -> str:
    return "" if isinstance(value, bytes) else "bytes"


def _withdrawals(value: Any) -> str:
    right = isinstance(value, list | tuple) and all(isinstance(x, Withdrawal) for x in value)
    return "" if right else "a tuple of blockstm.ethereum.Withdrawal"


def _all_maybe(kinds: Mapping[str, Callable[[Any], str]]) -> Mapping[str, Callable[[Any], str]]:
    return {name: partial(_maybe, kind) for name, kind in kinds.items()}


_ACCOUNT: Final = _all_maybe(
    {
        "balance": word,
        "nonce": uint64,
        "code": _code,
        "state": _slots,
        "state_diff": _slots,
        "move_precompile_to": address_kind,
    }
)
_BLOCK: Final = _all_maybe(
    {
        "number": uint64,
        "timestamp": uint64,
        "coinbase": address_kind,
        "gas_limit": uint64,
        "difficulty": word,
        "mix_hash": hash32,
        "base_fee_per_gas": word,
        "blob_base_fee": word,
        "withdrawals": _withdrawals,
        "parent_beacon_block_root": hash32,
    }
)


def checked_overrides(overrides: Any) -> StateOverrides:
    """The same overrides, if they are some; None for none.

    Raises:
        InputError: they are of another kind, or an account has both a state and a difference.
    """
    if overrides is None:
        return {}
    if not isinstance(overrides, Mapping):
        raise InputError(f"overrides map addresses to accounts, and are not {brief(overrides)}")
    for address, each in overrides.items():
        if address_kind(address):
            raise InputError(f"overrides are by addresses of 20 bytes, not {brief(address)}")
        place = f"overrides[0x{address.hex()}]"
        check_kind(each, AccountOverride, place)
        check_members(each, _ACCOUNT, place)
        if each.state is not None and each.state_diff is not None:
            raise InputError(f"account 0x{address.hex()} has both 'state' and 'stateDiff'")
    checked_ones: StateOverrides = overrides
    return checked_ones


def check_block_overrides(overrides: BlockOverrides) -> None:
    """Refuse what no block can have.

    Raises:
        InputError: a member is of the wrong kind.
    """
    check_kind(overrides, BlockOverrides, "block_overrides")
    check_members(overrides, _BLOCK, "block_overrides")


# ---- the state


def override_writes(state: Any, overrides: StateOverrides) -> dict[Any, Any]:
    """Location → value of what differs from ``state``, `DELETED` where there is none."""
    writes: dict[Any, Any] = {}
    for address, each in overrides.items():
        if each.balance is not None:
            writes[balance_of(address)] = each.balance or DELETED
        if each.nonce is not None:
            writes[nonce_of(address)] = each.nonce or DELETED
        if each.code is not None:
            writes |= _code_writes(address, each.code)
        if each.state is not None or each.state_diff is not None:
            writes |= _storage_writes(state, address, each)
    return writes


def _code_writes(address: Address, code: bytes) -> dict[Any, Any]:
    if not code:
        return {code_hash_of(address): DELETED}
    code_hash = keccak(code)
    return {code_with(code_hash): code, code_hash_of(address): code_hash}


def _storage_writes(state: Any, address: Address, override: AccountOverride) -> dict[Any, Any]:
    """A whole storage begins a new epoch, in which all other slots are zero."""
    epoch = state.get(epoch_of(address)) or 0
    writes: dict[Any, Any] = {}
    slots = override.state_diff or {}
    if override.state is not None:
        epoch, slots = epoch + 1, override.state
        writes = {epoch_of(address): epoch, stored_of(address): DELETED}
    for slot, value in slots.items():
        writes[slot_of(address, epoch, slot)] = value or DELETED
    return writes


# ---- precompiles


def moved_precompiles(
    overrides: StateOverrides, fork: Fork, own: Mapping[Address, Any]
) -> dict[Address, Any]:
    """The precompiles that `blockstm.vm.evm.Evm` takes: the chain's own, with those moved.

    Raises:
        InputError: what is to be moved is no precompile, or another account is overridden where it
            goes; in go-ethereum's words.
    """
    moved = dict(own)
    for address, each in overrides.items():
        target = _precompile_at(address, fork, own)
        if each.move_precompile_to is not None:
            if target is None:
                raise InputError(f"account 0x{address.hex()} is not a precompile")
            if each.move_precompile_to in overrides:
                place = each.move_precompile_to.hex()
                raise InputError(f"account 0x{place} is already overridden")
            moved[each.move_precompile_to] = target
        if target is not None:
            moved[address] = ForkPrecompile(None)
    return moved


def _precompile_at(address: Address, fork: Fork, own: Mapping[Address, Any]) -> Any:
    """The chain's own, or the fork's; None where there is none."""
    if address in own:
        return own[address]
    return ForkPrecompile(address) if has_precompile(fork, address) else None
