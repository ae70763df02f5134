"""Valid blocks of any fork on a complete state, made here. No test of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eth_typing import Address, BlockNumber, Hash32
from tests.ethereum.builders import REQUEST_CONTRACTS
from tests.keys import Key

import blockstm
from blockstm.ethereum import (
    Account,
    AccountState,
    Block,
    Chain,
    ExecutedBlock,
    Fork,
    Header,
    Transaction,
    fork_named,
)
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.rules.header_rules import NO_OMMERS_HASH
from blockstm.ethereum.rules.requests import requests_hash

KEYS = [Key((100 + number).to_bytes(32, "big")) for number in range(4)]
SENDERS = [Address(key.address) for key in KEYS]
COINBASE = Address(b"\xc0" * 20)


def world(accounts: Mapping[Address, Account] | None = None) -> AccountState:
    """A complete state: the senders with their ether, and contracts that collect no requests."""
    stop = b"\0"
    return AccountState(
        {
            **{sender: Account(10**18) for sender in SENDERS},
            **{address: Account(0, 1, stop) for address in REQUEST_CONTRACTS},
            **(accounts or {}),
        }
    )


def signed(key: int, chain_id: int | None = None, **members: Any) -> Transaction:
    """A legacy transaction of one of `SENDERS`."""
    given = {"gas": 100_000, "to": COINBASE, "value": 1, "data": b"", "gas_price": 10, **members}
    unsigned = Transaction(type=0, v=0, r=0, s=0, chain_id=chain_id, **given)
    r, s, parity = KEYS[key].sign(unsigned.signing_hash)
    return replace(
        unsigned, v=27 + parity if chain_id is None else 35 + 2 * chain_id + parity, r=r, s=s
    )


def block_of(
    transactions: tuple[Transaction, ...], fork: Fork | str, number: int = 1, **members: Any
) -> Block:
    """A block whose header says of its body what is right, and nothing of its results."""
    fork = fork_named(fork) if isinstance(fork, str) else fork
    has_withdrawals = fork >= fork_named("shanghai")
    header = Header(
        parent_hash=Hash32(keccak(b"parent")),
        ommers_hash=NO_OMMERS_HASH,
        coinbase=COINBASE,
        state_root=EMPTY_TRIE_ROOT,
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bytes(256),
        difficulty=0 if fork >= fork_named("paris") else 131_072,
        number=BlockNumber(number),
        gas_limit=3_000_000,
        gas_used=0,
        timestamp=1_000,
        extra_data=b"",
        mix_hash=Hash32(bytes(32)),
        nonce=bytes(8),
    )
    later: list[tuple[str, dict[str, Any]]] = [
        ("london", {"base_fee_per_gas": 7}),
        ("shanghai", {"withdrawals_root": EMPTY_TRIE_ROOT}),
        (
            "cancun",
            {"blob_gas_used": 0, "excess_blob_gas": 0, "parent_beacon_block_root": bytes(32)},
        ),
        ("prague", {"requests_hash": requests_hash(())}),
        ("osaka_access_lists", {"block_access_list_hash": bytes(32)}),
        ("amsterdam", {"slot_number": 0}),
    ]
    for name, given in later:
        if fork >= fork_named(name):
            header = replace(header, **given)
    header = replace(header, **members)
    block = Block(header.hash, header, transactions, () if has_withdrawals else None)
    return with_header(block, transactions_root=block.transactions_root)


def with_header(block: Block, **members: Any) -> Block:
    """The block with a header that says something else, and the hash of that."""
    header = replace(block.header, **members)
    return replace(block, header=header, hash=header.hash)


def sealed(block: Block, state: AccountState, **options: Any) -> Block:
    """The block with a header that says what executing it gives."""
    done = _executed(block, state, **options)
    later: dict[str, Any] = {}
    if done.requests is not None:
        later["requests_hash"] = requests_hash(done.requests)
    if done.access_list is not None:
        later["block_access_list_hash"] = done.access_list.hash
    return with_header(
        block,
        gas_used=done.gas_used,
        receipts_root=done.receipts_root,
        logs_bloom=done.logs_bloom,
        state_root=done.state_root,
        **later,
    )


def _executed(block: Block, state: AccountState, **options: Any) -> ExecutedBlock:
    """What a block did whose header says something else.

    The error ends here: it has the frames that it came through, which hold the state.
    """
    try:
        blockstm.execute_block(block, state, "evm", workers=1, **options)
    except blockstm.InvalidBlock as error:
        if error.executed is None:
            raise
        return error.executed
    raise AssertionError("the header says already what the block does")


def chain_under(fork: Fork | str, **members: Any) -> Chain:
    """A chain that is under one fork from its first block on."""
    fork = fork_named(fork) if isinstance(fork, str) else fork
    return Chain(1, (blockstm.ethereum.Activation(fork, block=0),), **members)
