"""A block header: from JSON, to RLP, to its hash (Yellow Paper 4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import rlp
from eth_typing import Address, BlockNumber, Hash32

from blockstm.errors import DecodeError
from blockstm.ethereum.fields import Fields
from blockstm.ethereum.hashing import keccak

__all__ = ["Header"]

_BLOOM_SIZE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a block says about itself.

    Gas in gas, fees in wei, time in s since 1970. The fields that came with a fork are None
    before it: London the base fee, Shanghai the withdrawals root, Cancun the blob fields and
    the beacon root, Prague the requests hash.
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

    @classmethod
    def from_fields(cls, fields: Fields) -> Header:
        """Read the header members of a JSON-RPC block.

        Raises:
            DecodeError: a member is missing or malformed, or a later fork's member is there
                without an earlier one's.
        """
        header = cls(
            parent_hash=fields.hash("parentHash"),
            ommers_hash=fields.hash("sha3Uncles"),
            coinbase=fields.address("miner"),
            state_root=fields.hash("stateRoot"),
            transactions_root=fields.hash("transactionsRoot"),
            receipts_root=fields.hash("receiptsRoot"),
            logs_bloom=fields.data("logsBloom", _BLOOM_SIZE),
            difficulty=fields.quantity("difficulty"),
            number=BlockNumber(fields.quantity("number", 64)),
            gas_limit=fields.quantity("gasLimit", 63),
            gas_used=fields.quantity("gasUsed", 63),
            timestamp=fields.quantity("timestamp", 64),
            extra_data=fields.data("extraData"),
            mix_hash=fields.hash("mixHash"),
            nonce=fields.data("nonce", 8),
            base_fee_per_gas=fields.quantity_or_none("baseFeePerGas"),
            withdrawals_root=fields.hash_or_none("withdrawalsRoot"),
            blob_gas_used=fields.quantity_or_none("blobGasUsed", 64),
            excess_blob_gas=fields.quantity_or_none("excessBlobGas", 64),
            parent_beacon_block_root=fields.hash_or_none("parentBeaconBlockRoot"),
            requests_hash=fields.hash_or_none("requestsHash"),
        )
        header._check_has_no_gap(fields.place)
        return header

    def _optional(self) -> list[bytes | int | None]:
        return [
            self.base_fee_per_gas,
            self.withdrawals_root,
            self.blob_gas_used,
            self.excess_blob_gas,
            self.parent_beacon_block_root,
            self.requests_hash,
        ]

    def _check_has_no_gap(self, place: str) -> None:
        present = [value is not None for value in self._optional()]
        if present != sorted(present, reverse=True):
            raise DecodeError(f"{place}: a later fork's member without an earlier one's", place)

    def encode(self) -> bytes:
        """The header's RLP."""
        fields: list[bytes | int] = [
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
        ]
        fields += [value for value in self._optional() if value is not None]
        return bytes(rlp.encode(fields))

    @property
    def hash(self) -> Hash32:
        """The block's hash: keccak of the header's RLP."""
        return keccak(self.encode())
