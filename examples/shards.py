"""Eight shards whose people pay each other across them, with each message proved and received once.

In every round each shard makes a block: it receives what the others sent in the round before, each
message proved by the receipts root of its block, then runs its own transactions. With ``--ray``
each shard is an actor of a Ray cluster, in a process and a folder of its own, and one of them is
killed on the way; what comes out is the same.

Run it: ``python examples/shards.py``, or ``python examples/shards.py --ray``.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from tempfile import TemporaryDirectory

from blockstm.ethereum import Account, Transaction
from blockstm.ethereum.execution.senders import address_of_key
from blockstm.ethereum.transition.signing import sign
from blockstm.shards import BRIDGE, LocalShards, Network, RayShards, Shards, send_data
from blockstm.types import Hash32

SHARDS = 8
CHAIN_ID = 7_000  # of the first shard
KEYS = [bytes([number]) * 32 for number in range(1, 5)]
PEOPLE = [address_of_key(key) for key in KEYS]
NETWORK = Network.alike(dict.fromkeys(PEOPLE, Account(10**18)), SHARDS, chain_id=CHAIN_ID)


def message(
    shard: int, receiver: int, key: bytes, to: bytes, value: int, nonce: int
) -> Transaction:
    """A signed transaction of one shard that pays somebody on another."""
    unsigned = Transaction(
        type=2,
        nonce=nonce,
        gas=150_000,
        to=BRIDGE,
        value=value,
        data=send_data(receiver, to),
        v=0,
        r=0,
        s=0,
        chain_id=CHAIN_ID + shard,
        max_fee_per_gas=10**6,
        max_priority_fee_per_gas=0,
    )
    return sign(unsigned, key, CHAIN_ID + shard, protected=True)


def traffic(round_number: int) -> dict[int, list[Transaction]]:
    """What people want in a round: everybody pays somebody on another shard."""
    draw = random.Random(round_number)
    made: dict[int, list[Transaction]] = {}
    for shard in range(SHARDS):
        others = [each for each in range(SHARDS) if each != shard]
        made[shard] = []
        for key in KEYS:
            receiver, to, value = draw.choice(others), draw.choice(PEOPLE), draw.randrange(1, 1000)
            made[shard].append(message(shard, receiver, key, to, value, round_number))
    return made


def run(shards: Shards, rounds: int, *, kills: bool = False) -> list[Hash32]:
    """The state roots after some rounds, and one more in which everything arrives."""
    for number in range(rounds):
        if kills and number == 1 and isinstance(shards, RayShards):
            os.kill(shards.processes[3], signal.SIGKILL)
        blocks = shards.advance(traffic(number))
        sent = sum(len(block.envelopes) for block in blocks)
        print(f"round {number + 1}: {sent} messages sent, {shards.in_flight} wei in flight")
    shards.advance()
    print(f"everything has arrived: {shards.in_flight} wei in flight")
    return shards.roots


def main(rounds: int = 3, *, on_ray: bool = False) -> list[Hash32]:
    """The state roots of all shards after some rounds."""
    with LocalShards(NETWORK) as shards:
        roots = run(shards, rounds)
    if on_ray:
        with TemporaryDirectory() as folder, RayShards(NETWORK, folder) as actors:
            assert run(actors, rounds, kills=True) == roots
            print(f"the actors have the same roots; {actors.deaths} died")
    return roots


if __name__ == "__main__":
    main(on_ray="--ray" in sys.argv)
