"""The backend of eth-tester: ``ETHEREUM_TESTER_CHAIN_BACKEND=blockstm.compat.eth_tester.Backend``.

Imports point down::

    backend      `Backend`
    pending      the block that transactions are sent into
    beginning    how its chain begins
    requested    transactions in eth-tester's words
    serializing  blocks, transactions and receipts in eth-tester's words
"""

from blockstm.extras import need

need("eth-tester", "blockstm.compat.eth_tester")

from blockstm.compat.eth_tester.backend import Backend

__all__ = ["Backend"]
