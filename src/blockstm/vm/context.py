"""The block as a transaction sees it: number, time, coinbase, limits, hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from blockstm.types import Address, BlockNumber, Hash32

__all__ = ["MAINNET_CHAIN_ID", "BlockContext"]

MAINNET_CHAIN_ID = 1
_ZERO_HASH = Hash32(bytes(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockContext:
    """The block that transactions run in.

    Attributes:
        number: the block's number.
        timestamp: in s since 1970.
        coinbase: who gets the fees.
        gas_limit: of the block.
        difficulty: 0 from Paris on.
        mix_hash: PREVRANDAO from Paris on.
        base_fee_per_gas: in wei; None before London.
        excess_blob_gas: None before Cancun.
        blob_base_fee: what a blob costs, in wei per blob gas; None before Cancun. py-evm works it
            out from ``excess_blob_gas`` by the schedule of its own forks.
        blobs_max: how many blobs all transactions of the block may have; None: as many as its fork
            allows.
        slot_number: of the beacon chain (EIP-7843); 0 before Amsterdam.
        has_access_list: whether it has a list of all that it touches (EIP-7928): its steps then
            report their part of it.
        parent_hash: the hash of the block before.
        parent_beacon_block_root: None before Cancun.
        chain_id: what a replay-protected transaction must name.
        block_hashes: number → hash of the blocks before, as far as BLOCKHASH asks for them;
            asking for one of the last 256 that is missing here fails the transaction.
    """

    number: BlockNumber
    timestamp: int
    coinbase: Address
    gas_limit: int
    difficulty: int = 0
    mix_hash: Hash32 = _ZERO_HASH
    base_fee_per_gas: int | None = None
    excess_blob_gas: int | None = None
    blob_base_fee: int | None = None
    blobs_max: int | None = None
    slot_number: int = 0
    has_access_list: bool = False
    parent_hash: Hash32 = _ZERO_HASH
    parent_beacon_block_root: Hash32 | None = None
    chain_id: int = MAINNET_CHAIN_ID
    block_hashes: Mapping[int, Hash32] = field(default_factory=dict)
