"""``blockstm/vm_abi.h`` for Cython: the table through which the engine and a VM meet."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t


cdef extern from "blockstm/vm_abi.h" nogil:
    const uint32_t BLOCKSTM_VM_ABI_VERSION
    const char* BLOCKSTM_VM_CAPSULE
    const char* BLOCKSTM_STATE_CAPSULE
    const char* BLOCKSTM_PREFETCH_CAPSULE

    # What a view call returns.
    const int32_t BLOCKSTM_OK
    const int32_t BLOCKSTM_ABSENT
    const int32_t BLOCKSTM_BAD_NUMBER
    const int32_t BLOCKSTM_STALE
    const int32_t BLOCKSTM_STATE_ERROR
    const int32_t BLOCKSTM_NO_MEMORY

    # What `execute` returns.
    const int32_t BLOCKSTM_SUCCESS
    const int32_t BLOCKSTM_REVERTED
    const int32_t BLOCKSTM_INVALID
    const int32_t BLOCKSTM_FAILED
    const int32_t BLOCKSTM_STOPPED

    # How the values of a VM are numbers.
    const uint32_t BLOCKSTM_NUMBERS_I64
    const uint32_t BLOCKSTM_NUMBERS_U256
    const uint32_t BLOCKSTM_NUMBERS_OBJECT

    const uint32_t BLOCKSTM_VM_NEEDS_GIL
    const uint32_t BLOCKSTM_VM_ADMITS
    const uint32_t BLOCKSTM_VM_WRAPS
    const uint32_t BLOCKSTM_VM_WATCHES
    const uint32_t BLOCKSTM_VM_ASKS
    const uint32_t BLOCKSTM_VM_SIZE_MIN
    const uint32_t BLOCKSTM_VM_SIZE_ADMITS
    const uint32_t BLOCKSTM_VM_SIZE_WATCHES
    const uint32_t BLOCKSTM_STATE_LASTS
    const uint32_t BLOCKSTM_STATE_HASHED
    const uint32_t BLOCKSTM_STATE_LONG_LASTS
    const uint32_t BLOCKSTM_STATE_SIZE_MIN
    const uint64_t BLOCKSTM_REFUSAL_MAX

    ctypedef uint32_t blockstm_location

    ctypedef struct blockstm_bytes:
        const uint8_t* data
        uint64_t size

    ctypedef struct blockstm_number:
        uint64_t limb[4]
        uint64_t negative

    ctypedef struct blockstm_view_api:
        uint32_t abi_version
        uint32_t struct_size
        int32_t (*locate)(
            blockstm_view* view, const uint8_t* key, uint64_t size, blockstm_location* location
        ) noexcept nogil
        int32_t (*get)(
            blockstm_view* view, blockstm_location location, blockstm_bytes* value
        ) noexcept nogil
        int32_t (*put)(
            blockstm_view* view, blockstm_location location, const uint8_t* data, uint64_t size
        ) noexcept nogil
        int32_t (*remove)(blockstm_view* view, blockstm_location location) noexcept nogil
        int32_t (*add)(
            blockstm_view* view, blockstm_location location, const blockstm_number* delta
        ) noexcept nogil
        int32_t (*at_least)(
            blockstm_view* view,
            blockstm_location location,
            const blockstm_number* bound,
            int32_t* holds,
        ) noexcept nogil
        int32_t (*try_add)(
            blockstm_view* view,
            blockstm_location location,
            const blockstm_number* delta,
            const blockstm_number* lower,
            const blockstm_number* upper,
            int32_t* done,
        ) noexcept nogil
        int32_t (*charge)(blockstm_view* view, uint64_t gas) noexcept nogil
        int32_t (*output)(blockstm_view* view, const uint8_t* data, uint64_t size) noexcept nogil
        int32_t (*expect)(
            blockstm_view* view,
            blockstm_location location,
            const uint8_t* data,
            uint64_t size,
            int32_t* holds,
        ) noexcept nogil
        int32_t (*poll)(blockstm_view* view) noexcept nogil
        void (*prefetch)(blockstm_view* view, const uint8_t* key, uint64_t size) noexcept nogil
        int32_t (*locate_fields)(
            blockstm_view* view,
            const uint8_t* prefix,
            uint64_t size,
            const uint8_t* last,
            uint32_t wanted,
            blockstm_location* locations,
        ) noexcept nogil
        uint32_t (*state_flags)(blockstm_view* view) noexcept nogil
        int32_t (*ask)(
            blockstm_view* view, blockstm_location location, uint64_t tag, blockstm_bytes* value, int32_t* is_final
        ) noexcept nogil

    ctypedef struct blockstm_view:
        const blockstm_view_api* api
        int64_t index
        uint64_t run

    ctypedef struct blockstm_tally:
        uint64_t used[4]

    ctypedef struct blockstm_refusal:
        uint64_t size
        uint8_t data[120]

    ctypedef struct blockstm_vm:
        uint32_t abi_version
        uint32_t struct_size
        uint32_t numbers
        uint32_t flags
        void* context
        int32_t (*execute)(void* context, blockstm_view* view, int64_t index) noexcept nogil
        int32_t (*admit)(
            void* context, int64_t index, const blockstm_tally* tally, blockstm_refusal* refusal
        ) noexcept nogil
        void (*count)(
            void* context, int64_t index, const uint8_t* output, uint64_t size, blockstm_tally* tally
        ) noexcept nogil
        int32_t (*committed)(void* context, int64_t index) noexcept nogil
        void (*answer)(void* context, int64_t index, uint64_t tag, const blockstm_bytes* value) noexcept nogil

    ctypedef struct blockstm_state:
        uint32_t abi_version
        uint32_t struct_size
        void* context
        int32_t (*read)(
            void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value
        ) noexcept nogil
        uint32_t flags

    ctypedef struct blockstm_prefetch:
        uint32_t abi_version
        uint32_t struct_size
        void* context
        void (*prefetch)(
            void* context, const uint8_t* key, uint64_t size, uint32_t step, uint64_t* memo
        ) noexcept nogil
