"""The meaning of a block in plain, slow, obvious Python: the oracle of every test."""

from blockstm.reference.block import execute_block
from blockstm.reference.view import ReferenceView

__all__ = ["ReferenceView", "execute_block"]
