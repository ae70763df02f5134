"""Senders in native memory; see the ``.pyx``."""
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

from blockstm._native.base.bytes cimport Address, Hash32
from blockstm._native.base.fork_locks cimport ForkMutex


cdef extern from "wire/known_senders.hpp" namespace "blockstm" nogil:
    cdef cppclass SenderGenerations:
        void set_limit(uint64_t limit) noexcept
        uint64_t count() noexcept
        const Address* find(const Hash32& hash, const uint64_t* seed) noexcept
        void add(const Hash32& hash, const Address& sender, const uint64_t* seed) noexcept
        void clear() noexcept


cdef extern from "wire/signers.hpp" namespace "blockstm" nogil:
    cdef cppclass Sender:
        Address address
        cbool is_known


cdef class KnownSenders:
    cdef ForkMutex lock
    cdef SenderGenerations generations  # read and written under `lock` alone


cdef class Senders:
    cdef vector[Sender] found
    cdef readonly Py_ssize_t recovered

    cdef object at(self, size_t place)
