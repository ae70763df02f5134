"""Which transactions of a block have to be looked at by the rules; see ``plain_rules.hpp``.

Safe from any thread.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libcpp cimport bool as cbool

from blockstm._native.base.bytes cimport Span
from blockstm._native.base.integers cimport write_word
from blockstm._native.base.u256.u256 cimport u256

from blockstm.errors import InputError
from blockstm.messages import brief

cdef extern from "wire/plain_rules.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass PlainRules:
        uint8_t newest_type
        cbool chains_in_v
        uint64_t gas_max
        uint64_t nonzero_byte_gas
        uint64_t floor_token_gas
        u256 chain
        u256 base_fee
        u256 s_max

    cbool is_surely_sound(Span encoding, const PlainRules& rules) noexcept

cdef enum:
    FIRST_TYPE = 0xC0  # what a typed encoding begins with is below


def suspects(
    transactions, *, int newest_type, cbool chains_in_v, uint64_t gas_max, uint64_t nonzero_byte_gas,
    uint64_t floor_token_gas, chain, base_fee, s_max
) -> list[int]:
    """The places of the transactions that are not surely sound, in order."""
    cdef PlainRules rules
    cdef Span span
    cdef Py_ssize_t place = 0
    cdef list found = []
    rules.newest_type, rules.chains_in_v, rules.gas_max = newest_type, chains_in_v, gas_max
    rules.nonzero_byte_gas, rules.floor_token_gas = nonzero_byte_gas, floor_token_gas
    write(&rules.chain, chain)
    write(&rules.base_fee, base_fee)
    write(&rules.s_max, s_max)
    for transaction in transactions:
        encoding = getattr(transaction, "_encoding", None)
        if type(encoding) is not bytes:
            found.append(place)
        else:
            span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(encoding), PyBytes_GET_SIZE(encoding)
            if not is_surely_sound(span, rules) or not names_chain(transaction, span, chain):
                found.append(place)
        place += 1
    return found


cdef bint names_chain(transaction, Span encoding, chain) except -1:
    """Whether the chain that a sound legacy transaction names is the one in its v: a transaction made
    in Python may name another, which its encoding does not show."""
    if encoding.data[0] < FIRST_TYPE or getattr(transaction, "_is_decoded", False) is True:
        return True
    named = transaction.chain_id
    return transaction.v in (27, 28) if named is None else transaction.v >= 35 and named == chain


cdef int write(u256* word, object number) except -1:
    if not write_word(number, <uint8_t*>word.limb):
        raise InputError(f"not a number of 256 bits: {brief(number)}")
    return 0
