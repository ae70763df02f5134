"""A state that one thread runs transactions on, one after another; see session_view.hpp."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from libcpp cimport bool

from blockstm._native.abi cimport blockstm_bytes, blockstm_location, blockstm_state, blockstm_view
from blockstm._native.base.bytes cimport Bytes
from blockstm._native.base.codec cimport Codec


cdef extern from "vm/session_view.hpp" namespace "blockstm" nogil:
    ctypedef int32_t (*ReadBelow)(void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value) noexcept
    ctypedef int32_t (*AskWhether)(void* context) noexcept

    cdef cppclass SessionValue:
        uint64_t size
        const uint8_t* data()

    enum class Known(uint8_t):
        Nothing
        Absent
        Present

    cdef cppclass SessionCell:
        uint8_t* key
        uint64_t key_size
        blockstm_location place
        Known known
        bool is_written
        SessionValue value

    cdef cppclass SessionView:
        SessionView() except +
        blockstm_view* c()
        void begin(int64_t of)
        bool set_transient(const uint8_t* data, uint64_t count)
        ReadBelow read_below
        void* below
        AskWhether ask_whether
        void* asked
        bool enter()
        void leave()
        SessionCell* cell_of(const uint8_t* key, uint64_t size)
        int32_t load(SessionCell& cell)
        int32_t put(blockstm_location location, const uint8_t* data, uint64_t size)
        int32_t remove(blockstm_location location)
        uint64_t size()
        SessionCell& at "operator[]"(uint64_t place)
        uint64_t mark()
        void revert(uint64_t mark)
        void forget()
        Bytes output
        Bytes transient


cdef class Session:
    cdef SessionView* view
    cdef readonly Codec keys
    cdef readonly Codec values
    cdef object state              # what is below; None for nothing
    cdef object capsule            # of a native state, which it keeps alive
    cdef object pin                # while it lasts, a native state is not changed
    cdef const blockstm_state* native
    cdef bytes read                # the last value of a Python state, until it is copied
    cdef object error              # what a read, or a signal, raised

    cdef int enter(self) except -1
    cdef SessionCell* cell(self, location) except NULL
    cdef object value_of(self, location, SessionCell* cell)
    cdef object finish(self, block, int64_t index, int32_t status)
    cdef object raise_kept(self)
