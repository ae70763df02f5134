"""Building blocks: a valid block of what fits of some transactions.

Imports point down::

    irregular   blocks that no chain but the builder's own takes
    build       `build_block`
    attempts    candidates tried together, until what is kept is a valid block
    sealing     the header of a block with all that executing it gave
    hinting     what is known of candidates, as hints of the block of them
    ordering    in which order transactions are tried
    attributes  what is decided of a block before its transactions
"""

from blockstm.ethereum.building.attributes import BlockAttributes, gas_limit_toward
from blockstm.ethereum.building.build import BuiltBlock, Rejected, build_block
from blockstm.ethereum.building.ordering import Candidate, Order, as_given, by_price

__all__ = [
    "BlockAttributes",
    "BuiltBlock",
    "Candidate",
    "Order",
    "Rejected",
    "as_given",
    "build_block",
    "by_price",
    "gas_limit_toward",
]
