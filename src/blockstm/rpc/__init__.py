"""JSON-RPC on a chain: what wallets, libraries and tools ask a node.

`Node` is a chain that answers: `dispatch` takes a request that was parsed, `handle` one as text.

Imports point down::

    serving          requests over HTTP and WebSocket
    web              the ASGI application of a node
    exchanges        recorded exchanges run and compared
    dispatch         from requests to responses
    dev              a node to develop against
    methods          what each method does
    sessions         clients that are told more later
    watches          what is new since it was last asked for
    log_filter       which logs are asked for
    node             a chain with what answering needs
    registry         what is kept for clients by name
    pool             transactions that wait for a block
    sidecars         blob transactions as they are sent
    messages         calls and overrides from JSON
    simulated_forms  simulated blocks as JSON
    forms            blocks, transactions, receipts and logs as JSON
    params           parameters, read strictly
    raw_json         results that are JSON already
    limits           how much a request may ask for
    errors           what a request is answered that has no result
"""

from blockstm.rpc.dispatch import dispatch, handle
from blockstm.rpc.limits import Limits
from blockstm.rpc.node import Node

__all__ = ["Limits", "Node", "dispatch", "handle"]
