"""The changes of a block to accounts: address → `AccountChange`, without the engine's locations.

The engine knows locations (`blockstm.state.accounts`), and within a block an account whose storage
was cleared writes its slots at new ones. `AccountChanges` says what all of them come to, account
by account. It decodes the bytes that the block wrote on access, and costs nothing until then.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from blockstm._native.base.packed import PackedWrites
from blockstm._native.state.account_packing import codes_in, packed_locations
from blockstm._native.state.account_records import records_of
from blockstm._native.state.account_values import checked_change
from blockstm._native.trie.records import Records
from blockstm.errors import InputError
from blockstm.messages import brief, kind_of
from blockstm.types import Address, Hash32

__all__ = [
    "AccountChange",
    "AccountChanges",
    "RecordedChanges",
    "changes_of",
    "records_and_codes",
    "records_on",
]

_NONCE: Final = 1
_BALANCE: Final = 2
_CODE_HASH: Final = 4
_CLEARED: Final = 8
_EXISTS: Final = 0x10
_GONE: Final = 0x20
_HEAD: Final = struct.Struct("<20sBQ32s32sI")  # as in `_native/trie/account.hpp`
_FLAGS_AT: Final = 20
_WORD: Final = 32
_FIELDS: Final = ((_BALANCE, "balance"), (_NONCE, "nonce"), (_CODE_HASH, "code_hash"))


@dataclass(frozen=True, slots=True)
class AccountChange:
    """The change of one account; None: as it was.

    Attributes:
        nonce: the new one.
        balance: the new one, in wei.
        code_hash: the new one; derived where ``code`` is given.
        storage: slot → new value; zero removes.
        cleared: whether all slots go before those of ``storage`` are set.
        exists: false: there is no such account afterwards, whatever else the change says. True:
            there is, even if it is empty, as before EIP-161. None: there is unless it is empty.
        code: the new code; None where there is none, or only its hash is known.

    Raises:
        InputError: a number is not an int or out of range, or a hash is not that of the code.

    >>> AccountChange(balance=5, storage={1: 7}).balance
    5
    """

    nonce: int | None = None
    balance: int | None = None
    code_hash: bytes | None = None
    storage: Mapping[int, int] = field(default_factory=dict)
    cleared: bool = False
    exists: bool | None = None
    code: bytes | None = None

    def __post_init__(self) -> None:
        names = ("nonce", "balance", "code", "code_hash")
        checked = checked_change(self.nonce, self.balance, self.code, self.code_hash, self.storage)
        for name, value in zip(names, checked, strict=True):
            object.__setattr__(self, name, value)


ChangesByAddress = Mapping[Address, AccountChange] | Mapping[bytes, AccountChange]


class AccountChanges(Mapping[Address, AccountChange]):
    """The changes of a block to accounts: a read-only mapping, in the order of the first writes.

    `AccountState.apply` and `StateTrie.apply` take it as it is. ``exists`` is false of every
    account that is gone, and ``code`` is there wherever the code changes, if it is known.

    Two are equal if they change the same accounts alike, as any two mappings.

    Thread-safety: any thread may read. Whether an account exists may depend on the state that
    the block ran on: an `AccountState` sees to it that this is found out before it changes.
    """

    __slots__ = ("__weakref__", "_before", "_codes", "_places", "_records", "packed", "trusted")

    def __init__(
        self, locations: Mapping[Any, Any] | PackedWrites, before: Any, *, trusted: bool = False
    ) -> None:
        self.packed = packed_locations(locations)  # as bytes
        self.trusted = trusted  # codes are known to have their hashes
        self._before = before  # None when all has been asked of it
        self._records: bytes | None = None
        self._places: dict[Address, int] | None = None
        self._codes: dict[bytes, bytes] | None = None
        watch = getattr(before, "_resolve_before_changing", None)
        if watch is not None:
            watch(self)

    @property
    def records(self) -> bytes:
        """All changes as flat bytes, as the state trie takes them (`_native/trie/account.hpp`)."""
        records, before = self._records, self._before
        if records is None:
            records_of_state = getattr(before, "records_of", None)
            if records_of_state is not None:
                records = records_of_state(self.packed)
            else:
                records = records_on(self.packed, before)
            self._records = records
        return records

    def resolve(self) -> None:
        """Ask the state that the block ran on whatever is to be asked, as it is about to change."""
        self.records  # noqa: B018  # made when first asked for
        self.codes  # noqa: B018  # as well
        self._before = None

    def __getitem__(self, address: bytes) -> AccountChange:
        return self._read(self._all_places()[Address(address)])

    def __iter__(self) -> Iterator[Address]:
        return iter(self._all_places())

    def __len__(self) -> int:
        return len(self._all_places())

    def __repr__(self) -> str:
        return f"<changes of {len(self)} accounts>"

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def _all_places(self) -> dict[Address, int]:
        """The place of each account's record."""
        if self._places is None:
            self._places = dict(_places(self.records))
        return self._places

    @property
    def codes(self) -> Mapping[bytes, bytes]:
        """Code hash → code, of what accounts have now and had not before, as far as it is known."""
        codes, before = self._codes, self._before
        if codes is None:
            codes, named = codes_in(self.packed)
            for code_hash in named:
                code = None if code_hash in codes else _code_in(before, code_hash)
                if code is not None:
                    codes[code_hash] = code
            self._codes = codes
        return codes

    def _read(self, place: int) -> AccountChange:
        records = self.records
        _, flags, nonce, balance, code_hash, slots = _HEAD.unpack_from(records, place)
        begin = place + _HEAD.size
        words = [
            int.from_bytes(records[at : at + _WORD], "big")
            for at in range(begin, begin + 2 * _WORD * slots, _WORD)
        ]
        has_code_hash, is_gone = flags & _CODE_HASH, flags & _GONE
        return AccountChange(
            nonce if flags & _NONCE else None,
            int.from_bytes(balance, "big") if flags & _BALANCE else None,
            Hash32(code_hash) if has_code_hash else None,
            {} if is_gone else dict(zip(words[::2], words[1::2], strict=True)),
            bool(flags & _CLEARED or is_gone),
            False if is_gone else True if flags & _EXISTS else None,
            self.codes.get(code_hash) if has_code_hash else None,
        )


