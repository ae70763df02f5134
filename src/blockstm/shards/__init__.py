"""Chains that send each other messages: each orders its own, and each message arrives once.

Imports point down::

    on_ray      `RayShards`: each shard an actor of a Ray cluster
    together    `LocalShards`: all shards in this process, the reference
    rounds      a block of every shard after another, whatever runs them
    shard       `Shard`: one chain, the next block of it, what it sends and receives
    receiving   messages checked against what a shard knows of the others
    envelopes   a message with its proof
    network     `Network`: which shards there are, and how each begins
    bridge      the contract that sends and receives
    assembling  code of the EVM, put together
    message     a message, and why one is refused
"""

from blockstm.shards.bridge import BRIDGE, SENDS_MAX, send_data
from blockstm.shards.envelopes import Envelope
from blockstm.shards.message import Message, Refusal
from blockstm.shards.network import Network
from blockstm.shards.on_ray import RayShards
from blockstm.shards.rounds import Shards
from blockstm.shards.shard import Round, Shard, ShardBlock
from blockstm.shards.together import LocalShards

__all__ = [
    "BRIDGE",
    "SENDS_MAX",
    "Envelope",
    "LocalShards",
    "Message",
    "Network",
    "RayShards",
    "Refusal",
    "Round",
    "Shard",
    "ShardBlock",
    "Shards",
    "send_data",
]
