"""A block header: from RLP and JSON, to RLP, to its hash (Yellow Paper 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum.codecs.fields import Fields, shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.members import HEADER, check_members
from blockstm.ethereum.codecs.rlp import Item, Items, encode
from blockstm.types import Address, BlockNumber, Hash32
from blockstm.vm.forks import FORKS

__all__ = ["BLOOM_SIZE", "Header"]

BLOOM_SIZE: Final = 256
"""Of a Bloom filter over logs, in bytes."""

_MEMBER_COUNTS: Final = sorted({fork.header_members for fork in FORKS})
_PROOF_OF_WORK: Final = 13  # where mix hash and nonce stand among the members
# JSON-RPC's names, in the order of the RLP.
_JSON_NAMES: Final = (
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
    "blockAccessListHash",
    "slotNumber",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A block's header.

    Gas in gas, fees in wei, time in s since 1970. The members that came with a fork are None
    before it: London the base fee, Shanghai the withdrawals root, Cancun the blob members and
    the beacon root, Prague the requests hash, Amsterdam the hash of the block-level access list
    and the number of the beacon chain's slot.
    """

    parent_hash: Hash32
    ommers_hash: Hash32
    coinbase: Address
    state_root: Hash32
    transactions_root: Hash32
    receipts_root: Hash32
    logs_bloom: bytes
    difficulty: int
    number: BlockNumber
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    mix_hash: Hash32
    nonce: bytes
    base_fee_per_gas: int | None = None
    withdrawals_root: Hash32 | None = None
    blob_gas_used: int | None = None
    excess_blob_gas: int | None = None
    parent_beacon_block_root: Hash32 | None = None
    requests_hash: Hash32 | None = None
    block_access_list_hash: Hash32 | None = None
    slot_number: int | None = None

    @classmethod
    def from_fields(cls, fields: Fields) -> Header:
        """Read the header members of a JSON-RPC block.

        Raises:
            DecodeError: a member is missing or malformed, or a later fork's member is there
                without an earlier one's, or with only some of its own fork's.
        """
        header = cls(
            parent_hash=fields.hash("parentHash"),
            ommers_hash=fields.hash(fields.named("sha3Uncles", "ommersHash", "uncleHash")),
            coinbase=fields.address(fields.named("miner", "author", "coinbase")),
            state_root=fields.hash("stateRoot"),
            transactions_root=fields.hash("transactionsRoot"),
            receipts_root=fields.hash("receiptsRoot"),
            logs_bloom=fields.data("logsBloom", BLOOM_SIZE),
            difficulty=fields.quantity("difficulty"),
            number=BlockNumber(fields.quantity("number", 64)),
            gas_limit=fields.quantity("gasLimit", 64),
            gas_used=fields.quantity("gasUsed", 64),
            timestamp=fields.quantity("timestamp", 64),
            extra_data=fields.data("extraData"),
            mix_hash=fields.hash(fields.named("mixHash", "mixhash", "prevRandao")),
            nonce=fields.data("nonce", 8),
            base_fee_per_gas=fields.quantity_or_none("baseFeePerGas"),
            withdrawals_root=fields.hash_or_none("withdrawalsRoot"),
            blob_gas_used=fields.quantity_or_none("blobGasUsed", 64),
            excess_blob_gas=fields.quantity_or_none("excessBlobGas", 64),
            parent_beacon_block_root=fields.hash_or_none("parentBeaconBlockRoot"),
            requests_hash=fields.hash_or_none("requestsHash"),
            block_access_list_hash=fields.hash_or_none("blockAccessListHash"),
            slot_number=fields.quantity_or_none("slotNumber", 64),
        )
        header._check_has_no_gap(fields.place)
        return header

    @classmethod
    def decode(cls, encoding: bytes, place: str = "header") -> Header:
        """Read a header.

        Raises:
            DecodeError: ``encoding`` is of no header, or not the only encoding of it.
        """
        return cls.from_items(Items(encoding, place))

    @classmethod
    def from_items(cls, items: Items) -> Header:
        """Read a header that stands in a block.

        Raises:
            DecodeError: a member is missing or malformed, or their number is no fork's.
        """
        header = cls(
            parent_hash=items.hash("parentHash"),
            ommers_hash=items.hash("sha3Uncles"),
            coinbase=items.address("miner"),
            state_root=items.hash("stateRoot"),
            transactions_root=items.hash("transactionsRoot"),
            receipts_root=items.hash("receiptsRoot"),
            logs_bloom=items.data("logsBloom", BLOOM_SIZE),
            difficulty=items.quantity("difficulty"),
            number=BlockNumber(items.quantity("number", 64)),
            gas_limit=items.quantity("gasLimit", 64),
            gas_used=items.quantity("gasUsed", 64),
            timestamp=items.quantity("timestamp", 64),
            extra_data=items.data("extraData"),
            mix_hash=items.hash("mixHash"),
            nonce=items.data("nonce", 8),
            base_fee_per_gas=items.quantity("baseFeePerGas") if items else None,
            withdrawals_root=items.hash("withdrawalsRoot") if items else None,
            blob_gas_used=items.quantity("blobGasUsed", 64) if items else None,
            excess_blob_gas=items.quantity("excessBlobGas", 64) if items else None,
            parent_beacon_block_root=items.hash("parentBeaconBlockRoot") if items else None,
            requests_hash=items.hash("requestsHash") if items else None,
            block_access_list_hash=items.hash("blockAccessListHash") if items else None,
            slot_number=items.quantity("slotNumber", 64) if items else None,
        )
        items.end()
        header._check_has_no_gap(items.place)
        return header

    def _members(self) -> list[bytes | int | None]:
        return [
            self.parent_hash,
            self.ommers_hash,
            self.coinbase,
            self.state_root,
            self.transactions_root,
            self.receipts_root,
            self.logs_bloom,
            self.difficulty,
            self.number,
            self.gas_limit,
            self.gas_used,
            self.timestamp,
            self.extra_data,
            self.mix_hash,
            self.nonce,
            self.base_fee_per_gas,
            self.withdrawals_root,
            self.blob_gas_used,
            self.excess_blob_gas,
            self.parent_beacon_block_root,
            self.requests_hash,
            self.block_access_list_hash,
            self.slot_number,
        ]

    def _check_has_no_gap(self, place: str) -> None:
        present = [value is not None for value in self._members()]
        if present != sorted(present, reverse=True):
            raise DecodeError(f"{place}: a later fork's member without an earlier one's", place)
        if sum(present) not in _MEMBER_COUNTS:
            raise DecodeError(f"{place}: no fork's headers have {sum(present)} members", place)

    @property
    def member_count(self) -> int:
        """How many members there are; each fork has its number."""
        return sum(value is not None for value in self._members())

    def encode(self) -> bytes:
        """The header's RLP.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, HEADER, "header")
        items: list[Item] = [value for value in self._members() if value is not None]
        return encode(items)

    def encode_unsealed(self) -> bytes:
        """The RLP without mix hash and nonce: what work before Paris is about.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, HEADER, "header")
        members = self._members()
        items: list[Item] = [value for value in members[:_PROOF_OF_WORK] if value is not None]
        items += [value for value in members[_PROOF_OF_WORK + 2 :] if value is not None]
        return encode(items)

    def to_json(self) -> dict[str, Any]:
        """The header members of a JSON-RPC block.

        Raises:
            InputError: a member is of the wrong kind or out of range.
        """
        check_members(self, HEADER, "header")
        return {
            name: shown(value)
            for name, value in zip(_JSON_NAMES, self._members(), strict=True)
            if value is not None
        }

    @property
    def hash(self) -> Hash32:
        """The block's hash: keccak of the header's RLP."""
        return keccak(self.encode())
