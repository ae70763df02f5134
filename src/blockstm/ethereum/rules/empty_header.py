"""The header that a block has before its transactions."""

from __future__ import annotations

from typing import Final

from blockstm.ethereum.blocks.header import BLOOM_SIZE, Header
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.ethereum.rules.fees import excess_blob_gas_after
from blockstm.ethereum.rules.header_rules import NO_OMMERS_HASH
from blockstm.types import Address, BlockNumber, Hash32
from blockstm.vm.forks import (
    AMSTERDAM,
    CANCUN,
    LONDON,
    OSAKA_ACCESS_LISTS,
    PARIS,
    PRAGUE,
    SHANGHAI,
    Fork,
)

__all__ = ["ZERO_HASH", "empty_header"]

ZERO_HASH: Final = Hash32(bytes(32))


def empty_header(
    parent: Header,
    fork: Fork,
    *,
    number: int,
    timestamp: int,
    coinbase: Address,
    difficulty: int,
    gas_limit: int,
    extra_data: bytes,
    mix_hash: Hash32,
    base_fee_per_gas: int,
    withdrawals_root: Hash32,
    parent_beacon_block_root: Hash32 | None,
    slot_number: int | None,
) -> Header:
    """The header of an empty block after ``parent``; what the block comes to is zero.

    Members that blocks of ``fork`` have not are left out, whatever is given for them. A beacon
    root of None is zero, a slot number of None the one after the parent's.
    """
    since = fork.__ge__
    if slot_number is None:
        slot_number = (parent.slot_number or 0) + 1
    return Header(
        parent_hash=parent.hash,
        ommers_hash=NO_OMMERS_HASH,
        coinbase=coinbase,
        state_root=ZERO_HASH,
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bytes(BLOOM_SIZE),
        difficulty=0 if since(PARIS) else difficulty,
        number=BlockNumber(number),
        gas_limit=gas_limit,
        gas_used=0,
        timestamp=timestamp,
        extra_data=extra_data,
        mix_hash=mix_hash,
        nonce=bytes(8),
        base_fee_per_gas=base_fee_per_gas if since(LONDON) else None,
        withdrawals_root=withdrawals_root if since(SHANGHAI) else None,
        blob_gas_used=0 if since(CANCUN) else None,
        excess_blob_gas=excess_blob_gas_after(parent, fork) if since(CANCUN) else None,
        parent_beacon_block_root=(
            (parent_beacon_block_root or ZERO_HASH) if since(CANCUN) else None
        ),
        requests_hash=ZERO_HASH if since(PRAGUE) else None,
        block_access_list_hash=ZERO_HASH if since(OSAKA_ACCESS_LISTS) else None,
        slot_number=slot_number if since(AMSTERDAM) else None,
    )
