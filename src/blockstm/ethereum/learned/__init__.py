"""What past blocks teach of the next one's conflicts, as hints (`blockstm.hints`).

Imports point down::

    source    hints of any block from the model, which learns from what each block did
    model     which locations a call of a method touches: counts that fade, bounded in size
    patterns  locations by where they come from: fixed ones, entries of mappings by argument
"""

from blockstm.ethereum.learned.model import ConflictModel
from blockstm.ethereum.learned.source import Learned

__all__ = ["ConflictModel", "Learned"]
