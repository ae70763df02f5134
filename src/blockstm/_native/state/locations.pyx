"""The locations of an Ethereum account as bytes: what the EVM's journal (journal.hpp) asks the view for.

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
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t

from blockstm._native.base.codec cimport Codec
from blockstm._native.base.integers cimport exact_word
from blockstm._native.state.account_values cimport exact_bytes

from blockstm.errors import InputError
from blockstm.messages import brief

cdef enum:
    ADDRESS_SIZE = 20
    FIELD_SIZE = 21
    HASH_SIZE = 32
    EPOCH_SIZE = 4
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
        cdef bytes encoded = None
        if isinstance(key, tuple) and len(key) == 2:
            encoded = field_key(key[0], key[1])
        elif isinstance(key, tuple) and len(key) == 4 and key[1] == "storage":
            encoded = slot_key(key[0], key[2], key[3])
        if encoded is None:
            raise InputError(f"not a location of an account: {brief(key)}")
        return encoded

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


cdef bytes field_key(place, field):
    """The key of a code or of a member of an account, None where it is neither's."""
    cdef bytes exact
    if isinstance(place, str):
        return exact_bytes(field, HASH_SIZE) if place == "code" else None
    exact = exact_bytes(place, ADDRESS_SIZE)
    if exact is None or not isinstance(field, str) or field not in TAG_OF_FIELD:
        return None
    return exact + <bytes>TAG_OF_FIELD[field]


cdef bytes slot_key(address, epoch, slot):
    """The key of a slot, None where there is none such."""
    cdef bytes exact = exact_bytes(address, ADDRESS_SIZE)
    cdef uint8_t word[HASH_SIZE]
    if exact is None or not exact_word(slot, word):
        return None
    exact += PyBytes_FromStringAndSize(<const char*>word, HASH_SIZE)[::-1]
    if not exact_word(epoch, word) or any(word[4:HASH_SIZE]):
        return None
    number = PyBytes_FromStringAndSize(<const char*>word, EPOCH_SIZE)
    return exact + number[::-1] if any(number) else exact


cdef class LocationValueCodec(Codec):
    """Values at locations: numbers, hashes and code."""

    def __cinit__(self):
        self.name, self.size = "location value", -1

    cpdef bytes encode_at(self, key, value):
        cdef uint8_t word[HASH_SIZE]
        cdef bytes data
        field = key[1] if len(key) == 2 else None
        if field is not None and (key[0] == "code" or field == "code_hash"):
            data = exact_bytes(value, -1)
            if data is not None:
                return data
            raise InputError(f"the value at {brief(key)} is bytes, not {brief(value)}")
        if isinstance(value, bool) and (field == "recorded" or field == "stored"):
            value = int(value)
        if exact_word(value, word):
            return PyBytes_FromStringAndSize(<const char*>word, HASH_SIZE)
        raise InputError(f"the value at {brief(key)} is an int from 0 to 2**256-1, not {brief(value)}")

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
