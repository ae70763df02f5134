"""How Python keys and values are bytes to the native core."""


cdef class Codec:
    cdef readonly str name
    cdef readonly int size  # of every encoding, in bytes; -1 where it varies

    cpdef bytes encode(self, value)
    cpdef object decode(self, bytes data)
    cpdef bytes encode_at(self, key, value)
    cpdef object decode_at(self, key, bytes data)
    cdef int check_size(self, bytes data) except -1


cpdef Codec codec_named(str name)
