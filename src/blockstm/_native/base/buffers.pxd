"""Buffers for the results of a block: long ones are kept when they are freed, for the next block.

A block's results are some MB, made anew for each block; memory fresh from the system would be cleared
page by page first, which takes longer than filling it.

Threads: any.
"""
from libc.stdint cimport uint64_t

# Not cleared, aligned to a cache line; NULL where memory has run out.
cdef void* buffer_take(uint64_t size) noexcept nogil
# NULL is fine.
cdef void buffer_free(void* buffer) noexcept nogil
