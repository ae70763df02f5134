"""The baseline of the benchmarks: a plain sequential loop over a hash map."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from blockstm._native.abi cimport blockstm_tally, blockstm_view, blockstm_view_api, blockstm_vm
from blockstm._native.base.codec cimport Codec
from blockstm._native.base.table cimport Table

# A value as it was before a transaction changed it.
cdef struct Undo:
    uint32_t entry
    uint32_t size  # ABSENT_SIZE: there was none
    uint64_t value  # the bytes, or, of more than 8, where they begin in `undo_bytes`

# The view of the transaction that runs; the table it reads and writes in place.
cdef struct Loop:
    blockstm_view view  # stands first: the view that a VM gets is this structure
    blockstm_view_api api
    Table table
    uint32_t numbers
    Undo* undo
    uint64_t undo_count
    uint64_t undo_capacity
    uint8_t* undo_bytes
    uint64_t undo_bytes_size
    uint64_t undo_bytes_capacity
    uint8_t* output
    uint64_t output_size
    uint64_t output_capacity
    uint64_t gas
    blockstm_tally tally  # what the transactions of the block have used


cdef class PlainLoop:
    cdef Loop loop
    cdef Codec key_codec
    cdef Codec value_codec

    cdef const blockstm_vm* open(self, capsule) except NULL
    cdef bytes output(self)
    cdef object error(self, block, int64_t index, int32_t status)
