"""EVMC: EVMs from shared libraries as ours, and ours as one of them.

Any EVM that speaks EVMC's interface, version 12, such as evmone's, runs the code of Ethereum blocks
on this package's journal and engine, in parallel: `load` it, and pass it as ``vm``. The other way
round, `blockstm.vm.evmc.build` makes a shared library of the EVM of this package for hosts that
speak EVMC.

Imports point down::

    build    a shared library of this package's EVM
    loading  `load`: a library and what it says of itself
    faults   what a library may do wrong, in words

>>> from blockstm.vm import evmc
>>> evmc.load("libnone.so")
Traceback (most recent call last):
blockstm.errors.EvmcError: no EVMC library can be loaded from 'libnone.so': there is no such file
"""

from blockstm.errors import EvmcError
from blockstm.vm.evmc.loading import FORKS, EvmcVm, load, load_configured

__all__ = ["FORKS", "EvmcError", "EvmcVm", "load", "load_configured"]
