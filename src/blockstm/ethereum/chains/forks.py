"""The forks and mainnet's schedule under one path, as programs import them that were written before
the two stood apart: in `blockstm.vm.forks` and in `blockstm.ethereum.chains.mainnet`.
"""

from typing import Final

from blockstm.ethereum.chains.mainnet import *  # noqa: F403  # all of it, whatever it comes to
from blockstm.vm.forks import *  # noqa: F403  # likewise
from blockstm.vm.forks import CONSTANTINOPLE

CONSTANTINOPLE_UNCORRECTED: Final = CONSTANTINOPLE
"""An older name of the same."""
