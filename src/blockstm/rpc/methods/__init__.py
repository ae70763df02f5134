"""The methods: each a function of the node and the parameters, to a JSON value.

Imports point down::

    table         which methods there are
    watching      filters and subscriptions
    tracing       what transactions did inside
    building      blocks built on request
    execution     calls, estimates, access lists, simulated blocks
    logs          logs by address and topic
    fees          what gas and blobs cost
    transactions  transactions, receipts, those that wait
    blocks        blocks, headers, their encodings
    accounts      balances, code, slots, proofs
    network       the node and its chain
    method        what a request names
"""
