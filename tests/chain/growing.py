"""Chains that grow, block by block, on any of their blocks. No test of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from eth_typing import Hash32
from tests.ethereum.made import KEYS, SENDERS, block_of, chain_under, sealed, signed, world

from blockstm.chain import Chain
from blockstm.ethereum import Account, Block, Fork, Transaction, fork_named
from blockstm.ethereum.genesis import Genesis
from blockstm.ethereum.rules.difficulty import difficulty_after
from blockstm.ethereum.rules.fees import base_fee_after
from blockstm.ethereum.rules.header_rules import NO_OMMERS_HASH
from blockstm.ethereum.tries.state_trie import state_root
from blockstm.types import Address

COUNTER = Address(b"\xc7" * 20)
# SSTORE(CALLDATALOAD(0), CALLDATALOAD(32))
COUNTER_CODE = bytes.fromhex("6020356000355500")
RECIPIENTS = [Address(bytes([0xD0 + number]) * 20) for number in range(6)]
# The init code of a contract that returns 32 bytes of code.
CREATION = bytes.fromhex("7f" + "60" * 32 + "60005260206000f3")
# SELFDESTRUCT(CALLER)
SUICIDE_CREATION = bytes.fromhex("6133ff6000526002601ef3")


def genesis(fork: Fork | str = "shanghai") -> Genesis:
    """A first block with funds and a contract that stores what it is told."""
    accounts = dict(world({COUNTER: Account(1, 1, COUNTER_CODE, None, {1: 1, 2: 2})}).accounts())
    block = block_of((), fork, 0, state_root=state_root(accounts), timestamp=0)
    return Genesis(chain_under(fork), block, accounts)


def child(
    chain: Chain,
    parent_hash: Hash32 | None = None,
    transactions: Sequence[Transaction] = (),
    **members: Any,
) -> Block:
    """A valid block on top of one of the chain's, by default of its head."""
    parent_hash = chain.head.hash if parent_hash is None else parent_hash
    parent = chain.header(parent_hash)
    number, timestamp = parent.number + 1, parent.timestamp + members.pop("seconds", 12)
    total_difficulty = chain.total_difficulty(parent_hash)
    fork = chain.spec.fork_at(number, timestamp, total_difficulty)
    given: dict[str, Any] = {"parent_hash": parent_hash, "timestamp": timestamp}
    if fork < fork_named("paris"):
        had_ommers = parent.ommers_hash != NO_OMMERS_HASH
        given["difficulty"] = difficulty_after(
            parent.difficulty, parent.timestamp, had_ommers, number, timestamp, fork
        )
    if fork >= fork_named("london"):
        given["base_fee_per_gas"] = base_fee_after(parent)
    state = chain.state_at(parent_hash)
    block = block_of(tuple(transactions), fork, number, **given, **members)
    return sealed(
        block,
        state,  # type: ignore[arg-type]  # any state will do
        chain=chain.spec,
        parent=parent,
        block_hashes=state.block_hashes,
        total_difficulty=total_difficulty,
    )


def random_transactions(chain: Chain, parent_hash: Hash32, draw: random.Random) -> list[Any]:
    """A few transactions that change accounts in all ways: transfers, slots, contracts made."""
    state = chain.state_at(parent_hash)
    nonces: dict[int, int] = {}
    made = []
    for _ in range(draw.randrange(5)):
        key = draw.randrange(len(KEYS))
        account = state.account(SENDERS[key])
        nonce = nonces.get(key, account.nonce if account else 0)
        nonces[key] = nonce + 1
        made.append(signed(key, nonce=nonce, gas_price=10**9, **_members(draw)))
    return made


def _members(draw: random.Random) -> dict[str, Any]:
    match draw.randrange(5):
        case 0:
            slot, value = draw.randrange(6), draw.randrange(3)
            data = slot.to_bytes(32, "big") + value.to_bytes(32, "big")
            return {"to": COUNTER, "value": 0, "data": data}
        case 1:
            return {"to": None, "value": draw.randrange(3), "data": CREATION}
        case 2:
            return {"to": None, "value": 0, "data": SUICIDE_CREATION}
        case 3:
            return {"to": draw.choice(RECIPIENTS), "value": 0}
    return {"to": draw.choice(RECIPIENTS), "value": draw.randrange(1000)}


def grown(chain: Chain, count: int, parent_hash: Hash32 | None = None, **members: Any) -> list[Any]:
    """Blocks in a row, imported one after another."""
    made = []
    for number in range(count):
        top = made[-1].hash if made else parent_hash or chain.head.hash
        account = chain.state_at(top).account(SENDERS[0])
        nonce = account.nonce if account else 0
        pays = signed(0, nonce=nonce, to=RECIPIENTS[number % 6], gas_price=10**9)
        made.append(child(chain, top, [pays], **members))
        chain.import_block(made[-1])
    return made


def blocks_in(encoded: bytes) -> Iterator[bytes]:
    """The blocks of a file of RLP, one behind the other."""
    at = 0
    while at < len(encoded):
        digits = encoded[at] - 0xF7
        size = int.from_bytes(encoded[at + 1 : at + 1 + digits], "big")
        end = at + 1 + digits + size
        yield encoded[at:end]
        at = end


def with_other_root(block: Block) -> Block:
    """An invalid block: it says another state root."""
    header = replace(block.header, state_root=Hash32(b"\x01" * 32))
    return replace(block, header=header, hash=header.hash)


def random_line(count: int, *, seed: int) -> list[Block]:
    """Blocks of `random_transactions`, each on the one before, the first on `genesis`."""
    draw = random.Random(seed)
    made: list[Block] = []
    with Chain.in_memory(genesis(), workers=1) as chain:
        for _ in range(count):
            made.append(child(chain, None, random_transactions(chain, chain.head.hash, draw)))
            chain.import_block(made[-1])
    return made
