"""How Python keys and values are bytes to the native core.

==========  =======================  ==================================
name        Python                   bytes
==========  =======================  ==================================
``int64``   int, -2**63 to 2**63-1   8, little-endian, two's complement
``uint256`` int, 0 to 2**256-1       32, little-endian
``bytes32`` bytes of length 32       themselves
``bytes``   bytes of any length      themselves
==========  =======================  ==================================

Threads: codecs are immutable; any thread may use them. They need the GIL, the core does not
need them: it asks for an encoding once per block or per key, not per access.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from blockstm._native.base.integers cimport write_word

from blockstm.errors import InputError
from blockstm.messages import brief


def index_of(value: object, str name) -> int:
    """``value`` as an int; refuses floats, strings and the like."""
    try:
        return value.__index__()
    except AttributeError:
        raise InputError(f"an {name} is an int, not {type(value).__name__}") from None


cdef class Codec:
    """One way to turn Python objects into bytes and back."""

    cpdef bytes encode(self, value):
        """The bytes of ``value``.

        Raises:
            InputError: a value that has no such encoding.
        """
        raise NotImplementedError

    cpdef object decode(self, bytes data):
        """The object whose encoding is ``data``.

        Raises:
            InputError: ``data`` has the wrong length.
        """
        raise NotImplementedError

    cpdef bytes encode_at(self, key, value):
        """The bytes of ``value`` at the key ``key``: here, the same at every key."""
        return self.encode(value)

    cpdef object decode_at(self, key, bytes data):
        """The object whose encoding at the key ``key`` is ``data``."""
        return self.decode(data)

    cdef int check_size(self, bytes data) except -1:
        if PyBytes_GET_SIZE(data) != self.size:
            raise InputError(f"an {self.name} has {self.size} bytes, not {len(data)}: {brief(data)}")
        return 0

    def __repr__(self) -> str:
        return f"<codec {self.name}>"

    def __reduce__(self):
        return codec_named, (self.name,)


cdef class Int64(Codec):
    def __cinit__(self):
        self.name, self.size = "int64", 8

    cpdef bytes encode(self, value):
        cdef int64_t number
        try:
            number = value if type(value) is int else index_of(value, "int64")
        except OverflowError:
            raise InputError(f"an int64 is from -2**63 to 2**63-1, not {brief(value)}") from None
        return PyBytes_FromStringAndSize(<const char*>&number, 8)

    cpdef object decode(self, bytes data):
        cdef int64_t number
        self.check_size(data)
        memcpy(&number, PyBytes_AS_STRING(data), 8)
        return number


cdef class Uint256(Codec):
    def __cinit__(self):
        self.name, self.size = "uint256", 32

    cpdef bytes encode(self, value):
        cdef uint8_t word[32]
        if type(value) is int and write_word(value, word):
            return PyBytes_FromStringAndSize(<const char*>word, 32)
        try:
            return index_of(value, "uint256").to_bytes(32, "little")
        except OverflowError:
            raise InputError(f"a uint256 is from 0 to 2**256-1, not {brief(value)}") from None

    cpdef object decode(self, bytes data):
        self.check_size(data)
        return int.from_bytes(data, "little")


cdef class Bytes32(Codec):
    def __cinit__(self):
        self.name, self.size = "bytes32", 32

    cpdef bytes encode(self, value):
        cdef bytes data = bytes_of(value)
        self.check_size(data)
        return data

    cpdef object decode(self, bytes data):
        self.check_size(data)
        return data


cdef class Bytes(Codec):
    def __cinit__(self):
        self.name, self.size = "bytes", -1

    cpdef bytes encode(self, value):
        return bytes_of(value)

    cpdef object decode(self, bytes data):
        return data


cdef bytes bytes_of(value):
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if not isinstance(value, bytes):
        raise InputError(f"a bytes key or value is bytes, not {type(value).__name__}")
    return value if type(value) is bytes else bytes(value)


cdef dict CODECS = {codec.name: codec for codec in (Int64(), Uint256(), Bytes32(), Bytes())}


cpdef Codec codec_named(str name):
    """The codec called ``name``.

    Raises:
        InputError: there is none.
    """
    codec = CODECS.get(name)
    if codec is None:
        raise InputError(f"a codec is one of {', '.join(CODECS)}, not {brief(name)}")
    return codec


def at_key(codec, str verb):
    """``codec.encode_at`` or ``decode_at``; of a codec that ignores keys, its plain form of that."""
    method = getattr(codec, f"{verb}_at", None)
    if method is not None:
        return method
    plain = getattr(codec, verb)
    return lambda key, value: plain(value)
