"""Fields of native structs out of Python's values; see the ``.pxd``."""
from cpython.bool cimport PyBool_Check
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from blockstm._native.base.bytes cimport Span
from blockstm._native.base.integers cimport write_word
from blockstm._native.base.u256.u256 cimport u256

from blockstm.errors import InputError
from blockstm.messages import brief


cdef u256 word(object number, str what) except *:
    """A number of 256 bits."""
    cdef u256 result
    if not write_word(number, <uint8_t*>result.limb):
        raise InputError(f"{what} is an int from 0 to 2**256-1, not {brief(number)}")
    return result


cdef uint64_t short(object number, str what) except? 0xFFFFFFFFFFFFFFFF:
    """A number of 64 bits."""
    try:
        # Of itself, the conversion would cut a float short.
        if isinstance(number, int) and not PyBool_Check(number):
            return number
    except OverflowError:
        pass
    raise InputError(f"{what} is an int from 0 to 2**64-1, not {brief(number)}")


cdef int copy_bytes(void* target, object data, Py_ssize_t size, str what) except -1:
    if not isinstance(data, bytes) or PyBytes_GET_SIZE(data) != size:
        raise InputError(f"{what} is {size} bytes, not {brief(data)}")
    memcpy(target, PyBytes_AS_STRING(data), size)
    return 0


cdef class Kept:
    def __cinit__(self):
        self.objects = []

    cdef void* array(self, size_t count, size_t size) except NULL:
        """Zeroed room for `count` elements that lives as long as this."""
        cdef bytes room = PyBytes_FromStringAndSize(NULL, count * size + 1)
        memset(PyBytes_AS_STRING(room), 0, count * size + 1)
        self.objects.append(room)
        return PyBytes_AS_STRING(room)

    cdef Span span(self, data) except *:
        """Bytes that live as long as this."""
        cdef Span kept
        if type(data) is not bytes:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise InputError(f"a transaction's data is bytes, not {brief(data)}")
            data = bytes(data)
        self.objects.append(data)
        kept.data = <const uint8_t*>PyBytes_AS_STRING(data)
        kept.size = PyBytes_GET_SIZE(data)
        return kept
