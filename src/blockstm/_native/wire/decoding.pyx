"""Transactions as Python has them, from their encodings: those that hold no lists, which most do not.

What is not such a transaction, or not the only encoding of it, is left to `blockstm.ethereum.rlp`, which
knows how to say what is wrong. Safe from any thread.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject_GenericSetAttr
from libc.stdint cimport uint8_t

from blockstm._native.base.bytes cimport Span
from blockstm._native.base.integers cimport read_word
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.wire.transaction cimport PlainTransaction, Transaction, read_plain_transaction

cdef enum:
    LEGACY = 0
    DYNAMIC_FEE = 2
    FIRST_CHAIN = 35  # v of the first of a chain (EIP-155)
    PARITY_MAX = 0xFF


def decode_plain(kind, encoding):
    """A ``kind``, which has the members of `blockstm.ethereum.transaction.Transaction`; None if it is not plain."""
    cdef PlainTransaction plain
    cdef Span span
    if type(encoding) is not bytes:
        return None
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(encoding), PyBytes_GET_SIZE(encoding)
    if not read_plain_transaction(span, plain):
        return None
    if <int>plain.transaction.type != LEGACY and not (is_short(&plain.v) and plain.v.limb[0] <= PARITY_MAX):
        return None
    made = kind.__new__(kind)
    fill(made, &plain)
    put(made, "_encoding", encoding)
    return made


cdef int put(object made, str name, object value) except -1:
    """Past the guard of a frozen class, as its own ``__init__`` does."""
    return PyObject_GenericSetAttr(made, name, value)


cdef int fill(object made, const PlainTransaction* plain) except -1:
    cdef const Transaction* transaction = &plain.transaction
    cdef int kind = <int>transaction.type
    v = number_of(&plain.v)
    cap, priority = number_of(&transaction.max_fee_per_gas), number_of(&transaction.max_priority_fee_per_gas)
    is_dynamic = kind == DYNAMIC_FEE
    chain = number_of(&plain.chain)
    if kind == LEGACY:
        chain = (v - FIRST_CHAIN) // 2 if v >= FIRST_CHAIN else None
    put(made, "type", kind)
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
    put(made, "access_list", ())
    put(made, "blob_hashes", ())
    put(made, "authorizations", ())
    return 0


cdef bint is_short(const u256* word) noexcept:
    return not (word.limb[1] | word.limb[2] | word.limb[3])


cdef object number_of(const u256* word):
    return word.limb[0] if is_short(word) else read_word(<const uint8_t*>word.limb, 32, True)


cdef bytes bytes_at(const uint8_t* data, size_t size):
    return PyBytes_FromStringAndSize(<const char*>data, size)
