# distutils: sources = src/blockstm/_native/crypto/keccak.cpp
"""The signers of many transactions, from their encodings; see ``signers.hpp``. Safe from any thread; the work
is done without the GIL.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from blockstm._native.base.chunks cimport chunk_store, use_chunks
from blockstm._native.base.bytes cimport Address, Hash32, Span
from blockstm._native.base.fork_locks cimport ForkMutex
from blockstm._native.base.hashing cimport process_seed
from blockstm._native.crypto.recovery cimport ADDRESS_SIZE, HASH_SIZE, SIGNATURE_SIZE, SignatureTask, recover_tasks
from blockstm._native.wire.transaction_list cimport TransactionList

from collections.abc import Sequence

from blockstm.errors import InputError
from blockstm.messages import brief

ctypedef void (*RecoverTasks)(SignatureTask*, size_t, cbool) noexcept nogil

cdef extern from "wire/signature.hpp" namespace "blockstm" nogil:
    cdef cppclass Signature:
        uint8_t* message
        uint8_t* compact
        int parity

    cbool read_signature(Span encoding, cbool high_s, Signature& out) noexcept

cdef extern from "wire/signers.hpp" namespace "blockstm" nogil:
    void c_recover_signers "blockstm::recover_signers"(
        const Span* encodings, uint64_t count, cbool high_s, uint32_t threads, SignatureTask* tasks,
        RecoverTasks recover
    ) noexcept

    void recover_authorizations(
        const Span* authorizations, uint64_t count, uint32_t threads, SignatureTask* tasks, RecoverTasks recover
    ) noexcept

    cdef cppclass SenderSearch:
        SenderSearch(const Span* encodings, uint64_t count, cbool high_s, uint32_t threads) except +  # `new` may throw
        cbool run(
            ForkMutex& lock, SenderGenerations& known, const uint64_t* seed, RecoverTasks recover, Sender* senders
        ) noexcept
        uint64_t recovered() noexcept

cdef extern from "wire/authorizations.hpp" namespace "blockstm" nogil:
    cbool find_authorizations(Span encoding, vector[Span]& out) except +

cdef enum:
    SET_CODE = 4

use_chunks(chunk_store())


cdef class KnownSenders:
    """Senders by the hash of their transaction; what was met last stays.

    They are kept in two generations: where the younger is full, it becomes the elder, and what was
    the elder is forgotten. So at least half of the limit is always kept, at most all of it.

    Thread-safety: any thread may ask and add.

    Args:
        limit: how many are kept at most.

    >>> known = KnownSenders(limit=4)
    >>> known.add([bytes(32)], [bytes(20)])
    >>> known.find([bytes(32), b"\\1" * 32]) == [bytes(20), None]
    True
    """

    def __init__(self, uint64_t limit):
        self.generations.set_limit(limit)

    def __len__(self):
        cdef uint64_t count
        with nogil:
            self.lock.lock()
            count = self.generations.count()
            self.lock.unlock()
        return <Py_ssize_t>count

    def find(self, hashes):
        """The sender of the transaction with each hash, None where it is not known."""
        cdef Hash32 hash
        cdef Address sender
        cdef const Address* found
        cdef bint is_found
        cdef list listed = []
        for each in hashes:
            copy_bytes(hash.bytes, each, HASH_SIZE, "hash")
            with nogil:
                self.lock.lock()
                found = self.generations.find(hash, process_seed())
                is_found = found != NULL
                if is_found:
                    sender = found[0]
                self.lock.unlock()
            listed.append(bytes_at(sender.bytes, ADDRESS_SIZE) if is_found else None)
        return listed

    def add(self, hashes, senders):
        """Remember the senders of transactions; those of nobody are left out."""
        cdef Hash32 hash
        cdef Address sender
        for each, address in zip(hashes, senders, strict=True):
            if address is None:
                continue
            copy_bytes(hash.bytes, each, HASH_SIZE, "hash")
            copy_bytes(sender.bytes, address, ADDRESS_SIZE, "sender")
            with nogil:
                self.lock.lock()
                self.generations.add(hash, sender, process_seed())
                self.lock.unlock()

    def clear(self):
        """Forget all senders."""
        with nogil:
            self.lock.lock()
            self.generations.clear()
            self.lock.unlock()


cdef class Senders:
    """The sender of each transaction, None where nobody can have signed it. Immutable, safe from any thread.

    Attributes:
        recovered: how many signatures were recovered for it; the other senders were known.
    """

    def __len__(self):
        return <Py_ssize_t>self.found.size()

    def __getitem__(self, place):
        if isinstance(place, slice):
            return tuple(self.at(each) for each in range(*place.indices(len(self))))
        cdef Py_ssize_t index = place.__index__()
        if index < 0:
            index += self.found.size()
        if not 0 <= index < <Py_ssize_t>self.found.size():
            raise IndexError(f"sender {place} of {len(self)}")
        return self.at(index)

    def __iter__(self):
        return (self.at(place) for place in range(len(self)))

    def __eq__(self, other):
        if not isinstance(other, (Senders, tuple, list)):
            return NotImplemented
        return len(other) == len(self) and all(mine == theirs for mine, theirs in zip(self, other))

    def __reduce__(self):
        return tuple, (tuple(self),)

    cdef object at(self, size_t place):
        cdef const Sender* sender = &self.found[place]
        return bytes_at(sender.address.bytes, ADDRESS_SIZE) if sender.is_known else None

    @property
    def first_unknown(self):
        """The first place where there is none; None if there is no such."""
        cdef size_t place
        for place in range(self.found.size()):
            if not self.found[place].is_known:
                return place
        return None


Sequence.register(Senders)


def find_senders(TransactionList listed, KnownSenders known, cbool high_s_allowed, uint32_t threads=1):
    """The senders of transactions: those that are known, and those that are recovered, which are known then.

    Args:
        high_s_allowed: whether s may be above half the curve's order (EIP-2).
        threads: how many share the work; they have ended when this returns.

    Raises:
        MemoryError: there is none for the signatures.
    """
    cdef Senders senders = Senders()
    cdef uint64_t count = listed.spans.size()
    cdef SenderSearch* search
    cdef cbool is_done
    senders.found.resize(count)
    search = new SenderSearch(listed.spans.data(), count, high_s_allowed, threads)
    with nogil:
        is_done = search.run(known.lock, known.generations, process_seed(), recover_tasks, senders.found.data())
    senders.recovered = search.recovered()
    del search
    if not is_done:
        raise MemoryError
    return senders


def recover_signers(encodings, cbool high_s_allowed, uint32_t threads=1) -> list[bytes | None]:
    """The signer of each transaction, None where no key can have signed it; see `find_senders`.

    Args:
        encodings: as blocks carry them.
    """
    cdef list held = list(encodings)  # nobody else changes it while the GIL is not held
    cdef vector[Span] spans
    cdef vector[SignatureTask] tasks
    for encoding in held:
        spans.push_back(span_of(encoding))
    tasks.resize(spans.size())
    with nogil:
        c_recover_signers(spans.data(), spans.size(), high_s_allowed, threads, tasks.data(), recover_tasks)
    return [signer_of(&tasks[place]) for place in range(<Py_ssize_t>tasks.size())]


def recover_authorities(TransactionList listed, uint32_t threads=1):
    """The signers of the authorizations (EIP-7702) of each transaction that may have some, by its place.

    None for a signature that belongs to no key, or has an s above half the curve's order.

    Raises:
        MemoryError: there is none for the signatures.
    """
    cdef vector[Span] authorizations
    cdef vector[SignatureTask] tasks
    cdef list ends = []
    cdef size_t place, begin = 0, end
    for place in range(listed.spans.size()):
        if listed.spans[place].size == 0 or listed.spans[place].data[0] != SET_CODE:
            continue
        find_authorizations(listed.spans[place], authorizations)
        ends.append((place, authorizations.size()))
    recover_into(authorizations, threads, tasks)
    found = {}
    for place, end in ends:
        found[place] = tuple(signer_of(&tasks[each]) for each in range(begin, end))
        begin = end
    return found


def recover_authorization_signers(encodings, uint32_t threads=1) -> list[bytes | None]:
    """The signer of each authorization, given by its encoding; see `recover_authorities`."""
    cdef list held = list(encodings)
    cdef vector[Span] authorizations
    cdef vector[SignatureTask] tasks
    for encoding in held:
        authorizations.push_back(span_of(encoding))
    recover_into(authorizations, threads, tasks)
    return [signer_of(&tasks[place]) for place in range(<Py_ssize_t>tasks.size())]


cdef int recover_into(vector[Span]& authorizations, uint32_t threads, vector[SignatureTask]& tasks) except -1:
    tasks.resize(authorizations.size())
    with nogil:
        recover_authorizations(authorizations.data(), authorizations.size(), threads, tasks.data(), recover_tasks)
    return 0


def signed_message(bytes encoding, cbool high_s_allowed=True):
    """The hash that was signed, r and s, and the parity; None where no signature is possible."""
    cdef Signature signature
    if not read_signature(span_of(encoding), high_s_allowed, signature):
        return None
    return (
        bytes_at(signature.message, HASH_SIZE), bytes_at(signature.compact, SIGNATURE_SIZE), signature.parity,
    )


cdef object signer_of(const SignatureTask* task):
    return bytes_at(task.address, ADDRESS_SIZE) if task.is_known else None


cdef int copy_bytes(uint8_t* target, object data, Py_ssize_t size, str what) except -1:
    if not isinstance(data, bytes) or PyBytes_GET_SIZE(data) != size:
        raise InputError(f"a {what} is {size} bytes, not {brief(data)}")
    memcpy(target, PyBytes_AS_STRING(data), size)
    return 0


cdef bytes bytes_at(const uint8_t* data, Py_ssize_t size):
    return PyBytes_FromStringAndSize(<const char*>data, size)


cdef Span span_of(bytes data) noexcept:
    cdef Span span
    span.data, span.size = <const uint8_t*>PyBytes_AS_STRING(data), <uint64_t>PyBytes_GET_SIZE(data)
    return span
