"""A block of record transactions that compiled code runs: what a kernel is to the engine.

Threads: `execute` runs in any worker, without the GIL; it takes the GIL only for an exception
that is new to it or whose arguments are not constants.

The output of a run: on success nothing (None) or the 8 bytes of the value; on an error a tag and,
for constant exceptions, the address that makes the exception. The tag says so where an allocation
for the exception failed.
"""
import struct

from cpython.buffer cimport PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_GivenExceptionMatches, PyErr_Occurred
from cpython.pycapsule cimport PyCapsule_New
from libc.string cimport memcpy

from blockstm._native.abi cimport (
    BLOCKSTM_FAILED, BLOCKSTM_INVALID, BLOCKSTM_NUMBERS_I64, BLOCKSTM_NUMBERS_U256, BLOCKSTM_OK,
    BLOCKSTM_REVERTED, BLOCKSTM_STOPPED, BLOCKSTM_SUCCESS, BLOCKSTM_VM_ABI_VERSION,
    BLOCKSTM_VM_CAPSULE, blockstm_view, blockstm_vm,
)

from blockstm.errors import InputError, InternalError, Invalid, Revert

cdef extern from *:
    """
    #include <new>
    // `new` by itself throws where memory runs out, which ends the process here.
    template <class Made> Made* new_or_null() { return new (std::nothrow) Made(); }
    """
    Made* new_or_null[Made]() noexcept


cdef enum:
    STATIC_TAG = 1
    DYNAMIC_TAG = 2
    NO_MEMORY_TAG = 3

FORMATS = {"uint": "<Q", "bool": "<?7x", "float": "<d"}


class Stopped(Exception):
    """What leaves a helper of a kernel, inside a `try`, when a view call ended the run."""


cdef inline int32_t known_status(Known* known, uint64_t info) noexcept nogil:
    """The status of an exception met before, or -1."""
    cdef uint64_t place = (info >> 3) & (MAX_KNOWN - 1)
    cdef uint64_t found = known.info[place].observe()
    while found:
        if found == info:
            return known.status[place]
        place = (place + 1) & (MAX_KNOWN - 1)
        found = known.info[place].observe()
    return -1


cdef void know(Known* known, uint64_t info, int32_t status) noexcept nogil:
    """Remember an exception; past 3/4 of the places nothing more is remembered."""
    cdef uint64_t place = (info >> 3) & (MAX_KNOWN - 1)
    known.lock.lock()
    while known.info[place].observe() and known.info[place].observe() != info:
        place = (place + 1) & (MAX_KNOWN - 1)
    if known.info[place].observe() == 0 and known.count < MAX_KNOWN * 3 // 4:
        known.count += 1
        known.status[place] = status
        known.info[place].publish(info)
    known.lock.unlock()


cdef int raise_pending() except -1:
    """Raise the error that code which called into Python has left."""
    return -1 if PyErr_Occurred() else 0


cdef class RecordCode:
    """Machine code that runs one record, and what it needs to live.

    Args:
        run, raise_error: addresses of the two functions, see the ``.pxd``.
        returns: what 8 bytes of value are: "none", "int", "uint", "bool" or "float".
        owner: kept alive as long as this object.
    """

    def __cinit__(self, size_t run, size_t raise_error, str returns, owner):
        self.run = <Run>run
        self.raise_error = <RaiseError>raise_error
        self.returns = returns
        self.owner = owner
        self.known = new_or_null[Known]()
        if self.known == NULL:
            raise MemoryError

    def __dealloc__(self):
        del self.known

    cdef object error_of(self, void* info):
        """The exception that ``info`` describes, made anew."""
        cdef object made = None
        try:
            if info != NULL:
                self.raise_error(info)
            raise_pending()
        except BaseException as error:
            made = error
        if made is None:
            return MemoryError("there was no memory for a kernel's exception")
        return made.with_traceback(None)


