"""Bytes that something else owns as Cython sees them; see ``byte_view.hpp``."""
from libc.stdint cimport uint8_t, uint64_t


cdef extern from "base/byte_view.hpp" namespace "blockstm" nogil:
    cppclass ByteView:
        ByteView() noexcept
        ByteView(const uint8_t* data, uint64_t size) noexcept
        const uint8_t* data() noexcept
        uint64_t size() noexcept
