"""Which transactions of a block have to be looked at by the rules; see ``plain_rules.hpp``.

Safe from any thread.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from blockstm._native.base.bytes cimport Span
from blockstm._native.base.integers cimport write_word
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.wire.transaction_list cimport TransactionList

from blockstm.errors import InputError
from blockstm.messages import brief

cdef extern from "wire/plain_rules.hpp" namespace "blockstm" nogil:
    cdef cppclass PlainRules:
        uint8_t newest_type
        cbool chains_in_v
        uint64_t gas_max
        uint64_t nonzero_byte_gas
        uint64_t floor_token_gas
        u256 chain
        u256 base_fee
        u256 s_max

    void find_sound(
        const Span* encodings, uint64_t count, uint32_t threads, const PlainRules& rules, uint8_t* is_sound
    ) noexcept

cdef extern from "wire/intrinsic_gas.hpp" namespace "blockstm::intrinsic_gas_table" nogil:
    const uint64_t TRANSACTION
    const uint64_t CREATION
    const uint64_t ZERO_BYTE
    const uint64_t OTHER_BYTE
    const uint64_t OTHER_BYTE_AT_FIRST
    const uint64_t INITCODE_WORD
    const uint64_t LISTED_ADDRESS
    const uint64_t LISTED_SLOT
    const uint64_t AUTHORIZATION
    const uint64_t FLOOR_TOKEN
    const uint64_t TOKENS_OF_OTHER_BYTE
    const uint64_t BLOB
    const uint64_t GAS_CAP

# What Python's rules charge by; see ``intrinsic_gas.hpp``.
INTRINSIC_GAS = {
    "transaction": TRANSACTION,
    "creation": CREATION,
    "zero_byte": ZERO_BYTE,
    "other_byte": OTHER_BYTE,
    "other_byte_at_first": OTHER_BYTE_AT_FIRST,
    "initcode_word": INITCODE_WORD,
    "listed_address": LISTED_ADDRESS,
    "listed_slot": LISTED_SLOT,
    "authorization": AUTHORIZATION,
    "floor_token": FLOOR_TOKEN,
    "tokens_of_other_byte": TOKENS_OF_OTHER_BYTE,
    "blob": BLOB,
    "gas_cap": GAS_CAP,
}

cdef enum:
    FIRST_TYPE = 0xC0  # what a typed encoding begins with is below


def suspects(
    TransactionList listed, *, int newest_type, cbool chains_in_v, uint64_t gas_max, uint64_t nonzero_byte_gas,
    uint64_t floor_token_gas, chain, base_fee, s_max, uint32_t threads=1
) -> list[int]:
    """The places of the transactions that are not surely sound, in order."""
    cdef PlainRules rules
    cdef vector[uint8_t] is_sound
    cdef size_t place, count = listed.spans.size()
    cdef list found = []
    rules.newest_type, rules.chains_in_v, rules.gas_max = newest_type, chains_in_v, gas_max
    rules.nonzero_byte_gas, rules.floor_token_gas = nonzero_byte_gas, floor_token_gas
    write(&rules.chain, chain)
    write(&rules.base_fee, base_fee)
    write(&rules.s_max, s_max)
    is_sound.resize(count)
    with nogil:
        find_sound(listed.spans.data(), count, threads, rules, is_sound.data())
    for place in range(count):
        if not is_sound[place] or not (listed.is_decoded[place] or names_chain(listed, place, chain)):
            found.append(place)
    return found


cdef bint names_chain(TransactionList listed, size_t place, chain) except -1:
    """Whether the chain that a sound legacy transaction names is the one in its v: a transaction made
    in Python may name another, which its encoding does not show."""
    if listed.spans[place].data[0] < FIRST_TYPE:
        return True
    transaction = listed.transactions[place]
    named = transaction.chain_id
    return transaction.v in (27, 28) if named is None else transaction.v >= 35 and named == chain


cdef int write(u256* word, object number) except -1:
    if not write_word(number, <uint8_t*>word.limb):
        raise InputError(f"not a number of 256 bits: {brief(number)}")
    return 0
