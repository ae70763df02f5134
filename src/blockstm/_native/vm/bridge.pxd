"""A Python view behind the C table: how one native transaction runs where there is no engine.

The reference runs a native VM through it, and so can any caller that runs one transaction alone. The
GIL is held throughout; an error of the Python view ends the run and is raised by `finish`.
"""
from libc.stdint cimport int32_t, uint8_t, uint32_t

from blockstm._native.abi cimport blockstm_view, blockstm_vm


cdef struct BridgeView:
    blockstm_view base             # first: the table gives this address back
    void* bridge


cdef class Bridge:
    cdef BridgeView c_view
    cdef object view
    cdef object decode_key
    cdef object encode_value
    cdef object decode_value
    cdef const blockstm_vm* vm
    cdef object delta_type         # of `blockstm.values.NativeDelta`
    cdef list keys
    cdef dict locations            # key's bytes → its place in `keys`
    cdef list kept                 # values handed out as pointers
    cdef object error
    cdef readonly bytes output

    cdef int32_t locate(self, bytes data) except -1
    cdef object finish(self, object block, int32_t status)
    cdef blockstm_view* c(self) noexcept
