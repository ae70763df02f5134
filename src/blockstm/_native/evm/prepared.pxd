"""The EVM's plain structs for Cython, and a block prepared for the EVM."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from libcpp cimport bool

from blockstm._native.abi cimport blockstm_bytes, blockstm_refusal, blockstm_tally, blockstm_view, blockstm_vm
from blockstm._native.base.array cimport Array
from blockstm._native.base.bytes cimport Address, Bytes, Hash32, Span
from blockstm._native.base.codec cimport Codec
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.evm.added.callables cimport Raised
from blockstm._native.evm.added.opcodes cimport AddedOpcodes, Opcodes, OpcodeSet
from blockstm._native.evm.added.precompiles cimport AddedPrecompiles, Precompiles
from blockstm._native.evm.added.rule_functions cimport OwnRules, OwnStep, RuleFunctions
from blockstm._native.evm.evmc.library cimport EvmcInstances, EvmcLibrary
from blockstm._native.evm.fields cimport Kept
from blockstm._native.evm.forks.tables cimport Fork
from blockstm._native.vm.session cimport Session
from blockstm._native.wire.transaction cimport Transaction


cdef extern from "evm/forks/added_opcodes.hpp" namespace "blockstm::evm" nogil:
    uint16_t number_of_set(const OpcodeSet& known)


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
        const AddedPrecompiles* added_precompiles
        const AddedOpcodes* added_opcodes
        const OwnRules* own_rules

    cdef cppclass Payment:
        Address address
        u256 amount

    enum class StepKind(uint8_t):
        Transaction
        Charged
        Prepaid
        BlockStart
        BlockEnd
        Call
        Overrides

    cdef cppclass Write:
        Span key
        Span value

    cdef struct Around:
        const Write* writes
        uint64_t write_count
        const Address* drained
        uint64_t drained_count
        Address refund_contract
        const Payment* withdrawals
        uint64_t withdrawal_count
        const Payment* rewards
        uint64_t reward_count
        bint collects_requests

    cdef cppclass Step:
        Step()
        StepKind kind
        Transaction transaction
        bint is_validated
        bint keeps_changes
        bint is_static
        bint spares_sender
        Bytes* transient
        const Around* around
        const OwnStep* own


cdef extern from "evm/inspect/recording_room.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass RecordingRoom:
        void limit(uint64_t bytes, uint64_t bytes_of_each)

cdef extern from "evm/prepared_block.hpp" namespace "blockstm::evm" nogil:
    cdef cppclass StepList:
        uint64_t size()
        void clear()
        bint push(const Step& step)
        bint extend(uint64_t count)
        Step* extend_kept(uint64_t count)
        Step* kept(uint64_t place)
        Step* unpacked(uint64_t place)
        const Step& at(uint64_t place, Step& room)

    cdef cppclass PreparedBlock:
        PreparedBlock() except +
        BlockEnv env
        StepList steps
        EvmcInstances* evmc
        bint record(uint16_t mask, void* reader)
        bint unwatch_all()
        void watch(int64_t index)
        void take_recording(int64_t index, Bytes& events)
        bint keep(uint64_t size, uint64_t size_of_each)
        const Bytes* kept()
        uint64_t exceeded()
        void* reader
        RecordingRoom room

    bint fill_transactions(
        const Span* encodings, const Address* senders, uint64_t count, uint32_t threads, uint64_t first,
        StepList& steps, uint8_t* is_filled
    )
    int32_t execute_prepared(void* context, blockstm_view* view, int64_t index)
    int32_t execute_alone(void* context, blockstm_view* view, int64_t index)
    int32_t execute_on_evmc(void* context, blockstm_view* view, int64_t index)
    int32_t execute_recorded(void* context, blockstm_view* view, int64_t index)
    void answer_prepared(void* context, int64_t index, uint64_t tag, const blockstm_bytes* value)
    int32_t keep_prepared(void* context, int64_t index)
    int32_t admit_prepared(
        void* context, int64_t index, const blockstm_tally* tally, blockstm_refusal* refusal
    )
    void count_prepared(
        void* context, int64_t index, const uint8_t* output, uint64_t size, blockstm_tally* tally
    )
    int32_t execute_traced(
        const PreparedBlock& block, blockstm_view* view, int64_t index, Bytes& lines, bool& is_whole
    )


cdef extern from "evm/transaction/admission.hpp" namespace "blockstm::evm" nogil:
    ValidationError form_of(const Step& step, const BlockEnv& block)


cdef extern from "evm/transaction/validation_error.hpp" namespace "blockstm::evm" nogil:
    enum class Violation(uint16_t):
        pass

    cdef cppclass ValidationError:
        Violation reason
        u256 have
        u256 want

    const char* reason_of(uint16_t code)


cdef extern from "evm/compile/code.hpp" namespace "blockstm::evm" nogil:
    enum class Tier(uint8_t):
        Plain

    cdef struct Variant:
        Fork fork
        Tier tier

    cdef struct Footprint:
        uint64_t own
        uint64_t program


cdef extern from "evm/compile/code_cache.hpp" namespace "blockstm::evm" nogil:
    cdef struct CodeKey:
        Hash32 hash
        Variant variant

    cdef struct CodeListing:
        CodeKey key
        uint64_t size
        Footprint footprint

    cdef cppclass CodeCache:
        void set_limit(uint64_t bytes)
        uint64_t bytes()
        uint64_t count()
        bool list(Array[CodeListing]& listed)

    const uint64_t CODE_CACHE_BYTES "blockstm::evm::CodeCache::LIMIT_BYTES"
    CodeCache& shared_codes()


cdef extern from "evm/precompiles/computed_results.hpp" namespace "blockstm::evm" nogil:
    uint64_t load_computed_results "blockstm::evm::computed_results.peek"()


cdef extern from "evm/compile/program.hpp" namespace "blockstm::evm" nogil:
    const uint32_t HOT_AFTER_DEFAULT "blockstm::evm::HOT_AFTER"
    void store_hot_after "blockstm::evm::hot_after.suggest"(uint32_t count)
    uint32_t load_hot_after "blockstm::evm::hot_after.peek"()


cdef extern from "evm/transaction/plain_transfer.hpp" namespace "blockstm::evm" nogil:
    void store_plain_transfers "blockstm::evm::plain_transfers_apart.suggest"(uint32_t apart)
    uint32_t load_plain_transfers "blockstm::evm::plain_transfers_apart.peek"()


cdef class EvmBlock:
    cdef PreparedBlock* prepared
    cdef blockstm_vm table
    cdef readonly object vm
    cdef readonly Py_ssize_t count
    cdef readonly Codec keys
    cdef readonly Codec values
    cdef readonly object value
    cdef readonly object outcomes
    cdef object error_of
    cdef Precompiles precompiles
    cdef Opcodes opcodes
    cdef RuleFunctions rules       # a chain's own; None where it has none
    cdef object own_types          # type → whether it was paid for elsewhere; None or empty where there is none
    cdef Raised raised             # by those
    cdef EvmcLibrary evmc          # whose EVM runs the code; None: this one
    cdef object tell               # who reads recordings: (index, events); None where nobody does
    cdef object tell_error         # what that raised
    cdef object recorded_only      # the steps whose recordings are kept; None: all
    cdef Kept kept                 # what the steps point into
    cdef Py_ssize_t kept_of_block  # how many of them are no step's

    cdef int add(self, const Step& step) except -1
    cdef int set_recording(self, uint16_t mask, only, room) except -1
    cdef int charge_all(self, uint64_t first, transactions) except -1
    cdef int set_transaction(self, Step* step, transaction, sender, authorities) except -1
    cdef int32_t told(self, int64_t index) noexcept
    cdef int set_call(self, Session session, call) except -1
    cdef Payment* payments(self, listed) except NULL