cdef class RecordBlock:
    """The transactions of one block and the code that runs them; a NativeBlock.

    Args:
        code: what runs one record.
        transactions: a one-dimensional buffer of records.
        keys, values: codecs.
        u256: whether the values are numbers of 256 bits, not of 64.
    """

    def __cinit__(self, RecordCode code, transactions, keys, values, *, bint u256):
        try:
            PyObject_GetBuffer(transactions, &self.buffer, PyBUF_STRIDES)
        except (BufferError, TypeError, ValueError) as error:  # as NumPy has none for times
            raise InputError(f"a kernel cannot read the buffer of its transactions: {error}") from error
        self.is_open = True
        self.code = code
        self.errors = {}
        self.keys, self.values = keys, values
        self.records.run, self.records.known = code.run, code.known
        self.records.data = <const uint8_t*>self.buffer.buf
        self.records.stride = self.buffer.strides[0]
        self.records.count = self.buffer.shape[0]
        self.records.block = <void*>self
        self.table.abi_version = BLOCKSTM_VM_ABI_VERSION
        self.table.struct_size = sizeof(blockstm_vm)
        self.table.numbers = BLOCKSTM_NUMBERS_U256 if u256 else BLOCKSTM_NUMBERS_I64
        self.table.context = &self.records
        self.table.execute = execute

    def __dealloc__(self):
        if self.is_open:
            PyBuffer_Release(&self.buffer)

    @property
    def vm(self):
        """The capsule of the VM's table; valid as long as this block."""
        return PyCapsule_New(&self.table, BLOCKSTM_VM_CAPSULE, NULL)

    @property
    def count(self) -> int:
        """Transactions in the block."""
        return self.records.count

    def value(self, bytes output):
        """The value of a successful transaction whose output was these bytes."""
        cdef int64_t number
        if not output:
            return None
        if self.code.returns != "int":
            return struct.unpack(FORMATS[self.code.returns], output)[0]
        memcpy(&number, <const char*>output, sizeof(number))
        return number

    def error(self, index: int, status: int, bytes output):
        """The exception of a transaction that ended with ``status`` and these bytes."""
        cdef size_t info = 0
        if output and output[0] == STATIC_TAG:
            memcpy(&info, <const char*>output + 1, sizeof(info))
            return self.made_again(self.code.error_of(<void*>info), status)
        if output and output[0] == NO_MEMORY_TAG:
            return MemoryError("there was no memory for a kernel's exception")
        if index in self.errors:
            return self.errors[index]
        return InternalError(f"transaction {index} ended with status {status} and no exception")

    cdef object made_again(self, object error, int status):
        """A constant exception, if it is what it was in the run; else there was no memory to make it."""
        if status_of(error) != status and PyErr_GivenExceptionMatches(error, MemoryError):
            raise error
        return error


cdef int32_t execute(void* context, blockstm_view* view, int64_t index) noexcept nogil:
    """`blockstm_vm.execute`."""
    cdef Records* records = <Records*>context
    cdef uint64_t value = 0
    cdef void* info = NULL
    cdef int32_t ending = records.run(view, records.data + index * records.stride, &value, &info)
    if ending == RETURNED_NONE:
        return BLOCKSTM_SUCCESS
    if ending == RETURNED_VALUE:
        if view.api.output(view, <const uint8_t*>&value, sizeof(value)) != BLOCKSTM_OK:
            return BLOCKSTM_STOPPED
        return BLOCKSTM_SUCCESS
    if ending == STOPPED:
        return BLOCKSTM_STOPPED
    return end_in_error(records, view, index, ending, info)


cdef int32_t end_in_error(
    Records* records, blockstm_view* view, int64_t index, int32_t ending, void* info
) noexcept nogil:
    """The status of an exception; leaves in the output what `RecordBlock.error` needs."""
    cdef uint8_t output[9]
    cdef uint64_t size = 1
    cdef int32_t status = -1
    output[0] = DYNAMIC_TAG
    if ending == RAISED_STATIC:
        output[0], size = STATIC_TAG, 9
        memcpy(&output[1], &info, 8)
        status = known_status(records.known, <uint64_t>info)
    if status < 0:
        status = meet(records, index, ending, info)
        if status < 0:
            output[0], size, status = NO_MEMORY_TAG, 1, BLOCKSTM_FAILED
    if status == BLOCKSTM_STOPPED or view.api.output(view, output, size) != BLOCKSTM_OK:
        return BLOCKSTM_STOPPED
    return status


cdef int32_t status_of(object error) noexcept:
    """What an exception comes to."""
    if PyErr_GivenExceptionMatches(error, Revert):
        return BLOCKSTM_REVERTED
    if PyErr_GivenExceptionMatches(error, Invalid):
        return BLOCKSTM_INVALID
    return BLOCKSTM_STOPPED if PyErr_GivenExceptionMatches(error, Stopped) else BLOCKSTM_FAILED


cdef int32_t meet(Records* records, int64_t index, int32_t ending, void* info) noexcept with gil:
    """What an exception comes to; -1 without memory for it."""
    cdef int32_t status = -1
    meet_into(<RecordBlock>records.block, index, ending, info, &status)
    return status


cdef void meet_into(RecordBlock block, int64_t index, int32_t ending, void* info, int32_t* status) noexcept:
    """Make the exception of a run and set the status that it stands for; keep the exception of a dynamic
    raise by its index, the status of a constant one by its address.

    A `MemoryError` is not kept: it may stand for another exception that could not be made.
    """
    cdef object error = None
    try:
        error = block.code.error_of(info)
        if ending != RAISED_STATIC:
            block.errors[index] = error
    except BaseException:  # out of memory
        error = None
    if error is None or (ending == RAISED_STATIC and PyErr_GivenExceptionMatches(error, MemoryError)):
        return
    if ending == RAISED_STATIC:
        know(block.records.known, <uint64_t>info, status_of(error))
    status[0] = status_of(error)
