# distutils: sources = src/blockstm/_native/trie/builder.cpp src/blockstm/_native/crypto/keccak.cpp
"""The transactions of a block in native memory: where their encodings lie, gathered once for all that reads them.

Immutable; safe from any thread. What is long works without the GIL.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject_GenericGetAttr
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

cimport cython

from blockstm._native.base.bytes cimport Span
from blockstm._native.trie cimport core
from blockstm._native.base.array cimport Array
from blockstm._native.base.byte_view cimport ByteView as Bytes
from blockstm._native.trie.core cimport HASH_SIZE, Status
from blockstm._native.wire.decoding cimport Part, transactions_within

cdef extern from "base/rlp.hpp" namespace "blockstm::rlp" nogil:
    uint64_t c_list_size "blockstm::rlp::list_size"(uint64_t payload) noexcept
    uint64_t string_size(Bytes data) noexcept
    uint8_t* put_list_header(uint8_t* out, uint64_t payload) noexcept
    uint8_t* put_string(uint8_t* out, Bytes data) noexcept

cdef extern from "base/byte_view.hpp" namespace "blockstm" nogil:
    uint8_t* put_bytes(uint8_t* out, Bytes data) noexcept

cdef extern from "crypto/keccak.hpp" namespace "blockstm" nogil:
    cppclass KeccakTask:
        const uint8_t* data
        uint64_t size
        uint8_t* out

    void keccak256_many(const KeccakTask* tasks, uint64_t count) noexcept

cdef extern from "wire/named_locations.hpp" namespace "blockstm" nogil:
    cdef cppclass NamedLocations:
        Array[uint8_t] addresses
        Array[uint8_t] slots

    cbool add_named_locations(Span encoding, NamedLocations& named) noexcept

cdef extern from "wire/transaction_form.hpp" namespace "blockstm" nogil:
    cbool take_transaction(Span& left, Span& encoding) noexcept

cdef enum:
    FIRST_LIST = 0xC0  # what a typed encoding begins with is below


def decode_listed(kind, bytes block, Py_ssize_t start, Py_ssize_t stop):
    """The transactions that a block's encoding lists from ``start`` to ``stop``, and where reading ended.

    That is ``stop``, unless something there is no transaction: then where this begins.
    ``kind``: the class of the objects that they become when somebody asks.
    """
    cdef TransactionList listed = TransactionList.__new__(TransactionList)
    cdef Span left, encoding
    if not 0 <= start <= stop <= PyBytes_GET_SIZE(block):
        raise ValueError(f"no part of {PyBytes_GET_SIZE(block)} bytes: {start} to {stop}")
    left.data, left.size = <const uint8_t*>PyBytes_AS_STRING(block) + start, stop - start
    while take_transaction(left, encoding):
        listed.spans.push_back(encoding)
    listed.spans.shrink_to_fit()
    listed.is_decoded.resize(listed.spans.size(), <uint8_t>True)
    listed.kind, listed.held = kind, block
    return listed, stop - <Py_ssize_t>left.size


cdef class TransactionList:
    """Transactions, and their encodings.

    Args:
        transactions: each a `blockstm.ethereum.Transaction`, or whatever keeps its encoding as that does.
        encode: gives the encoding of one that was not decoded; by default it is the one that it keeps, if any.

    Raises:
        whatever ``encode`` raises.
    """

    def __init__(self, transactions, encode=None):
        cdef Py_ssize_t count = len(transactions), place
        cdef bint is_decoded
        cdef list held = []
        self.given, self.held = transactions, held
        self.spans.resize(count)
        self.is_decoded.resize(count)
        for place in range(count):
            transaction = transactions[place]
            mark = kept(transaction, "_is_decoded")
            if type(mark) is Part:
                held.append(mark)
                self.is_decoded[place] = True
                self.spans[place] = (<Part>mark).span()
                continue
            encoding = kept(transaction, "_encoding")
            is_decoded = type(encoding) is bytes and mark is True
            if not is_decoded and encode is not None:
                encoding = encode(transaction)
            if type(encoding) is not bytes:
                continue
            held.append(encoding)
            self.is_decoded[place] = is_decoded
            self.spans[place].data = <const uint8_t*>PyBytes_AS_STRING(encoding)
            self.spans[place].size = PyBytes_GET_SIZE(encoding)

    def __len__(self):
        return <Py_ssize_t>self.spans.size()

    def __getitem__(self, place):
        return self.made()[place]

    @property
    def transactions(self):
        """As they were given; of a block that was decoded, made when they are asked for first."""
        return self.made()

    @property
    def is_unread(self):
        """Whether they were decoded, and nobody has asked for them yet."""
        return self.given is None

    cdef object made(self):
        if self.given is None:
            made = transactions_within(self.kind, self.held, self.spans.data(), self.spans.size())
            with cython.critical_section(self):  # of two that ask at once, both get the same
                if self.given is None:
                    self.given = made
        return self.given

    @property
    def all_decoded(self):
        """Whether each was decoded, so that its encoding says all about it."""
        cdef size_t place
        for place in range(self.spans.size()):
            if not self.is_decoded[place]:
                return False
        return True

    def __reduce__(self):
        cdef size_t place
        made = [None if self.is_decoded[place] else encoded_at(self.spans[place]) for place in range(self.spans.size())]
        return listed_again, (self.made(), made)

    @property
    def types(self):
        """The type of each, one byte; 0 where there is no encoding."""
        cdef bytes found = PyBytes_FromStringAndSize(NULL, self.spans.size())
        cdef uint8_t* out = <uint8_t*>PyBytes_AS_STRING(found)
        cdef size_t place
        for place in range(self.spans.size()):
            out[place] = type_of(self.spans[place])
        return found

    def places_of_type(self, int kind):
        """The places of the transactions of a type, in order."""
        cdef list found = []
        cdef size_t place
        for place in range(self.spans.size()):
            if type_of(self.spans[place]) == kind:
                found.append(place)
        return found

    def list_size(self):
        """The length of the list of them that a block's encoding has, in bytes."""
        return c_list_size(self.payload_size())

    def encode(self):
        """That list: legacy ones as they are, typed ones as strings."""
        cdef uint64_t payload = self.payload_size()
        cdef bytes encoding = PyBytes_FromStringAndSize(NULL, c_list_size(payload))
        cdef uint8_t* out = put_list_header(<uint8_t*>PyBytes_AS_STRING(encoding), payload)
        cdef size_t place
        with nogil:
            for place in range(self.spans.size()):
                if is_list(self.spans[place]):
                    out = put_bytes(out, view_of(self.spans[place]))
                else:
                    out = put_string(out, view_of(self.spans[place]))
        return encoding

    def hashes(self):
        """The hash of each, in order."""
        cdef vector[KeccakTask] tasks
        cdef bytes digest
        cdef list found = []
        cdef size_t place
        tasks.resize(self.spans.size())
        for place in range(self.spans.size()):
            digest = PyBytes_FromStringAndSize(NULL, HASH_SIZE)
            found.append(digest)
            tasks[place].data, tasks[place].size = self.spans[place].data, self.spans[place].size
            tasks[place].out = <uint8_t*>PyBytes_AS_STRING(digest)
        with nogil:
            keccak256_many(tasks.data(), tasks.size())
        return found

    cdef uint64_t payload_size(self) noexcept:
        cdef uint64_t payload = 0
        cdef size_t place
        for place in range(self.spans.size()):
            if is_list(self.spans[place]):
                payload += self.spans[place].size
            else:
                payload += string_size(view_of(self.spans[place]))
        return payload

    def root(self, uint32_t threads=1):
        """The root of the transactions, computed by so many threads where they are many."""
        cdef Array[Bytes] items
        cdef uint8_t out[HASH_SIZE]
        cdef size_t place
        cdef Status status = Status.OutOfMemory
        with nogil:
            if items.reserve(self.spans.size()):
                for place in range(self.spans.size()):
                    items.push(view_of(self.spans[place]))
                status = core.ordered_root(items.data(), items.size(), threads, out)
        if status != Status.Ok:
            raise MemoryError
        return PyBytes_FromStringAndSize(<const char*>out, HASH_SIZE)

    def named_locations(self):
        """What they name before they run: the accounts that they call, and what their access lists have.

        Returns addresses of 20 bytes one behind the other; and addresses with a slot, 52 bytes each.
        """
        cdef NamedLocations named
        cdef size_t place
        cdef bint has_room = True
        with nogil:
            for place in range(self.spans.size()):
                has_room = has_room and add_named_locations(self.spans[place], named)
        if not has_room:
            raise MemoryError
        return bytes_of(named.addresses), bytes_of(named.slots)


def listed_again(transactions, list made):
    """Transactions as they were listed: ``made`` has the encodings of those that were not decoded."""
    by_identity = dict(zip(map(id, transactions), made))
    return TransactionList(transactions, lambda transaction: by_identity[id(transaction)])


cdef bytes encoded_at(Span encoding):
    """A copy of an encoding; None where there is none."""
    if encoding.size == 0:
        return None
    return PyBytes_FromStringAndSize(<const char*>encoding.data, encoding.size)


cdef bytes bytes_of(Array[uint8_t]& held):
    return PyBytes_FromStringAndSize(<const char*>held.data(), held.size())


cdef object kept(transaction, str name):
    """A member that is there, without asking the class, which would decode one that is not."""
    try:
        return PyObject_GenericGetAttr(transaction, name)
    except AttributeError:
        return None


cdef inline bint is_list(Span encoding) noexcept nogil:
    return encoding.size != 0 and encoding.data[0] >= FIRST_LIST


cdef inline int type_of(Span encoding) noexcept nogil:
    return 0 if encoding.size == 0 or is_list(encoding) else encoding.data[0]


cdef inline Bytes view_of(Span encoding) noexcept nogil:
    return Bytes(encoding.data, encoding.size)
