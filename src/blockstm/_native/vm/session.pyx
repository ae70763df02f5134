# distutils: sources = src/blockstm/_native/vm/session_view.cpp src/blockstm/_native/base/index.cpp
"""A state that one thread runs transactions on, one after another, without an engine.

Runs of native transactions take the GIL only where a Python state is below and a location is read for the first
time, and now and then to look for signals.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_OK, BLOCKSTM_STALE, BLOCKSTM_STATE_CAPSULE, BLOCKSTM_STATE_ERROR, BLOCKSTM_SUCCESS,
    BLOCKSTM_VM_CAPSULE, blockstm_bytes, blockstm_state, blockstm_vm,
)

from blockstm.errors import InputError, UsageError
from blockstm.messages import brief
from blockstm.types import DELETED


cdef int32_t read_native(void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value) noexcept nogil:
    cdef const blockstm_state* state = (<Session>context).native
    return state.read(state.context, key, size, value)


cdef int32_t read_python(void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STATE_ERROR
    session = <Session>context
    try:
        location = session.keys.decode(PyBytes_FromStringAndSize(<const char*>key, size))
        found = session.state.get(location)
        if found is None:
            status = BLOCKSTM_ABSENT
        else:
            session.read = session.values.encode_at(location, found)
            value.data = <const uint8_t*>PyBytes_AS_STRING(session.read)
            value.size = PyBytes_GET_SIZE(session.read)
            status = BLOCKSTM_OK
    except BaseException as error:
        session.error = error
    return status


cdef int32_t look_for_signals(void* context) noexcept with gil:
    cdef int32_t status = BLOCKSTM_STALE
    try:
        PyErr_CheckSignals()
        status = BLOCKSTM_OK
    except BaseException as error:
        (<Session>context).error = error
    return status


cdef class Session:
    """A state, and what transactions that were run on it wrote, in front of it.

    The state itself is never changed. Thread-safety: one thread at a time; `UsageError` tells where it is two, or
    where what runs calls back.

    Args:
        keys, values: the codecs of its locations and their values.
        state: what is below: native (``__blockstm_state__``) or with a ``get`` of locations; None: nothing. It is
            not to be changed meanwhile, and a state that can be pinned is pinned.
    """

    def __cinit__(self, Codec keys not None, Codec values not None, state=None):
        self.view = new SessionView()
        self.keys, self.values, self.state = keys, values, state
        self.view.ask_whether, self.view.asked = look_for_signals, <void*>self
        if state is None:
            return
        self.view.below = <void*>self
        self.view.read_below = read_python
        if hasattr(state, "_pin"):
            self.pin = state._pin()
        if hasattr(state, "__blockstm_state__"):
            self.capsule = state.__blockstm_state__()
            self.native = <const blockstm_state*>PyCapsule_GetPointer(self.capsule, BLOCKSTM_STATE_CAPSULE)
            self.view.read_below = read_native

    def __dealloc__(self):
        del self.view

    cdef int enter(self) except -1:
        if not self.view.enter():
            raise UsageError("a session is for one thread at a time, and not for what it runs")
        return 0

    cdef SessionCell* cell(self, location) except NULL:
        cdef bytes key = self.keys.encode(location)
        cdef SessionCell* cell = self.view.cell_of(<const uint8_t*>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
        if cell == NULL:
            raise MemoryError
        return cell

    # ---- values

    def get(self, location, default=None):
        """The value at a location; ``default`` where there is none."""
        cdef SessionCell* cell
        self.enter()
        try:
            cell = self.cell(location)
            status = self.view.load(cell[0])
            if status == BLOCKSTM_OK:
                return self.value_of(location, cell)
            if status != BLOCKSTM_ABSENT:
                self.raise_kept()
            return default
        finally:
            self.view.leave()

    def put(self, location, value):
        """Set the value at a location, or remove it where that is `DELETED`."""
        cdef bytes data = None if value is DELETED else self.values.encode_at(location, value)
        cdef int32_t status
        self.enter()
        try:
            place = self.cell(location).place
            if data is None:
                status = self.view.remove(place)
            else:
                status = self.view.put(place, <const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            if status != BLOCKSTM_OK:
                raise MemoryError
        finally:
            self.view.leave()

    cdef object value_of(self, location, SessionCell* cell):
        return self.values.decode_at(
            location, PyBytes_FromStringAndSize(<const char*>cell.value.data(), cell.value.size))

    def writes(self) -> dict:
        """What was written: location → value, `DELETED` where nothing is left. In no order."""
        cdef uint64_t place
        cdef SessionCell* cell
        found = {}
        self.enter()
        try:
            for place in range(self.view.size()):
                cell = &self.view.at(place)
                if not cell.is_written:
                    continue
                location = self.keys.decode(PyBytes_FromStringAndSize(<const char*>cell.key, cell.key_size))
                found[location] = self.value_of(location, cell) if cell.known == Known.Present else DELETED
        finally:
            self.view.leave()
        return found

    # ---- marks

    def mark(self) -> int:
        """A point that `revert` comes back to."""
        cdef uint64_t mark
        self.enter()
        mark = self.view.mark()
        self.view.leave()
        return mark

    def revert(self, mark):
        """Take back all that was written since a mark; later marks count no more."""
        self.enter()
        try:
            if not isinstance(mark, int) or not 0 <= mark <= self.view.mark():
                raise InputError(f"a session has no mark {brief(mark)}: it was forgotten, or taken back")
            self.view.revert(mark)
        finally:
            self.view.leave()

    def forget(self):
        """Keep what was written for good: no mark from before counts any more."""
        self.enter()
        self.view.forget()
        self.view.leave()

    @property
    def transient(self) -> bytes:
        """The transient storage that a call has left to the next one, where calls do."""
        self.enter()
        try:
            return PyBytes_FromStringAndSize(<const char*>self.view.transient.data(), self.view.transient.size())
        finally:
            self.view.leave()

    @transient.setter
    def transient(self, bytes slots not None):
        cdef bint is_set
        self.enter()
        is_set = self.view.set_transient(<const uint8_t*>PyBytes_AS_STRING(slots), PyBytes_GET_SIZE(slots))
        self.view.leave()
        if not is_set:
            raise MemoryError

    # ---- runs

    def run(self, block, int64_t index=0):
        """Run a transaction of a NativeBlock; what it writes stays, if it succeeds.

        Returns its outcome's value. Raises what it ended with, or what the state raised.
        """
        capsule = block.vm
        cdef const blockstm_vm* vm = <const blockstm_vm*>PyCapsule_GetPointer(capsule, BLOCKSTM_VM_CAPSULE)
        cdef int32_t status
        cdef uint64_t start
        self.enter()
        try:
            start = self.view.mark()
            self.view.begin(index)
            with nogil:
                status = vm.execute(vm.context, self.view.c(), index)
                if status != BLOCKSTM_SUCCESS:
                    self.view.revert(start)
            return self.finish(block, index, status)
        finally:
            self.view.leave()

    cdef object finish(self, block, int64_t index, int32_t status):
        """The value of a run, or what it ended with."""
        if self.error is not None:
            self.raise_kept()
        output = PyBytes_FromStringAndSize(<const char*>self.view.output.data(), self.view.output.size())
        if status == BLOCKSTM_SUCCESS:
            return block.value(output)
        raise block.error(index, status, output)

    cdef object raise_kept(self):
        error, self.error = self.error, None
        if error is None:
            error = self.state._read_error() if hasattr(self.state, "_read_error") else MemoryError()
        raise error
