"""Nodes far away: their blocks, and states that are read from them as they are asked for.

Imports point down::

    fetching   a block with all that executing it reads
    ways       how a node can be had to tell what a block reads
    recording  what a block was found to read
    state      `RpcState`: a state that reads a node
    reading    accounts and slots in a node's words, proved or not
    batching   requests of many threads, sent together
    cache      what a node has told, kept in files
    client     `NodeClient`: requests to a node, over HTTP
"""

from blockstm.ethereum.remote.client import NodeClient
from blockstm.ethereum.remote.fetching import fetch_block
from blockstm.ethereum.remote.state import RpcState

__all__ = ["NodeClient", "RpcState", "fetch_block"]
