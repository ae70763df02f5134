"""A block to run; see the ``.pxd``."""
from libc.stdint cimport UINT64_MAX, int32_t, int64_t

from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.expectations cimport Expectations
from blockstm._native.engine.expected cimport DECLARED, Schedule
from blockstm._native.engine.mvmemory.listed cimport ListedValues


class GasCap:
    """A cap on a block's gas that needs more than 64 bits, as a limit that is called."""

    def __init__(self, limit):
        self.left = limit

    def __call__(self, outcome):
        if outcome.gas_used > self.left:
            return True
        self.left -= outcome.gas_used
        return False


cdef class Request:
    """One block to run, checked and bound."""

    def __init__(self, BoundVm vm not None, int64_t count, int32_t workers, state,
                 bint skip_invalid, limit, options, Expectations expectations=None,
                 Schedule schedule=DECLARED, ListedValues listed=None):
        self.vm = vm
        self.count = count
        self.workers = workers
        self.state = state
        self.skip_invalid = skip_invalid
        self.limit = GasCap(limit) if isinstance(limit, int) and limit > UINT64_MAX else limit
        self.options = options
        self.expectations = expectations
        self.schedule = schedule
        self.listed = listed

    cdef object pin(self):
        """Have a state that can refuse changes do so while workers read it, as long as this lives."""
        return None if self.state is None else self.state._pin()
