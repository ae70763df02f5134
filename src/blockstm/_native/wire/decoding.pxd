"""Encodings that stand within a block's; see the ``.pyx``."""
from libc.stdint cimport uint32_t

from blockstm._native.base.bytes cimport Span


# Immutable. Whatever holds one holds the block's encoding.
cdef class Part:
    cdef bytes block
    cdef uint32_t start
    cdef uint32_t size

    cdef Span span(self) noexcept
