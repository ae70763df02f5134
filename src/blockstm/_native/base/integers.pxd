"""Python ints from 0 to 2**256-1 as 32 bytes and back, without an object in between."""
from cpython.number cimport PyNumber_Index
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #ifndef BLOCKSTM_INTEGERS
    #define BLOCKSTM_INTEGERS
    #include <cstring>
    /* The public functions for this came with Python 3.13, and the old ones changed with it. */
    static inline int blockstm_write_word(PyObject* number, unsigned char* out) {
        int overflow = 0;
        const long long small = PyLong_AsLongLongAndOverflow(number, &overflow);
        if (!overflow && small >= 0) {  // most numbers, and little-endian as the processor is
            std::memset(out + 8, 0, 24);
            std::memcpy(out, &small, 8);
            return 1;
        }
        if (overflow <= 0) return 0;  // below zero
    #if PY_VERSION_HEX >= 0x030D0000
        const int flags = Py_ASNATIVEBYTES_LITTLE_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER;
        const Py_ssize_t size = PyLong_AsNativeBytes(number, out, 32, flags);
        const int is_written = size >= 0 && size <= 32;
    #else
        const int is_written = _PyLong_AsByteArray((PyLongObject*)number, out, 32, 1, 0) == 0;
    #endif
        if (!is_written) PyErr_Clear();
        return is_written;
    }
    static inline PyObject* blockstm_read_word(const unsigned char* bytes, size_t size, int is_little) {
    #if PY_VERSION_HEX >= 0x030D0000
        return PyLong_FromUnsignedNativeBytes(
            bytes, size, is_little ? Py_ASNATIVEBYTES_LITTLE_ENDIAN : Py_ASNATIVEBYTES_BIG_ENDIAN);
    #else
        return _PyLong_FromByteArray(bytes, size, is_little, 0);
    #endif
    }
    #endif
    """
    bint write_long "blockstm_write_word"(object number, uint8_t* out) noexcept
    object read_word "blockstm_read_word"(const uint8_t* bytes, size_t size, bint is_little)
    uint64_t swapped "__builtin_bswap64"(uint64_t word) noexcept nogil


cdef inline bint write_word(object number, uint8_t* out) noexcept:
    """Whether ``number`` is an int from 0 to 2**256-1; its 32 bytes, little-endian, are in ``out``."""
    return isinstance(number, int) and write_long(number, out)


cdef inline bint exact_word(object number, uint8_t* out) except -1:
    """`write_word` of whatever is an integer by itself (``__index__``). Truth is none, nor is text."""
    if type(number) is int:
        return write_long(number, out)
    if isinstance(number, bool):
        return False
    try:
        number = PyNumber_Index(number)
    except Exception:  # the caller's own code may have run; what it raised says less than we do
        return False
    return write_long(number, out)


cdef inline void reverse_word(const uint8_t* word, uint8_t* out) noexcept nogil:
    """32 bytes the other way round; the two do not overlap."""
    cdef uint64_t limb
    cdef int place
    for place in range(4):
        memcpy(&limb, word + 8 * place, 8)
        limb = swapped(limb)
        memcpy(out + 24 - 8 * place, &limb, 8)
