"""A growable array as Cython sees it; see ``array.hpp``."""
from libc.stdint cimport uint64_t
from libcpp cimport bool as cbool


cdef extern from "base/array.hpp" namespace "blockstm" nogil:
    cppclass Array[Element]:
        Array() noexcept
        Element* data() noexcept
        uint64_t size() noexcept
        Element& operator[](uint64_t place) noexcept
        void clear() noexcept
        cbool reserve(uint64_t size) noexcept
        Element* extend(uint64_t count) noexcept
        cbool push(const Element& element) noexcept
        void truncate(uint64_t size) noexcept
