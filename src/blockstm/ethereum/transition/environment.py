"""The block that a transition is to make: what is given of it, and what follows from its parent.

The members are those of the ``env`` of go-ethereum's ``evm t8n``. Base fee, difficulty and excess
blob gas are taken as given, or else computed from what is given of the parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.header import BLOOM_SIZE, Header
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.loose_fields import LooseFields, loose_number
from blockstm.ethereum.codecs.rlp import encode_list
from blockstm.ethereum.rules.difficulty import difficulty_after
from blockstm.ethereum.rules.fees import base_fee_on, excess_blob_gas_after
from blockstm.types import Address, BlockNumber, Hash32
from blockstm.vm.forks import CANCUN, LONDON, PARIS, SHANGHAI, Fork

__all__ = ["Environment", "MissingMember", "Ommer"]

_ZERO_HASH: Final = Hash32(bytes(32))
_NO_OMMERS: Final = keccak(encode_list([]))
_OMMER_DELTA_MAX: Final = 8


class MissingMember(DecodeError):
    """An environment lacks a member that its fork needs, or has one that it cannot have."""


@dataclass(frozen=True, slots=True)
class Ommer:
    """An ommer to be rewarded: how many blocks it is late, and whom it pays."""

    delta: int
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a block has before it is executed.

    Attributes:
        coinbase, gas_limit, number, timestamp: as in `Header`.
        prev_randao: None before Paris.
        difficulty: None from Paris on, and where it is to be computed.
        base_fee: in wei; None before London, and where it is to be computed.
        excess_blob_gas: None before Cancun, and where it is to be computed or not known at all.
        parent_beacon_block_root: None before Cancun.
        slot_number: of the beacon chain; None before Amsterdam.
        withdrawals: None before Shanghai.
        ommers: to be rewarded.
        block_hashes: number → hash of the blocks before; None where none are given at all.
        parent_hash: of the block before, where it is given by itself.
        parent: what is given of the parent; of the rest of its header, nothing is read.
        parent_difficulty, parent_timestamp: None where they are not given.
        parent_base_fee, parent_blob_gas_used, parent_excess_blob_gas: likewise.
    """

    coinbase: Address
    gas_limit: int
    number: BlockNumber
    timestamp: int
    prev_randao: int | None = None
    difficulty: int | None = None
    base_fee: int | None = None
    excess_blob_gas: int | None = None
    parent_beacon_block_root: Hash32 | None = None
    slot_number: int | None = None
    withdrawals: tuple[Withdrawal, ...] | None = None
    ommers: tuple[Ommer, ...] = ()
    block_hashes: Mapping[int, Hash32] | None = None
    parent_hash: Hash32 | None = None
    parent_difficulty: int | None = None
    parent_timestamp: int = 0
    parent_ommers_hash: Hash32 = _ZERO_HASH
    parent_base_fee: int | None = None
    parent_gas_used: int = 0
    parent_gas_limit: int = 0
    parent_blob_gas_used: int | None = None
    parent_excess_blob_gas: int | None = None

    @classmethod
    def from_json(cls, value: object, place: str = "env") -> Environment:
        """Read the ``env`` of a transition.

        Raises:
            DecodeError: a member is missing or malformed.
        """
        fields = LooseFields(value, place)
        return cls(
            coinbase=Address(_required_bytes(fields, "currentCoinbase", 20)),
            gas_limit=_required(fields, "currentGasLimit"),
            number=BlockNumber(_required(fields, "currentNumber")),
            timestamp=_required(fields, "currentTimestamp"),
            prev_randao=_number_or_none(fields, "currentRandom", 256),
            difficulty=_number_or_none(fields, "currentDifficulty", 256),
            base_fee=_number_or_none(fields, "currentBaseFee", 256),
            excess_blob_gas=_number_or_none(fields, "currentExcessBlobGas"),
            parent_beacon_block_root=_hash_or_none(fields, "parentBeaconBlockRoot"),
            slot_number=_number_or_none(fields, "slotNumber"),
            withdrawals=_withdrawals(fields),
            ommers=tuple(
                _ommer(LooseFields(*element)) for element in fields.elements_or_none("ommers") or ()
            ),
            block_hashes=_block_hashes(fields),
            parent_hash=_hash_or_none(fields, "parentHash"),
            parent_difficulty=_number_or_none(fields, "parentDifficulty", 256),
            parent_timestamp=fields.number("parentTimestamp", bits=64),
            parent_ommers_hash=fields.loose_hash("parentUncleHash"),
            parent_base_fee=_number_or_none(fields, "parentBaseFee", 256),
            parent_gas_used=fields.number("parentGasUsed", bits=64),
            parent_gas_limit=fields.number("parentGasLimit", bits=64),
            parent_blob_gas_used=_number_or_none(fields, "parentBlobGasUsed"),
            parent_excess_blob_gas=_number_or_none(fields, "parentExcessBlobGas"),
        )

    def fork_on(self, chain: Chain) -> Fork:
        """The fork of a chain that the block is under.

        A random number says that it is after the merge, where that is at a total difficulty.
        """
        difficulty = 0 if self.prev_randao is not None and not self.difficulty else 1
        total = chain.total_difficulty_before(difficulty) if chain.needs_total_difficulty else None
        return chain.fork_at(self.number, self.timestamp, total)

    def completed(self, fork: Fork, chain: Chain) -> Environment:
        """The same with all that a block of ``fork`` has, and without what it has not.

        Raises:
            MissingMember: something is missing that neither is given nor can be computed.
        """
        return replace(
            self,
            base_fee=self._base_fee(fork, chain),
            difficulty=self._difficulty(fork),
            prev_randao=self.prev_randao if fork >= PARIS else None,
            withdrawals=self._withdrawals(fork),
            excess_blob_gas=self._excess_blob_gas(fork),
            parent_beacon_block_root=self._parent_beacon_block_root(fork),
        )

    @property
    def hash_before(self) -> Hash32:
        """The hash of the parent; zeros where it is not known."""
        if self.parent_hash is not None:
            return self.parent_hash
        return (self.block_hashes or {}).get(self.number - 1, _ZERO_HASH)

    def _base_fee(self, fork: Fork, chain: Chain) -> int | None:
        if fork < LONDON:
            return None
        if self.base_fee is not None:
            return self.base_fee
        if self.parent_base_fee is None or self.number == 0:
            raise MissingMember("EIP-1559 config but missing 'parentBaseFee' in env section", "env")
        if self.parent_gas_limit < 2:
            raise MissingMember("parentGasLimit: a parent has a limit of gas", "env.parentGasLimit")
        return base_fee_on(chain, self._parent())

    def _difficulty(self, fork: Fork) -> int | None:
        if fork >= PARIS:
            if self.prev_randao is None:
                raise MissingMember(
                    "post-merge requires currentRandom to be defined in env", "env.currentRandom"
                )
            if self.difficulty:
                raise MissingMember(
                    "post-merge difficulty must be zero (or omitted) in env",
                    "env.currentDifficulty",
                )
            return None
        if self.difficulty is not None:
            return self.difficulty
        return self._difficulty_after_parent(fork)

    def _difficulty_after_parent(self, fork: Fork) -> int:
        place = "env.currentDifficulty"
        if self.parent_difficulty is None:
            raise MissingMember(
                "currentDifficulty was not provided, and cannot be calculated due to missing "
                "parentDifficulty",
                place,
            )
        if self.number == 0:
            raise MissingMember("currentDifficulty needs to be provided for block number 0", place)
        if self.timestamp <= self.parent_timestamp:
            raise MissingMember(
                f"currentDifficulty cannot be calculated -- currentTime ({self.timestamp}) needs "
                f"to be after parent time ({self.parent_timestamp})",
                place,
            )
        has_ommers = self.parent_ommers_hash not in (_ZERO_HASH, _NO_OMMERS)
        return difficulty_after(
            self.parent_difficulty,
            self.parent_timestamp,
            has_ommers,
            self.number,
            self.timestamp,
            fork,
        )

    def _withdrawals(self, fork: Fork) -> tuple[Withdrawal, ...] | None:
        if fork < SHANGHAI:
            return None
        if self.withdrawals is None:
            raise MissingMember(
                "Shanghai config but missing 'withdrawals' in env section", "env.withdrawals"
            )
        return self.withdrawals

    def _excess_blob_gas(self, fork: Fork) -> int | None:
        if fork < CANCUN or self.excess_blob_gas is not None:
            return self.excess_blob_gas if fork >= CANCUN else None
        if self.parent_excess_blob_gas is None or self.parent_blob_gas_used is None:
            return None
        return excess_blob_gas_after(self._parent(), fork)

    def _parent_beacon_block_root(self, fork: Fork) -> Hash32 | None:
        if fork < CANCUN:
            return None
        if self.parent_beacon_block_root is None:
            raise MissingMember(
                "post-cancun env requires parentBeaconBlockRoot to be set",
                "env.parentBeaconBlockRoot",
            )
        return self.parent_beacon_block_root

    def _parent(self) -> Header:
        return replace(
            self.header(0),
            number=BlockNumber(max(0, self.number - 1)),
            gas_limit=self.parent_gas_limit,
            gas_used=self.parent_gas_used,
            base_fee_per_gas=self.parent_base_fee,
            blob_gas_used=self.parent_blob_gas_used,
            excess_blob_gas=self.parent_excess_blob_gas,
        )

    def header(self, blob_gas_used: int, *, has_access_list: bool = False) -> Header:
        """The header as far as it is known; what executing the block gives is zeros in it."""
        return Header(
            parent_hash=self.hash_before,
            ommers_hash=_NO_OMMERS,
            coinbase=self.coinbase,
            state_root=_ZERO_HASH,
            transactions_root=_ZERO_HASH,
            receipts_root=_ZERO_HASH,
            logs_bloom=bytes(BLOOM_SIZE),
            difficulty=self.difficulty or 0,
            number=self.number,
            gas_limit=self.gas_limit,
            gas_used=0,
            timestamp=self.timestamp,
            extra_data=b"",
            mix_hash=Hash32((self.prev_randao or 0).to_bytes(32, "big")),
            nonce=bytes(8),
            base_fee_per_gas=self.base_fee,
            blob_gas_used=blob_gas_used,
            excess_blob_gas=self.excess_blob_gas,
            parent_beacon_block_root=self.parent_beacon_block_root,
            block_access_list_hash=_ZERO_HASH if has_access_list else None,
            slot_number=self.slot_number,
        )


