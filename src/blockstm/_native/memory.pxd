"""A state in native memory: exact byte keys to byte values, read by workers without the GIL."""
from libcpp.shared_mutex cimport shared_mutex

from blockstm._native.abi cimport blockstm_state
from blockstm._native.codec cimport Codec
from blockstm._native.table cimport Table


cdef class MemoryState:
    cdef readonly Codec key_codec
    cdef readonly Codec value_codec
    cdef Table table  # written under `lock` alone and only while `pins` is 0
    cdef shared_mutex lock  # never held while Python code may run
    cdef long pins  # blocks that are running on this state; guarded by `lock`
    cdef unsigned long version  # of the contents: how often they were changed
    cdef blockstm_state abi

    cdef bytes read(self, bytes key)
    cdef load(self, items)
    cdef write(self, list pairs)
    cdef settle(self)
