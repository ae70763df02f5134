"""The receipts of a block as Cython sees them; see ``receipt_list.hpp``."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from blockstm._native.base.array cimport Array
from blockstm._native.base.byte_view cimport ByteView as Bytes
from blockstm._native.trie.core cimport Status

cdef enum:
    BLOOM_SIZE = 256

cdef extern from "wire/receipt_list.hpp" namespace "blockstm" nogil:
    cppclass ReceiptInput:
        uint8_t type
        Bytes outcome
        uint64_t cumulative_gas_used
        Bytes logs

    cppclass BlockReceipts:
        BlockReceipts() noexcept
        Array[uint8_t] encodings
        Array[uint64_t] ends
        uint8_t* root
        uint8_t* bloom
        uint64_t bad_index

    Status encode_receipts(
        const ReceiptInput* inputs, uint64_t count, uint32_t threads, uint64_t kept_max, BlockReceipts& out
    ) noexcept
    Status logs_bloom(Bytes logs, uint8_t* bloom) noexcept
