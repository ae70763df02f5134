"""What an EVMC library may do wrong while it is loaded or runs, in words."""

from __future__ import annotations

from typing import Final

from blockstm.errors import EvmcError

__all__ = ["BAD_OPTION", "FAULTS", "error_of_fault"]

BAD_OPTION: Final = 3

# As in `_native/evm/evmc/instances.hpp`.
FAULTS: Final = {
    1: "its function gives no VM but a null pointer",
    2: "what its function gives is no VM of EVMC's ABI 12: that has a name, a version, and the "
    "functions destroy, execute and get_capabilities",
    BAD_OPTION: "it refuses an option that it took before",
    4: "it let a C++ exception out",
    5: "it reports an internal error (EVMC_INTERNAL_ERROR)",
    6: "it gives a status that EVMC does not have",
    7: "it leaves more gas than it was given, or less than none",
    8: "it leaves gas after an exceptional halt, which takes all",
    9: "it gives a null pointer to an output that is not empty",
    10: "it hands the host a null pointer, or a size beyond all memory",
    11: "it changes the state in a static call",
    12: "it gives a call more gas than it has, or less than none",
    13: "it claims a refund that no gas can be about",
    14: "it leaves a log with more than four topics",
    15: "it asks for a kind of call that EVMC does not have",
}
"""What `EvmcFault` means, by its number."""


def error_of_fault(number: int) -> EvmcError:
    """The error of a run that ended because the library broke the interface."""
    what = FAULTS.get(number, f"it does something that EVMC does not allow ({number})")
    return EvmcError(f"the EVMC library that ran the code is broken: {what}")
