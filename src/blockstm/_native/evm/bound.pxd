"""The EVM's plain structs for Cython, and a block bound to the EVM."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t

from libcpp cimport bool

from blockstm._native.abi cimport blockstm_refusal, blockstm_tally, blockstm_view, blockstm_vm
from blockstm._native.codec cimport Codec


cdef extern from "evm/u256.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass u256:
        uint64_t limb[4]


cdef extern from "evm/bytes.hpp" namespace "blockstm::evm" nogil:
    cdef struct Address:
        uint8_t bytes[20]

    cdef struct Hash32:
        uint8_t bytes[32]

    cdef cppclass Span:
        const uint8_t* data
        uint64_t size

    cdef cppclass Bytes:
        Bytes()
        uint8_t* data()
        uint64_t size()


cdef extern from "evm/forks.hpp" namespace "blockstm::evm" nogil:
    enum class Fork(uint8_t):
        pass

    const int FORK_COUNT


cdef extern from "evm/block.hpp" namespace "blockstm::evm" nogil:
    cdef struct BlockHash:
        uint64_t number
        Hash32 hash

    cdef cppclass BlockEnv:
        Fork fork
        uint64_t number
        uint64_t timestamp
        uint64_t gas_limit
        uint64_t slot_number
        uint64_t blobs_max
        bint records_accesses
        Address coinbase
        u256 chain_id
        u256 difficulty
        u256 prev_randao
        u256 base_fee
        u256 blob_base_fee
        Hash32 parent_hash
        Hash32 parent_beacon_root
        const BlockHash* hashes
        uint64_t hash_count

    cdef cppclass AccessEntry:
        Address address
        const u256* slots
        uint64_t slot_count

    cdef cppclass Authorization:
        u256 chain_id
        Address address
        uint64_t nonce
        Address authority
        bint is_signed

    enum class TransactionType(uint8_t):
        pass

    cdef cppclass Transaction:
        TransactionType type
        bint creates
        Address sender
        Address to
        bint names_chain
        bint has_high_s
        u256 chain_id
        uint64_t nonce
        uint64_t gas_limit
        u256 value
        u256 max_fee_per_gas
        u256 max_priority_fee_per_gas
        u256 max_fee_per_blob_gas
        Span data
        const AccessEntry* access_list
        uint64_t access_count
        const Hash32* blob_hashes
        uint64_t blob_count
        const Authorization* authorizations
        uint64_t authorization_count

    cdef cppclass Payment:
        Address address
        u256 amount

    enum class StepKind(uint8_t):
        Transaction
        BlockStart
        BlockEnd

    cdef cppclass Step:
        Step()
        StepKind kind
        Transaction transaction
        const Address* drained
        uint64_t drained_count
        Address refund_contract
        const Payment* withdrawals
        uint64_t withdrawal_count
        const Payment* rewards
        uint64_t reward_count
        bint collects_requests


cdef extern from "evm/encoded.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass PlainTransaction:
        Transaction transaction
        u256 chain
        u256 v
        u256 r
        u256 s

    bool read_plain_transaction(Span encoding, PlainTransaction& plain)


cdef extern from "evm/bound_block.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass StepArray "blockstm::evm::Array<blockstm::evm::Step>":
        const Step& operator[](uint64_t place)

    cdef cppclass BoundBlock:
        BlockEnv env
        StepArray steps
        bint reserve(uint64_t more)
        bint add(const Step& step)

    int32_t execute_bound(void* context, blockstm_view* view, int64_t index)
    int32_t admit_bound(
        void* context, int64_t index, const blockstm_tally* tally, blockstm_refusal* refusal
    )
    void count_bound(
        void* context, int64_t index, const uint8_t* output, uint64_t size, blockstm_tally* tally
    )
    int32_t execute_traced(
        const BoundBlock& block, blockstm_view* view, int64_t index, Bytes& lines, bool& is_whole
    )


cdef extern from "evm/admission.hpp" namespace "blockstm::evm" nogil:
    Refusal form_of(const Step& step, const BlockEnv& block)


cdef extern from "evm/invalidity.hpp" namespace "blockstm::evm" nogil:
    enum class Invalidity(uint16_t):
        pass

    cdef cppclass Refusal:
        Invalidity reason
        u256 have
        u256 want

    const char* reason_of(uint16_t code)


cdef extern from "evm/code_cache.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass CodeCache:
        void set_limit(uint64_t bytes)
        uint64_t bytes()
        uint64_t count()

    const uint64_t CODE_CACHE_BYTES "blockstm::evm::CodeCache::LIMIT_BYTES"
    CodeCache& shared_codes()


cdef class EvmBlock:
    cdef BoundBlock* bound
    cdef blockstm_vm table
    cdef readonly object vm
    cdef readonly Py_ssize_t count
    cdef readonly Codec keys
    cdef readonly Codec values
    cdef readonly object value
    cdef readonly object error
    cdef list kept                 # what the steps point into: bytes, and arrays of ours

    cdef void* array(self, size_t count, size_t size) except NULL
    cdef int add(self, const Step& step) except -1
    cdef int set_signature(self, Transaction* target, transaction) except -1
    cdef int set_fees(self, Transaction* target, transaction, int kind) except -1
    cdef int set_data(self, Transaction* target, data) except -1
    cdef int set_access_list(self, Transaction* target, entries) except -1
    cdef int set_blob_hashes(self, Transaction* target, hashes) except -1
    cdef int set_authorizations(self, Transaction* target, authorizations, authorities) except -1
    cdef Payment* payments(self, listed) except NULL