def _required(fields: LooseFields, name: str) -> int:
    return loose_number(fields.member(name), fields.place_of(name), 64)


def _required_bytes(fields: LooseFields, name: str, size: int) -> bytes:
    fields.member(name)  # or it is missing
    return fields.loose_bytes(name, size)


def _number_or_none(fields: LooseFields, name: str, bits: int = 64) -> int | None:
    return fields.number(name, bits=bits) if name in fields else None


def _hash_or_none(fields: LooseFields, name: str) -> Hash32 | None:
    return fields.loose_hash(name) if name in fields else None


def _withdrawals(fields: LooseFields) -> tuple[Withdrawal, ...] | None:
    elements = fields.elements_or_none("withdrawals")
    if elements is None:
        return None
    return tuple(_withdrawal(LooseFields(*element)) for element in elements)


def _withdrawal(fields: LooseFields) -> Withdrawal:
    return Withdrawal(
        _required(fields, "index"),
        _required(fields, "validatorIndex"),
        Address(_required_bytes(fields, "address", 20)),
        _required(fields, "amount"),
    )


def _ommer(fields: LooseFields) -> Ommer:
    delta = _required(fields, "delta")
    if not 0 < delta <= _OMMER_DELTA_MAX:
        place = fields.place_of("delta")
        raise DecodeError(f"{place}: an ommer is 1 to {_OMMER_DELTA_MAX} blocks late", place)
    return Ommer(delta, Address(_required_bytes(fields, "address", 20)))


def _block_hashes(fields: LooseFields) -> dict[int, Hash32] | None:
    if "blockHashes" not in fields:
        return None
    members = LooseFields(fields.member("blockHashes"), fields.place_of("blockHashes"))
    hashes = {}
    for name, value, place in members.items():
        found = LooseFields({"hash": value}, place)
        hashes[loose_number(name, place, 64)] = Hash32(_required_bytes(found, "hash", 32))
    return hashes
