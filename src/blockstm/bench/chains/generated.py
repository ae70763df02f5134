"""A chain to import: a large state to start from, and blocks that touch it everywhere.

The state has people with ether, a part of whom sign, and *ledgers*: contracts whose slots a
transaction moves an amount between. All of it follows from a seed, and none of it is kept in
memory: a slot is computed where it is needed. What a block touches is drawn evenly from everything
there is, which is the worst that a cache can meet.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from blockstm._native.crypto.hashes import keccak256_many
from blockstm.bench.bare_blocks import (
    COLLECTORS,
    RULES,
    STOP,
    bare_header,
    unsigned_transaction,
)
from blockstm.bench.blocks.signing import Signer, addresses_of_keys
from blockstm.cores import usable_cores
from blockstm.ethereum import (
    Block,
    BlockAttributes,
    Transaction,
    build_block,
)
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.types import Address, Hash32

__all__ = ["Population", "first_block", "grown"]

# Moves an amount from one slot to another and logs it: calldata is the slots and the amount.
_LEDGER_CODE: Final = bytes.fromhex(
    "60403560003554036000355560403560203554016020355560606000600037600160606000a100"
)
_SLOTS: Final = 500  # of a ledger
_PEOPLE: Final = 100  # for each ledger
_SIGNERS: Final = 20  # one of so many people signs
_MOVES: Final = 0.4  # of the transactions
_NEW: Final = 0.05  # of the recipients of ether
_RICH: Final = 10**24
_HELD: Final = 10**15
_GAS_LIMIT: Final = 200_000_000
_GAS_PRICE: Final = 10**10
_SECONDS: Final = 12

# nonce, balance and code hash count, and the account exists; see `_native/trie/account.hpp`.
_FLAGS: Final = bytes([0x17])


@dataclass(frozen=True)
class Population:
    """Who there is.

    Args:
        accounts: how many, ledgers among them: each of these has 500 slots, which makes five slots
            an account.
        seed: of everything.
    """

    accounts: int
    seed: int = 1

    @property
    def ledgers(self) -> int:
        """How many accounts are ledgers."""
        return max(self.accounts // _PEOPLE, 1)

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return self.ledgers * _SLOTS

    def people(self) -> list[Address]:
        """Their addresses; those of `signers` are others."""
        draw = random.Random(f"people {self.seed}")
        count = self.accounts - self.ledgers - self._signers
        taken = draw.randbytes(20 * count)
        return [Address(taken[at : at + 20]) for at in range(0, len(taken), 20)]

    def signers(self, signer: Signer) -> dict[Address, int]:
        """The address of each who signs, and the key."""
        keys = signer.new_keys(self._signers)
        return dict(zip(addresses_of_keys(keys, threads=usable_cores()), keys, strict=True))

    @property
    def _signers(self) -> int:
        return max(self.accounts // _SIGNERS, 1)

    def ledger(self, number: int) -> Address:
        """The address of a ledger."""
        return Address(keccak(b"ledger %d" % number)[12:])

    def slots_of(self, number: int) -> bytes:
        """The slots of a ledger that have something, 32 bytes each."""
        return random.Random(f"slots {self.seed} {number}").randbytes(32 * _SLOTS)

    def codes(self) -> dict[bytes, bytes]:
        """Code hash → code."""
        return {keccak(code): code for code in (_LEDGER_CODE, STOP)}

    def records(self) -> Iterator[bytes]:
        """All accounts as flat records, in the order of the hashes of their addresses."""
        signers = self.signers(Signer())
        plain = _record_head(0, _RICH, EMPTY_CODE_HASH, 0)
        ledger = _record_head(1, 0, keccak(_LEDGER_CODE), _SLOTS)
        collector = _record_head(1, 0, keccak(STOP), 0)
        kinds: dict[Address, Any] = dict.fromkeys(self.people(), plain)
        kinds |= dict.fromkeys(signers, plain)
        kinds |= dict.fromkeys(COLLECTORS, collector)
        kinds |= {self.ledger(number): number for number in range(self.ledgers)}
        addresses = list(kinds)
        hashes = keccak256_many([bytes(each) for each in addresses])
        value = _HELD.to_bytes(32, "big")
        for _, address in sorted(zip(hashes, addresses, strict=True)):
            kind = kinds[address]
            if isinstance(kind, int):
                slots = self.slots_of(kind)
                pairs = (slots[at : at + 32] + value for at in range(0, len(slots), 32))
                yield address + ledger + b"".join(pairs)
            else:
                yield address + kind


def _record_head(nonce: int, balance: int, code_hash: bytes, slots: int) -> bytes:
    return (
        _FLAGS
        + nonce.to_bytes(8, "little")
        + balance.to_bytes(32, "big")
        + code_hash
        + slots.to_bytes(4, "little")
    )


def first_block(state_root: Hash32) -> Block:
    """The block that the chain begins with."""
    header = bare_header(
        0,
        parent_hash=Hash32(bytes(32)),
        coinbase=Address(keccak(b"coinbase")[12:]),
        gas_limit=_GAS_LIMIT,
        timestamp=1_700_000_000,
        state_root=state_root,
    )
    return Block(header.hash, header, (), withdrawals=())


def grown(
    population: Population,
    parent: Block,
    state: Any,
    apply: Callable[[Any], object],
    *,
    blocks: int,
    transactions: int,
) -> Iterator[Block]:
    """Blocks one on top of the other, whose headers tell what executing them gives.

    Args:
        population: who is in the state.
        parent: the block that the first stands on.
        state: the state after it, which knows its root.
        apply: takes the state over a block's writes.
        blocks, transactions: how many, and how many in each.
    """
    drawing = _Drawing(population)
    for _ in range(blocks):
        built = build_block(
            parent.header,
            [drawing.transaction() for _ in range(transactions)],
            state,
            attributes=BlockAttributes(timestamp=parent.header.timestamp + _SECONDS),
            chain=RULES,
            on_unfit="raise",
            workers=1,
        )
        parent = built.block
        apply(built.executed.writes)
        yield parent


class _Drawing:
    """Draws transactions, and signs them."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._signer = Signer()
        self._keys = population.signers(self._signer)
        self._signers = list(self._keys)
        self._people = population.people()
        self._nonces: Counter[Address] = Counter()
        self._draw = random.Random(f"blocks {population.seed}")

    def transaction(self) -> Transaction:
        draw = self._draw
        sender = draw.choice(self._signers)
        if draw.random() < _MOVES:
            to, data, value, gas = *self._move(), 0, 100_000
        else:
            new = draw.random() < _NEW
            to = Address(draw.randbytes(20)) if new else draw.choice(self._people)
            data, value, gas = b"", draw.randrange(1, 10**9), 21_000
        nonce = self._nonces[sender]
        self._nonces[sender] += 1
        unsigned = unsigned_transaction(
            to, value, data, nonce=nonce, gas=gas, max_fee=_GAS_PRICE, tip=1
        )
        parity, r, s = self._signer.sign(unsigned.signing_hash, self._keys[sender])
        return replace(unsigned, v=parity, r=r, s=s)

    def _move(self) -> tuple[Address, bytes]:
        number = self._draw.randrange(self._population.ledgers)
        slots = self._population.slots_of(number)
        pair = (self._draw.randrange(_SLOTS) * 32 for _ in range(2))
        data = b"".join(slots[at : at + 32] for at in pair)
        amount = self._draw.randrange(1, 1000)
        return self._population.ledger(number), data + amount.to_bytes(32, "big")
