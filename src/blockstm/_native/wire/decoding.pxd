"""Encodings that stand within a block's; see the ``.pyx``."""
from libc.stdint cimport uint32_t

from blockstm._native.base.bytes cimport Span


# Immutable. Whatever holds one holds the block's encoding.
cdef class Part:
    cdef bytes block
    cdef uint32_t start
    cdef uint32_t size

    cdef Span span(self) noexcept


# The objects of a class (see `decode_one`) that these parts of a block are the encodings of.
cdef tuple transactions_within(kind, bytes block, const Span* encodings, size_t count)
