"""What is known of an Ethereum block's transactions before it runs, as hints (`blockstm.hints`).

Imports point down::

    sources  hints of any block that brings some along
    listed   from access lists: the block's (EIP-7928), its transactions' (EIP-2930)
    bor      from the dependencies in a header of Bor (Polygon), and such a header's extra data
"""

from blockstm.ethereum.hints.bor import bor_extra_data, dependencies_in_extra_data
from blockstm.ethereum.hints.listed import from_access_list, from_transactions, touched_by
from blockstm.ethereum.hints.sources import AccessLists, BorHeaders, TransactionLists

__all__ = [
    "AccessLists",
    "BorHeaders",
    "TransactionLists",
    "bor_extra_data",
    "dependencies_in_extra_data",
    "from_access_list",
    "from_transactions",
    "touched_by",
]
