# distutils: sources = src/blockstm/_native/trie/trie.cpp src/blockstm/_native/trie/neighbours.cpp src/blockstm/_native/trie/node.cpp src/blockstm/_native/trie/node_store.cpp src/blockstm/_native/trie/refresher.cpp src/blockstm/_native/trie/accounts.cpp src/blockstm/_native/crypto/keccak.cpp
"""The reads of a block on a state behind a witness, without the GIL; see ``witness_reader.hpp``."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New, PyCapsule_SetContext, PyCapsule_GetContext
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int32_t, uint8_t, uint64_t

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_NO_MEMORY, BLOCKSTM_OK, BLOCKSTM_STATE_CAPSULE, BLOCKSTM_STATE_ERROR,
    BLOCKSTM_STATE_HASHED, BLOCKSTM_STATE_LONG_LASTS, BLOCKSTM_VM_ABI_VERSION, blockstm_bytes, blockstm_state,
)
from blockstm._native.state.account_keys cimport (
    ADDRESS_SIZE, EPOCH, FIELD_SIZE, LATER_SLOT_SIZE, SLOT_SIZE, WORD_SIZE,
)
from blockstm._native.base.byte_view cimport ByteView as Bytes
from blockstm._native.trie.core cimport Accounts, NodeStore

cdef extern from *:
    """
    #include "base/per_thread.hpp"
    struct ToldBytes {
        uint8_t bytes[32];
    };
    static blockstm::PerThread<ToldBytes> told_bytes;
    """
    cdef struct ToldBytes:
        uint8_t* bytes

    ToldBytes* bytes_of_thread "told_bytes.get"() nogil  # until its next read; NULL where memory ran out

cdef extern from "wire/witness_reader.hpp" namespace "blockstm::trie" nogil:
    enum class AccountField(uint8_t):
        pass

    enum class Told(uint8_t):
        Value
        Absent
        Unknown

    cdef cppclass WitnessReader:
        void open(Accounts* accounts, NodeStore* store) noexcept
        void add_code(const uint8_t* hash, Bytes code) except +
        void sort_codes() noexcept
        Told code(const uint8_t* hash, Bytes& found) noexcept
        Told field(const uint8_t* address, AccountField field, uint8_t* out) noexcept
        Told slot(const uint8_t* address, const uint8_t* slot, uint8_t* out) noexcept

ctypedef void (*Destructor)(object) noexcept


cdef int32_t read_witness(
    void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value
) noexcept nogil:
    """`blockstm_state.read`. In a block nothing was cleared before it ran, so an epoch is none."""
    cdef WitnessReader* reader = <WitnessReader*>context
    cdef Told told = Told.Absent
    cdef Bytes code
    cdef ToldBytes* out = bytes_of_thread()
    if out == NULL:
        return BLOCKSTM_NO_MEMORY
    value.data, value.size = out.bytes, WORD_SIZE
    if size == WORD_SIZE:
        told = reader.code(key, code)
        value.data, value.size = code.data(), code.size()
    elif size == SLOT_SIZE:
        told = reader.slot(key, key + ADDRESS_SIZE, out.bytes)
    elif size == FIELD_SIZE and key[ADDRESS_SIZE] != EPOCH:
        told = reader.field(key, <AccountField>key[ADDRESS_SIZE], out.bytes)
    if told == Told.Value:
        return BLOCKSTM_OK
    return BLOCKSTM_ABSENT if told == Told.Absent else BLOCKSTM_STATE_ERROR


cdef void drop_owner(object capsule) noexcept:
    Py_DECREF(<object>PyCapsule_GetContext(capsule))


cdef class WitnessReads:
    """What workers read of a witness. Immutable, safe from any thread.

    Args:
        tries: of the state.
        codes: code hash → code.
        are_hashed: whether the hashes were computed; else workers compute them again.
    """

    cdef object held               # what the reader points into
    cdef WitnessReader reader
    cdef blockstm_state table

    def __init__(self, tries, codes, *, bint are_hashed=False):
        cdef bytes hash, code
        cdef void** shown = <void**>PyCapsule_GetPointer(tries.__blockstm_tries__(), "blockstm.tries")
        codes = dict(codes)  # which may be given more meanwhile
        self.held = tries, codes
        self.reader.open(<Accounts*>shown[0], <NodeStore*>shown[1])
        for hash, code in codes.items():
            self.reader.add_code(
                <const uint8_t*>PyBytes_AS_STRING(hash),
                Bytes(<const uint8_t*>PyBytes_AS_STRING(code), <uint64_t>PyBytes_GET_SIZE(code)),
            )
        self.reader.sort_codes()
        self.table.abi_version = BLOCKSTM_VM_ABI_VERSION
        self.table.struct_size = sizeof(blockstm_state)
        self.table.context = &self.reader
        self.table.read = read_witness
        self.table.flags = BLOCKSTM_STATE_LONG_LASTS | (BLOCKSTM_STATE_HASHED if are_hashed else 0)  # codes: see `held`

    def __blockstm_state__(self):
        """The capsule through which workers read; it keeps this object alive."""
        capsule = PyCapsule_New(&self.table, BLOCKSTM_STATE_CAPSULE, <Destructor>drop_owner)
        Py_INCREF(self)
        PyCapsule_SetContext(capsule, <void*>self)
        return capsule
