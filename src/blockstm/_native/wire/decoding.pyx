"""Transactions as Python has them, from their encodings: objects that read their members when somebody asks.

What is no encoding of a transaction, or not the only one, is left to `blockstm.ethereum.rlp`, which knows
how to say what is wrong. Safe from any thread.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject_GenericSetAttr
from libc.stdint cimport uint8_t
from libcpp cimport bool as cbool

from blockstm._native.base.bytes cimport Span
from blockstm._native.base.integers cimport read_word
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.wire.transaction cimport PlainTransaction, Transaction, read_plain_transaction

cdef extern from *:
    """
    static inline PyObject* blockstm_new(PyObject* kind, PyObject* nothing) {
        return ((PyTypeObject*)kind)->tp_new((PyTypeObject*)kind, nothing, NULL);
    }
    """
    object empty_of "blockstm_new"(object kind, tuple nothing)

cdef extern from "wire/transaction_form.hpp" namespace "blockstm" nogil:
    cbool is_transaction(Span encoding) noexcept

    cbool take_transaction(Span& left, Span& encoding) noexcept

cdef enum:
    LEGACY = 0
    DYNAMIC_FEE = 2
    BLOB = 3
    SET_CODE = 4
    FIRST_CHAIN = 35  # v of the first of a chain (EIP-155)
    FIRST_LIST = 0xC0  # what a typed encoding begins with is below

cdef tuple NOTHING = ()


def decode_one(kind, encoding):
    """A ``kind``, which is `blockstm.ethereum.transaction.Transaction` or made of it; None if it is no encoding."""
    cdef Span span
    if type(encoding) is not bytes:
        return None
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(encoding), PyBytes_GET_SIZE(encoding)
    return made_of(kind, encoding) if is_transaction(span) else None


def decode_listed(kind, bytes block, Py_ssize_t start, Py_ssize_t stop):
    """The transactions that a block's encoding lists from ``start`` to ``stop``, and where reading ended.

    That is ``stop``, unless something there is no transaction: then where this begins.
    """
    cdef Span left, encoding
    cdef list found = []
    if not 0 <= start <= stop <= PyBytes_GET_SIZE(block):
        raise ValueError(f"no part of {PyBytes_GET_SIZE(block)} bytes: {start} to {stop}")
    left.data, left.size = <const uint8_t*>PyBytes_AS_STRING(block) + start, stop - start
    while take_transaction(left, encoding):
        found.append(made_of(kind, bytes_at(encoding.data, encoding.size)))
    return found, stop - <Py_ssize_t>left.size


cdef object made_of(kind, bytes encoding):
    """What holds nothing but its encoding and what this shows at once; `fill` does the rest."""
    cdef uint8_t first = (<const uint8_t*>PyBytes_AS_STRING(encoding))[0]
    cdef int number = first if first < FIRST_LIST else LEGACY
    made = empty_of(kind, NOTHING)
    put(made, "_encoding", encoding)
    put(made, "_is_decoded", True)
    put(made, "type", number)
    if number != BLOB:
        put(made, "blob_hashes", NOTHING)
    if number != SET_CODE:
        put(made, "authorizations", NOTHING)
    return made


def fill(made) -> bool:
    """Give a decoded transaction all its members; False, and nothing is done, where it holds lists."""
    cdef bytes encoding = made._encoding
    cdef PlainTransaction plain
    cdef Span span
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(encoding), PyBytes_GET_SIZE(encoding)
    if not read_plain_transaction(span, plain):
        return False
    fill_from(made, &plain)
    return True


cdef int put(object made, str name, object value) except -1:
    """Past the guard of a frozen class, as its own ``__init__`` does."""
    return PyObject_GenericSetAttr(made, name, value)


cdef int fill_from(object made, const PlainTransaction* plain) except -1:
    cdef const Transaction* transaction = &plain.transaction
    cdef int kind = <int>transaction.type
    v = number_of(&plain.v)
    cap, priority = number_of(&transaction.max_fee_per_gas), number_of(&transaction.max_priority_fee_per_gas)
    is_dynamic = kind == DYNAMIC_FEE
    chain = number_of(&plain.chain)
    if kind == LEGACY:
        chain = (v - FIRST_CHAIN) // 2 if v >= FIRST_CHAIN else None
    put(made, "nonce", transaction.nonce)
    put(made, "gas", transaction.gas_limit)
    put(made, "to", None if transaction.creates else bytes_at(transaction.to.bytes, sizeof(transaction.to)))
    put(made, "value", number_of(&transaction.value))
    put(made, "data", bytes_at(transaction.data.data, transaction.data.size))
    put(made, "v", v)
    put(made, "r", number_of(&plain.r))
    put(made, "s", number_of(&plain.s))
    put(made, "chain_id", chain)
    put(made, "gas_price", 0 if is_dynamic else cap)
    put(made, "max_fee_per_gas", cap if is_dynamic else 0)
    put(made, "max_priority_fee_per_gas", priority if is_dynamic else 0)
    put(made, "max_fee_per_blob_gas", 0)
    put(made, "access_list", NOTHING)
    return 0


cdef bint is_short(const u256* word) noexcept:
    return not (word.limb[1] | word.limb[2] | word.limb[3])


cdef object number_of(const u256* word):
    return word.limb[0] if is_short(word) else read_word(<const uint8_t*>word.limb, 32, True)


cdef bytes bytes_at(const uint8_t* data, size_t size):
    return PyBytes_FromStringAndSize(<const char*>data, size)
