"""A block and its parts: from RLP and JSON, to RLP and JSON.

Imports point down::

    block            a block with its transactions, ommers and withdrawals
    own_transaction  transactions of a type of a chain's own
    receipt          what a block commits to about each transaction
    transaction      signed transactions of any type
    header           block headers
    withdrawal       payments from the beacon chain
    access_list      block-level access lists (EIP-7928)
"""
