"""The table of an embedder's own precompile; ``blockstm/precompile.h`` says what each field means."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t


cdef extern from "blockstm/precompile.h" nogil:
    const uint32_t BLOCKSTM_PRECOMPILE_ABI_VERSION
    const char* BLOCKSTM_PRECOMPILE_CAPSULE
    const int32_t BLOCKSTM_PRECOMPILE_SUCCESS
    const int32_t BLOCKSTM_PRECOMPILE_REVERTED
    const int32_t BLOCKSTM_PRECOMPILE_FAILED
    const int32_t BLOCKSTM_PRECOMPILE_NO_MEMORY
    const int32_t BLOCKSTM_PRECOMPILE_RAISED

    ctypedef struct blockstm_precompile_code:
        const uint8_t* data
        uint64_t size
        uint8_t hash[32]

    ctypedef struct blockstm_precompile_call:
        const uint8_t* input
        uint64_t size
        int64_t gas
        int64_t gas_used
        uint64_t error
        int32_t (*write)(blockstm_precompile_call* call, const uint8_t* data, uint64_t size) noexcept nogil
        int32_t (*code)(
            blockstm_precompile_call* call, const uint8_t* address, blockstm_precompile_code* code
        ) noexcept nogil

    ctypedef struct blockstm_precompile:
        uint32_t abi_version
        uint32_t struct_size
        void* context
        int32_t (*run)(void* context, blockstm_precompile_call* call) noexcept nogil
