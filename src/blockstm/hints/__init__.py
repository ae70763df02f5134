"""What a caller knows of a block before it runs: used to decide when work is done, never believed.

Imports point down::

    schedules  how a block's hints are used
    sources   where hints come from: dependencies, declared accesses
    options   what a caller passes as ``hints=``, as what the core takes
    hints     the hints of one block, and what has hints of many

Those for Ethereum blocks are in `blockstm.ethereum.hints`.
"""

from blockstm.hints.hints import Expected, Hints, HintSource, LearningSource
from blockstm.hints.sources import declared, from_dependencies

__all__ = ["Expected", "HintSource", "Hints", "LearningSource", "declared", "from_dependencies"]
