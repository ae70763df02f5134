"""Locks of what outlives a block; see ``fork_locks.hpp``."""
from libcpp cimport bool as cbool


cdef extern from "base/fork_locks.hpp" namespace "blockstm" nogil:
    cdef cppclass ForkMutex:
        ForkMutex() noexcept
        void lock() noexcept
        cbool try_lock() noexcept
        void unlock() noexcept

    cdef cppclass ForkSharedMutex:
        ForkSharedMutex() noexcept
        void lock() noexcept
        void unlock() noexcept
        void lock_shared() noexcept
        void unlock_shared() noexcept
