"""Writes at locations of accounts as bytes, from a block or from Python objects."""
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t
from libcpp.vector cimport vector

from blockstm._native.base.chunks cimport LargeVector
from blockstm._native.base.packed cimport Change, PackedWrites, packed_from
from blockstm._native.state.account_keys cimport ADDRESS_SIZE, CODE_HASH, FIELD_SIZE, WORD_SIZE
from blockstm._native.state.memory_state cimport change_of

from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm.kinds import check_mapping
from blockstm.types import DELETED


def packed_locations(writes) -> PackedWrites:
    """The writes of a block, location → value, as bytes; those of a native block as they are.

    Raises:
        InputError: a location or a value is of the wrong kind.
    """
    cdef LargeVector[Change] changes
    cdef list held = []  # what the changes point into
    cdef bytes key, data
    if isinstance(writes, PackedWrites) and is_of_accounts(writes):
        return writes
    check_mapping(writes, "writes")
    for location, value in writes.items():
        key = LOCATIONS.encode(location)
        data = None if value is DELETED else LOCATION_VALUES.encode_at(location, value)
        held.append(key)
        held.append(data)
        changes.push_back(change_of(key, data))
    return packed_from(changes, LOCATIONS, LOCATION_VALUES)


def codes_in(PackedWrites writes) -> tuple:
    """The codes among the writes by their hash, and the hashes of codes that accounts have by them."""
    cdef Change change
    cdef uint32_t place
    codes, named = {}, []
    for place in range(writes.count):
        change = writes.at(place)
        if change.value == NULL:
            continue
        if change.key_size == WORD_SIZE:
            code_hash = PyBytes_FromStringAndSize(<const char*>change.key, WORD_SIZE)
            codes[code_hash] = PyBytes_FromStringAndSize(<const char*>change.value, change.value_size)
        elif change.key_size == FIELD_SIZE and change.key[ADDRESS_SIZE] == CODE_HASH and change.value_size == WORD_SIZE:
            named.append(PyBytes_FromStringAndSize(<const char*>change.value, WORD_SIZE))
    return codes, named


cdef bint is_of_accounts(PackedWrites writes) noexcept:
    return writes.key_codec is LOCATIONS and writes.value_codec is LOCATION_VALUES
