"""The locations of an Ethereum account as bytes: what the EVM's world (world.hpp) asks the view for.

====================================  ===========================  =========================
location (Python)                     key                          value
====================================  ===========================  =========================
``(address, "balance")``              address, ``b``               number, in wei
``(address, "nonce")``                address, ``n``               number
``(address, "code_hash")``            address, ``c``               32 bytes
``(address, "recorded")``             address, ``r``               1
``(address, "epoch")``                address, ``e``               number
``(address, "stored")``               address, ``s``               1
``("code", code_hash)``               code hash                    the code
``(address, "storage", epoch, slot)`` address, slot in 32 bytes,   number
                                      from epoch 1 on the epoch
                                      in 4 bytes
====================================  ===========================  =========================

Numbers as values have 32 bytes, little-endian; inside keys they are big-endian. The length of a
key tells what it is: 21, 32, 52 or 56 bytes.

Threads: codecs are immutable; they need the GIL, the core does not need them.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from blockstm._native.codec cimport Codec

from blockstm.errors import InputError
from blockstm.messages import brief

cdef enum:
    ADDRESS_SIZE = 20
    FIELD_SIZE = 21
    HASH_SIZE = 32
    SLOT_SIZE = 52
    LATER_SLOT_SIZE = 56

cdef dict TAG_OF_FIELD = {
    "balance": b"b", "nonce": b"n", "code_hash": b"c", "recorded": b"r", "epoch": b"e",
    "stored": b"s",
}
cdef dict FIELD_OF_TAG = {tag[0]: field for field, tag in TAG_OF_FIELD.items()}


cdef class LocationCodec(Codec):
    """Locations as keys."""

    def __cinit__(self):
        self.name, self.size = "location", -1

    cpdef bytes encode(self, key):
        try:
            if len(key) == 2:
                if key[0] == "code":
                    return hash_of(key[1])
                return address_of(key[0]) + TAG_OF_FIELD[key[1]]
            address, kind, epoch, slot = key
            if kind != "storage":
                raise KeyError(kind)
            data = address_of(address) + slot.to_bytes(32, "big")
            return data + epoch.to_bytes(4, "big") if epoch else data
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
            raise InputError(f"not a location of an account: {brief(key)}") from None

    cpdef object decode(self, bytes data):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef int epoch = 0
        if size == HASH_SIZE:
            return "code", data
        if size == FIELD_SIZE and data[ADDRESS_SIZE] in FIELD_OF_TAG:
            return data[:ADDRESS_SIZE], FIELD_OF_TAG[data[ADDRESS_SIZE]]
        if size != SLOT_SIZE and size != LATER_SLOT_SIZE:
            raise InputError(f"not the key of a location of an account: {brief(data)}")
        if size == LATER_SLOT_SIZE:
            epoch = int.from_bytes(data[SLOT_SIZE:], "big")
        return data[:ADDRESS_SIZE], "storage", epoch, int.from_bytes(data[ADDRESS_SIZE:SLOT_SIZE], "big")


cdef bytes address_of(address):
    if not isinstance(address, bytes) or PyBytes_GET_SIZE(address) != ADDRESS_SIZE:
        raise ValueError(address)
    return address if type(address) is bytes else bytes(address)


cdef bytes hash_of(code_hash):
    if not isinstance(code_hash, bytes) or PyBytes_GET_SIZE(code_hash) != HASH_SIZE:
        raise ValueError(code_hash)
    return code_hash if type(code_hash) is bytes else bytes(code_hash)


cdef class LocationValueCodec(Codec):
    """Values at locations: numbers, hashes and code."""

    def __cinit__(self):
        self.name, self.size = "location value", -1

    cpdef bytes encode_at(self, key, value):
        try:
            if len(key) == 2 and (key[0] == "code" or key[1] == "code_hash"):
                return bytes(memoryview(value))
            return int(value).to_bytes(32, "little")
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"not a value at the location {brief(key)}: {brief(value)}") from None

    cpdef object decode_at(self, key, bytes data):
        if len(key) == 2:
            if key[0] == "code" or key[1] == "code_hash":
                return data
            if key[1] == "recorded" or key[1] == "stored":
                return PyBytes_AS_STRING(data)[0] != 0
        return int.from_bytes(data, "little")

    cpdef bytes encode(self, value):
        raise InputError("a value at a location is encoded together with the location")

    cpdef object decode(self, bytes data):
        raise InputError("a value at a location is decoded together with the location")


LOCATIONS = LocationCodec()
LOCATION_VALUES = LocationValueCodec()
