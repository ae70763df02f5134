"""The meaning of a block in plain, slow, obvious Python: the oracle of every test.

Imports point down::

    inference  the integer instructions of `blockstm.ai`
    block  one transaction after another
    view   what a transaction sees that runs alone
"""

from blockstm.reference.block import execute_block
from blockstm.reference.view import ReferenceView

__all__ = ["ReferenceView", "execute_block"]
