"""The outcomes of a Python VM's block; see the ``.pxd``."""
from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.string cimport memset

from blockstm.types import Outcome, Status

from blockstm._native.abi cimport BLOCKSTM_REVERTED, BLOCKSTM_SUCCESS
from blockstm._native.base.buffers cimport buffer_take
from blockstm._native.engine.frontier cimport ExecutionResult, Frontier, frontier_outcome
from blockstm._native.engine.results.outcomes cimport Outcomes

cdef object SUCCESS = Status.SUCCESS
cdef object REVERTED = Status.REVERTED
cdef object SKIPPED = Status.SKIPPED


cdef class ObjectOutcomes(Outcomes):
    """The outcomes of a block; each `Outcome` is made when it is asked for."""

    @staticmethod
    cdef ObjectOutcomes of(const Frontier* frontier, int32_t count):
        cdef ExecutionResult result
        cdef ObjectOutcomes self = ObjectOutcomes.__new__(ObjectOutcomes)
        cdef int32_t index
        self.count = count
        self.statuses = <uint8_t*>buffer_take(count + 1)
        self.gas = <uint64_t*>buffer_take((count + 1) * sizeof(uint64_t))
        if self.statuses == NULL or self.gas == NULL:
            raise MemoryError
        memset(self.statuses, BLOCKSTM_SUCCESS, count + 1)
        memset(self.gas, 0, (count + 1) * sizeof(uint64_t))
        if frontier.all_plain:
            return self
        for index in range(count):
            result = frontier_outcome(frontier, index)
            self.statuses[index] = <uint8_t>result.status
            self.gas[index] = result.gas
            if result.value:
                if self.values is None:
                    self.values = [None] * count
                self.values[index] = <object><PyObject*>result.value
        return self

    cdef object at(self, int32_t index):
        value = self.values[index] if self.values is not None else None
        if self.statuses[index] == BLOCKSTM_SUCCESS:
            return Outcome(index, SUCCESS, value, None, self.gas[index])
        status = REVERTED if self.statuses[index] == BLOCKSTM_REVERTED else SKIPPED
        return Outcome(index, status, None, value, self.gas[index])
