"""Transactions as Python has them, from their encodings: objects that read their members when somebody asks.

What is no encoding of a transaction, or not the only one, is left to `blockstm.ethereum.rlp`, which knows
how to say what is wrong. Safe from any thread.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject_GenericGetAttr, PyObject_GenericSetAttr
from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t
from libcpp cimport bool as cbool

cimport cython

from blockstm._native.base.bytes cimport Span
from blockstm._native.base.integers cimport read_word
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.wire.transaction cimport PlainTransaction, Transaction, read_plain_transaction

cdef extern from *:
    """
    static inline PyObject* blockstm_new(PyObject* kind, PyObject* nothing) {
        return ((PyTypeObject*)kind)->tp_new((PyTypeObject*)kind, nothing, NULL);
    }

    #include <structmember.h>
    /* Where an object has a member of its class's `__slots__`; 0: it is none of them. */
    static inline Py_ssize_t blockstm_place_of(PyObject* descriptor) {
        if (!PyObject_TypeCheck(descriptor, &PyMemberDescr_Type)) return 0;
        const PyMemberDef* member = ((PyMemberDescrObject*)descriptor)->d_member;
        return member->type == T_OBJECT_EX ? member->offset : 0;
    }
    static inline void blockstm_put_first(PyObject* made, Py_ssize_t place, PyObject* value) {
        PyObject** member = (PyObject**)((char*)made + place);
        PyObject* before = *member;
        Py_INCREF(value);
        *member = value;
        Py_XDECREF(before);
    }
    """
    object empty_of "blockstm_new"(object kind, tuple nothing)
    Py_ssize_t place_of "blockstm_place_of"(object descriptor) noexcept
    # For an object of the class whose member stands there, which nobody else has.
    void put_first "blockstm_put_first"(object made, Py_ssize_t place, object value) noexcept

cdef extern from "wire/transaction_form.hpp" namespace "blockstm" nogil:
    cbool is_transaction(Span encoding) noexcept

cdef enum:
    LEGACY = 0
    DYNAMIC_FEE = 2
    BLOB = 3
    SET_CODE = 4
    FIRST_CHAIN = 35  # v of the first of a chain (EIP-155)
    FIRST_LIST = 0xC0  # what a typed encoding begins with is below

cdef tuple NOTHING = ()
cdef dict SHOWN = {}  # class -> what makes it


def decode_one(kind, encoding):
    """A ``kind``, which is `blockstm.ethereum.transaction.Transaction` or made of it; None if it is no encoding."""
    cdef Span span
    if type(encoding) is not bytes:
        return None
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(encoding), PyBytes_GET_SIZE(encoding)
    return shown_of(kind).whole(encoding) if is_transaction(span) else None


cdef tuple transactions_within(kind, bytes block, const Span* encodings, size_t count):
    cdef Shown shown = shown_of(kind)
    cdef list made = []
    cdef size_t place
    for place in range(count):
        made.append(shown.part_of(block, encodings[place]))
    return tuple(made)


@cython.final
@cython.no_gc
cdef class Part:
    """An encoding that stands within a block's."""

    def __init__(self):
        raise TypeError("a part is of a block that was decoded")

    cdef Span span(self) noexcept:
        cdef Span span
        span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(self.block) + self.start, self.size
        return span


cdef Part part_of(bytes block, Span encoding):
    cdef Part part = Part.__new__(Part)
    part.block = block
    part.start = <uint32_t>(encoding.data - <const uint8_t*>PyBytes_AS_STRING(block))
    part.size = <uint32_t>encoding.size
    return part


@cython.final
cdef class Shown:
    """Makes what holds nothing but where its encoding stands and what this shows at once; `fill` does the rest."""

    cdef object kind
    cdef Py_ssize_t encoding, is_decoded, type, blob_hashes, authorizations  # where these members stand

    def __init__(self, kind):
        self.kind = kind
        self.encoding, self.is_decoded = place_of(getattr(kind, "_encoding")), place_of(getattr(kind, "_is_decoded"))
        self.type, self.blob_hashes = place_of(getattr(kind, "type")), place_of(getattr(kind, "blob_hashes"))
        self.authorizations = place_of(getattr(kind, "authorizations"))

    cdef inline int give(self, made, Py_ssize_t place, str name, value) except -1:
        """Set a member of an object that nobody else has; ``place`` is 0 where a class has its own way to keep it."""
        if place == 0 or type(made) is not self.kind:  # a class may make something else
            return put(made, name, value)
        put_first(made, place, value)
        return 0

    cdef object part_of(self, bytes block, Span encoding):
        """A transaction within a block. Its encoding is copied out when somebody asks for it."""
        if PyBytes_GET_SIZE(block) > UINT32_MAX:
            return self.whole(bytes_at(encoding.data, encoding.size))
        return self.made(encoding.data[0], part_of(block, encoding))

    cdef object whole(self, bytes encoding):
        cdef object made = self.made((<const uint8_t*>PyBytes_AS_STRING(encoding))[0], True)
        self.give(made, self.encoding, "_encoding", encoding)
        return made

    cdef object made(self, uint8_t first, object is_decoded):
        cdef int number = first if first < FIRST_LIST else LEGACY
        cdef object made = empty_of(self.kind, NOTHING)
        self.give(made, self.is_decoded, "_is_decoded", is_decoded)
        self.give(made, self.type, "type", number)
        if number != BLOB:
            self.give(made, self.blob_hashes, "blob_hashes", NOTHING)
        if number != SET_CODE:
            self.give(made, self.authorizations, "authorizations", NOTHING)
        return made


cdef Shown shown_of(kind):
    shown = SHOWN.get(kind)
    if shown is None:
        shown = SHOWN[kind] = Shown(kind)
    return shown


def cut_out(made) -> bytes:
    """Give a transaction of a block an encoding of its own, and let the block's go; returns it."""
    cdef Span span
    is_decoded = made._is_decoded
    if type(is_decoded) is Part:
        span = (<Part>is_decoded).span()
        put(made, "_encoding", bytes_at(span.data, span.size))
        put(made, "_is_decoded", True)  # afterwards: another thread that sees it finds the encoding
    return PyObject_GenericGetAttr(made, "_encoding")


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
