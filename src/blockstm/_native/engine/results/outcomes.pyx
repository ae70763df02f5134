"""The outcomes of a block; see the ``.pxd``. What one holds, its subclasses say."""
from libc.stdint cimport UINT64_MAX, int32_t, uint64_t

from collections.abc import Sequence

from blockstm.types import Status

from blockstm._native.abi cimport BLOCKSTM_INVALID, BLOCKSTM_REVERTED, BLOCKSTM_SUCCESS
from blockstm._native.base.buffers cimport buffer_free


cdef class Outcomes:
    """A sequence of `Outcome`, in block order."""

    def __dealloc__(self):
        buffer_free(self.statuses)
        buffer_free(self.gas)

    cdef object at(self, int32_t index):
        raise NotImplementedError("a subclass makes the outcomes")

    def __len__(self):
        return self.count

    def __getitem__(self, place):
        if isinstance(place, slice):
            return tuple(self.at(index) for index in range(*place.indices(self.count)))
        index = place.__index__()
        if index < 0:
            index += self.count
        if not 0 <= index < self.count:
            raise IndexError(f"outcome {place} of {self.count}")
        return self.at(index)

    def __iter__(self):
        cdef int32_t index
        for index in range(self.count):
            yield self.at(index)

    def __eq__(self, other):
        if not isinstance(other, (Outcomes, tuple, list)):
            return NotImplemented
        return len(other) == self.count and all(mine == theirs for mine, theirs in zip(self, other))

    def __repr__(self):
        return repr(tuple(self))

    def __reduce__(self):
        return tuple, (tuple(self),)

    def count_of(self, status):
        """How many outcomes have this `Status`; faster than looking at each."""
        cdef int32_t index, wanted, total = 0
        wanted = {Status.SUCCESS: BLOCKSTM_SUCCESS, Status.REVERTED: BLOCKSTM_REVERTED,
                  Status.SKIPPED: BLOCKSTM_INVALID}[status]
        for index in range(self.count):
            total += self.statuses[index] == wanted
        return total

    @property
    def gas_used(self):
        """The sum of the outcomes' gas."""
        cdef object total = 0
        cdef uint64_t part = 0
        cdef int32_t index
        if self.gas == NULL:
            return 0
        for index in range(self.count):
            if self.gas[index] > UINT64_MAX - part:
                total += part
                part = 0
            part += self.gas[index]
        return total + part


Sequence.register(Outcomes)