class RecordedChanges(AccountChanges):
    """Changes that are at hand as flat bytes, for example those of a block that was kept.

    Args:
        records: as `AccountChanges.records` has them.
        codes: code hash → code, of the codes among them that the state may not have.
    """

    __slots__ = ()

    def __init__(self, records: bytes, codes: Mapping[bytes, bytes]) -> None:
        super().__init__({}, None, trusted=True)
        self._records = records
        self._codes = dict(codes)

    @classmethod
    def of(cls, changes: ChangesByAddress) -> RecordedChanges:
        """Changes by address.

        Raises:
            InputError: an address or a change is of the wrong kind.
        """
        return cls(*records_and_codes(changes))


def changes_of(writes: Mapping[Any, Any], before: Any) -> AccountChanges:
    """The writes of a block as changes of accounts.

    Args:
        writes: location → value, as in ``BlockResult.writes``.
        before: the state that the block ran on: an `AccountState`, or whatever has
            ``get(location)``: it is asked whether an account exists where the writes do not tell.

    Raises:
        InputError: a location or a value is of the wrong kind.
    """
    return AccountChanges(writes, before)


def records_and_codes(
    changes: ChangesByAddress,
) -> tuple[bytes, dict[bytes, bytes]]:
    """Changes as flat bytes (`_native/trie/account.hpp`), and the codes among them by their hash.

    Raises:
        InputError: an address or a change is of the wrong kind.
    """
    records = Records()
    codes: dict[bytes, bytes] = {}
    for address, change in changes.items():
        if not isinstance(change, AccountChange):
            raise InputError(
                f"at {brief(address)} a change is an AccountChange, not {kind_of(change)}"
            )
        records.add(
            address,
            change.nonce,
            change.balance,
            change.code_hash,
            change.storage,
            change.cleared,
            change.exists,
        )
        if change.code and change.code_hash is not None:
            codes[change.code_hash] = change.code
    return records.data(), codes


def _places(records: bytes) -> Iterator[tuple[Address, int]]:
    place = 0
    while place < len(records):
        address, *_, slots = _HEAD.unpack_from(records, place)
        yield Address(address), place
        place += _HEAD.size + 2 * _WORD * slots


def _code_in(state: Any, code_hash: bytes) -> bytes | None:
    """A code that was there before; None where the state has only its hash."""
    try:
        code: bytes | None = state.get(("code", code_hash))
    except LookupError:
        return None
    return code


def records_on(packed: PackedWrites, before: Any) -> bytes:
    """The records on a state that has to be asked for each location."""
    found, unsure = records_of(packed)
    records = bytearray(found)
    for place, says_recorded in unsure:
        address, flags = Address(found[place : place + _FLAGS_AT]), found[place + _FLAGS_AT]
        if not any(before.get((address, name)) for flag, name in _FIELDS if not flags & flag):
            is_marked = not says_recorded and before.get((address, "recorded"))
            records[place + _FLAGS_AT] |= _EXISTS if is_marked else _GONE
    return bytes(records)
