"""Shards that send each other messages, measured in one process, one after another on all cores.

A block comes as the bytes of its transactions. Within the time of a shard's block are decoding
them, recovering their senders, checking the proofs of what the others sent, building the block,
executing and verifying it once more as it is imported, state root and receipts, and proving what it
sends.

What more machines would give is simulated from that, and marked so: a round of all shards takes as
long as its slowest shard, as each waits for the blocks of all others; nothing is added for the way
between machines.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from blockstm.bench.bare_blocks import unsigned_transaction
from blockstm.bench.blocks.signing import Signer, addresses_of_keys
from blockstm.cores import usable_cores
from blockstm.errors import ConfigError, InternalError
from blockstm.ethereum import Account, Transaction
from blockstm.messages import brief
from blockstm.shards import BRIDGE, LocalShards, Network, Round, ShardBlock, send_data
from blockstm.types import Address

__all__ = ["ShardsRow", "measure_shards"]

_RICH: Final = 10**24
_MAX_FEE: Final = 10**12
_CHAIN_ID: Final = 7_000


@dataclass(frozen=True)
class ShardsRow:
    """What was measured.

    Attributes:
        shards, transactions, blocks: how many shards, transactions of a block, blocks of a shard.
        messages: that all blocks sent; each was received in the next.
        workers: threads of a block.
        on_disk: whether the shards are in folders.
        block_seconds: median time of a shard's block.
        transactions_per_second: of one shard at a time, on all cores; what a shard would have on a
            machine like this by itself.
        together_per_second: of all shards, one after another on these cores.
        simulated_per_second: of all shards, each on a machine like this: simulated.
    """

    shards: int
    transactions: int
    blocks: int
    messages: int
    workers: int
    on_disk: bool
    block_seconds: float
    transactions_per_second: float
    together_per_second: float
    simulated_per_second: float

    def as_dict(self) -> dict[str, Any]:
        """The members."""
        return asdict(self)


class _TimedShards(LocalShards):
    """Shards whose blocks are timed, each from the bytes of its transactions on."""

    def __init__(self, *given: Any, **options: Any) -> None:
        self.seconds: list[list[float]] = []
        self.coming: dict[int, list[bytes]] = {}
        super().__init__(*given, **options)

    def _advance(self, rounds: Sequence[Round]) -> Sequence[ShardBlock]:
        made, seconds = [], []
        for shard, given in zip(self.shards, rounds, strict=True):
            begin = perf_counter()
            decoded = [Transaction.decode(each) for each in self.coming.get(shard.index, ())]
            made.append(shard.advance(replace(given, transactions=decoded)))
            seconds.append(perf_counter() - begin)
        self.seconds.append(seconds)
        return made


def measure_shards(
    *,
    shards: int = 8,
    transactions: int = 4_000,
    blocks: int = 5,
    messages: float = 0.02,
    workers: int | None = None,
    folder: Path | None = None,
    seed: int = 1,
) -> ShardsRow:
    """Measure shards whose people pay each other, and people of other shards.

    Args:
        shards, transactions, blocks: how many shards, transactions of a block, blocks of a shard.
        messages: the share of transactions that go to another shard, from 0 to 1.
        workers: threads of a block; by default one for each usable core.
        folder: where the shards are kept; None: in memory.
        seed: of what is drawn.

    Raises:
        ConfigError: a number is out of range.
    """
    least = {"transactions": transactions, "blocks": blocks}
    for name, value in least.items():
        if type(value) is not int or value < 1:
            raise ConfigError(f"{name} are 1 or more, not {brief(value)}")
    if not 0 <= messages <= 1:
        raise ConfigError(f"messages are a share from 0 to 1, not {brief(messages)}")
    people = _People(transactions, seed)
    network = Network.alike(people.accounts, shards, chain_id=_CHAIN_ID)
    workers = usable_cores() if workers is None else workers
    sent = 0
    with _TimedShards(network, folder, workers=workers) as timed:
        for number in range(blocks + 1):
            timed.coming = people.traffic(shards, messages, number)
            made = timed.advance()
            if any(each.transactions != transactions for each in made):
                raise InternalError("a transaction of the generated traffic does not fit")
            sent += sum(len(each.envelopes) for each in made)
        rounds = timed.seconds[1:]  # the first warms up
    each_block = [seconds for of_round in rounds for seconds in of_round]
    block_seconds = median(each_block)
    return ShardsRow(
        shards=shards,
        transactions=transactions,
        blocks=blocks,
        messages=sent,
        workers=workers,
        on_disk=folder is not None,
        block_seconds=block_seconds,
        transactions_per_second=transactions / block_seconds,
        together_per_second=len(each_block) * transactions / sum(each_block),
        simulated_per_second=len(each_block) * transactions / sum(map(max, rounds)),
    )


class _People:
    """People with keys, the same on all shards, each of whom signs once in each block."""

    def __init__(self, count: int, seed: int) -> None:
        self._signer = Signer()
        self._keys = self._signer.new_keys(count)
        self._addresses = addresses_of_keys(self._keys, threads=usable_cores())
        self._draw = random.Random(seed)
        self.accounts: dict[Address, Account] = {
            address: Account(_RICH) for address in self._addresses
        }

    def traffic(self, shards: int, messages: float, nonce: int) -> dict[int, list[bytes]]:
        """The transactions of the next block of each shard, encoded."""
        return {shard: self._of_shard(shard, shards, messages, nonce) for shard in range(shards)}

    def _of_shard(self, shard: int, shards: int, messages: float, nonce: int) -> list[bytes]:
        draw = self._draw
        order = list(range(len(self._keys)))
        draw.shuffle(order)
        made = []
        for index in order:
            to: Address = draw.choice(self._addresses)
            data, gas = b"", 21_000
            if draw.random() < messages:
                receiver = draw.choice([each for each in range(shards) if each != shard])
                to, data, gas = BRIDGE, send_data(receiver, to), 150_000
            value = draw.randrange(1, 10**9)
            unsigned = unsigned_transaction(
                to,
                value,
                data,
                nonce=nonce,
                gas=gas,
                max_fee=_MAX_FEE,
                tip=1,
                chain_id=_CHAIN_ID + shard,
            )
            parity, r, s = self._signer.sign(unsigned.signing_hash, self._keys[index])
            made.append(replace(unsigned, v=parity, r=r, s=s).encode())
        return made
