"""What generated blocks have in common: their rules, a header that tells nothing yet, payments."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction, TransactionType
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.codecs.rlp import encode_list
from blockstm.types import Address, BlockNumber, Hash32

__all__ = ["BASE_FEE", "COLLECTORS", "RULES", "STOP", "bare_header", "unsigned_transaction"]

RULES: Final[Chain] = MAINNET.under("prague")
"""The chain of generated blocks: its newest fork is the newest that py-evm has."""
BASE_FEE: Final = 10**9
"""The base fee of a generated block, in wei."""
STOP: Final = b"\0"
"""The code of a contract that does nothing."""
COLLECTORS: Final = (
    Address(bytes.fromhex("00000961ef480eb55e80d19ad83579a64c007002")),
    Address(bytes.fromhex("0000bbddc7ce488642fb579f8b00f3a590007251")),
)
"""Where a block asks for withdrawals (EIP-7002) and consolidations (EIP-7251) at its end."""


def bare_header(
    number: int,
    *,
    parent_hash: Hash32,
    coinbase: Address,
    gas_limit: int,
    timestamp: int,
    state_root: Hash32 = EMPTY_TRIE_ROOT,
    transactions_root: Hash32 = EMPTY_TRIE_ROOT,
) -> Header:
    """The header of a block of Prague whose transactions have done nothing yet."""
    return Header(
        parent_hash=parent_hash,
        ommers_hash=keccak(encode_list([])),
        coinbase=coinbase,
        state_root=state_root,
        transactions_root=transactions_root,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bytes(256),
        difficulty=0,
        number=BlockNumber(number),
        gas_limit=gas_limit,
        gas_used=0,
        timestamp=timestamp,
        extra_data=b"",
        mix_hash=Hash32(bytes(32)),
        nonce=bytes(8),
        base_fee_per_gas=BASE_FEE,
        withdrawals_root=EMPTY_TRIE_ROOT,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=Hash32(bytes(32)),
        requests_hash=Hash32(sha256(b"").digest()),
    )


def unsigned_transaction(
    to: Address,
    value: int,
    data: bytes,
    *,
    nonce: int,
    gas: int,
    max_fee: int,
    tip: int,
    chain_id: int = RULES.chain_id,
) -> Transaction:
    """A transaction of type 2 with a signature that is nobody's."""
    return Transaction(
        type=TransactionType.DYNAMIC_FEE,
        nonce=nonce,
        gas=gas,
        to=to,
        value=value,
        data=data,
        v=0,
        r=1,
        s=1,
        chain_id=chain_id,
        max_fee_per_gas=max_fee,
        max_priority_fee_per_gas=tip,
    )
