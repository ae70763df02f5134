"""What an account may be made of: exact numbers, bytes, a code and its own hash."""
from libc.stdint cimport uint8_t

# 20 bytes, whichever kind of bytes they came as.
cdef bytes exact_address(object address)
# The number as 32 bytes, little-endian. `where` and `what` are for the message.
cdef int exact_number(object where, str what, object number, uint8_t* word) except -1
cdef int exact_nonce(object where, object nonce, uint8_t* word) except -1
# None where it is not bytes of that size; any size: -1.
cdef bytes exact_bytes(object value, Py_ssize_t size)
# The code, None where only its hash is known, and the hash; where it is trusted the hash is not computed.
cdef tuple exact_code(object where, object code, object code_hash, bint is_trusted)
cdef str named(object where)
