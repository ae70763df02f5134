"""The results of a block: outcomes, receipts, accesses, and their comparison with its header.

Imports point down::

    header_comparison        whether executing a block gave what its header says
    access_list_differences  two access lists compared entry by entry
    block_accesses           what each transaction looked at and changed, and whose writes it read
    accesses                 a block's access list, put together from what its steps report
    access_records           what a step reports of its accesses
    own_receipts             receipts of types of a chain's own
    flat_receipts            receipts as the flat bytes that the native EVM left
    outcomes                 outcomes by the transactions' own places
"""

from blockstm.ethereum.results.header_comparison import (
    check_results,
    results_violation,
)

__all__ = ["check_results", "results_violation"]
