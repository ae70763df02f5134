"""The functions of a chain's own rules: callables of Python that are given the state of a run."""
from libc.stdint cimport int64_t, uint8_t, uint64_t

from libcpp cimport bool

from blockstm._native.base.bytes cimport Address, Span
from blockstm._native.base.u256.u256 cimport u256
from blockstm._native.evm.added.callables cimport Callable, Raised


cdef extern from "evm/own_rules.hpp" namespace "blockstm::evm" nogil:
    enum class OwnStatus:
        Done
        Raised

    cdef cppclass StateAccess:
        bool (*balance)(OwnCall& call, const Address& address, u256& value) noexcept
        bool (*nonce)(OwnCall& call, const Address& address, uint64_t& value) noexcept
        bool (*code)(OwnCall& call, const Address& address, Span& value) noexcept
        bool (*load)(OwnCall& call, const Address& address, const u256& slot, u256& value) noexcept
        bool (*credit)(OwnCall& call, const Address& address, const u256& amount) noexcept
        bool (*debit)(OwnCall& call, const Address& address, const u256& amount, bool& can_pay) noexcept
        bool (*set_nonce)(OwnCall& call, const Address& address, uint64_t value) noexcept
        bool (*set_code)(OwnCall& call, const Address& address, Span value) noexcept
        bool (*store)(OwnCall& call, const Address& address, const u256& slot, const u256& value) noexcept

    cdef cppclass OwnCall:
        const StateAccess* access
        uint64_t transaction
        uint64_t number
        uint64_t timestamp
        bool may_write
        u256 amount
        uint64_t error
        bool is_refund
        uint64_t gas_used

    cdef cppclass OwnFunctions:
        void* context
        OwnStatus (*run)(void* context, uint64_t place, OwnCall& call) noexcept

    cdef cppclass OwnFee:
        Address recipient
        uint64_t function
        bool has_refund
        uint64_t refund

    const uint64_t OWN_FEES_MAX

    cdef cppclass OwnRules:
        OwnFunctions functions
        OwnFee fees[8]
        uint64_t fee_count
        bool keeps_base_fee
        Address base_fee_recipient
        bool contracts_may_send

    cdef cppclass SystemCall:
        bool is_function
        uint64_t function
        bool must_succeed
        Address sender
        Address target
        Span input
        int64_t gas

    cdef cppclass OwnStep:
        u256 mint
        uint64_t transaction
        const SystemCall* calls
        uint64_t call_count


cdef class RuleView:
    cdef OwnCall* of  # NULL: the function has returned

    cdef OwnCall* call(self) except NULL
    cdef OwnCall* writing(self) except NULL


cdef class RuleFunction(Callable):
    cdef int run(self, OwnCall* call, RuleView view, list transactions) except -1
    cdef int give_back(self, OwnCall* call, RuleView view, list transactions) except -1


cdef class RuleFunctions:
    cdef OwnRules rules
    cdef list functions     # by their places
    cdef list transactions  # that pay fees, by their places
    cdef Raised raised      # of the block

    cdef bint charges(self)

    cdef uint64_t place_of(self, target) except? 0
    cdef uint64_t tell_of(self, transaction) except? 0
