// Validity; see validity.hpp. The checks stand in the order of the execution specifications.
#include "evm/transaction/validity.hpp"

#include <algorithm>

#include "evm/forks/code_size.hpp"
#include "evm/own_rules.hpp"

namespace blockstm::evm {

namespace {

constexpr uint64_t BLOBS_MAX = 6;                // of one transaction, EIP-7594
constexpr uint8_t BLOB_HASH_VERSION = 1;         // of a KZG commitment

constexpr ValidationError FINE{};

ValidationError refuse(Violation reason, const u256& have = 0, const u256& want = 0) noexcept {
    return {reason, have, want};
}

constexpr Fork fork_of(TransactionType type) noexcept {
    switch (type) {
        case TransactionType::Legacy: return Fork::Frontier;
        case TransactionType::AccessList: return Fork::Berlin;
        case TransactionType::DynamicFee: return Fork::London;
        case TransactionType::Blob: return Fork::Cancun;
        case TransactionType::SetCode: return Fork::Prague;
    }
    return Fork::Frontier;
}

// EIP-155, EIP-2. Whatever else is wrong with a signature, it has no sender.
ValidationError check_signature(const Transaction& transaction, const BlockEnv& block) noexcept {
    if (transaction.names_chain) {
        if (transaction.type == TransactionType::Legacy && block.fork < Fork::SpuriousDragon) {
            return refuse(Violation::Signature);
        }
        if (!(transaction.chain_id == block.chain_id)) {
            return refuse(Violation::ChainId, transaction.chain_id, block.chain_id);
        }
    }
    if (transaction.has_high_s && block.fork >= Fork::Homestead) return refuse(Violation::Signature);
    return FINE;
}

// EIP-7825. EIP-8037: what runs is capped, what the state grows by is not, so only what certainly runs counts.
uint64_t capped_gas(uint64_t limit, const BlockEnv& block, const IntrinsicGas& gas) noexcept {
    if (block.fork < Fork::Osaka) return 0;
    return block.fork < Fork::Amsterdam ? limit : std::max(gas.execution, gas.floor);
}

ValidationError check_intrinsic_gas(uint64_t limit, const IntrinsicGas& gas) noexcept {
    if (limit < gas.execution) return refuse(Violation::IntrinsicGas, limit, gas.execution);
    if (limit < gas.floor) return refuse(Violation::FloorGas, limit, gas.floor);
    return FINE;
}

ValidationError check_initcode(const Transaction& transaction, const BlockEnv& block) noexcept {
    const uint64_t size_max = initcode_size_max(block.fork);
    if (!transaction.creates || transaction.data.size <= size_max) return FINE;
    return refuse(Violation::InitcodeTooLarge, transaction.data.size, size_max);
}

ValidationError check_gas(const Transaction& transaction, const BlockEnv& block, const IntrinsicGas& gas) noexcept {
    const uint64_t limit = transaction.gas_limit;
    ValidationError error = check_intrinsic_gas(limit, gas);
    if (error.reason != Violation::None) return error;
    if (transaction.nonce == UINT64_MAX) return refuse(Violation::NonceIsMax, transaction.nonce);
    error = check_initcode(transaction, block);
    if (error.reason != Violation::None) return error;
    const uint64_t capped = capped_gas(limit, block, gas);
    if (capped > GAS_CAP) return refuse(Violation::GasAboveCap, capped, GAS_CAP);
    return check_block_gas(transaction, block);
}

ValidationError check_fees(const Transaction& transaction, const BlockEnv& block) noexcept {
    const u256& cap = transaction.max_fee_per_gas;
    if (cap < transaction.max_priority_fee_per_gas) {
        return refuse(Violation::PriorityFeeAboveFeeCap, transaction.max_priority_fee_per_gas, cap);
    }
    if (cap < block.base_fee) return refuse(Violation::FeeCapBelowBaseFee, cap, block.base_fee);
    return FINE;
}

ValidationError check_blob_list(const Transaction& transaction, const BlockEnv& block) noexcept {
    const uint64_t count = transaction.blob_count;
    if (count == 0) return refuse(Violation::NoBlobs, 0, 1);
    if (block.fork >= Fork::Osaka && count > BLOBS_MAX) return refuse(Violation::TooManyBlobs, count, BLOBS_MAX);
    for (uint64_t place = 0; place < count; ++place) {
        const uint8_t version = transaction.blob_hashes[place].bytes[0];
        if (version != BLOB_HASH_VERSION) return refuse(Violation::BlobHashVersion, version, BLOB_HASH_VERSION);
    }
    return FINE;
}

ValidationError check_blob_fee(const Transaction& transaction, const BlockEnv& block) noexcept {
    if (!(transaction.max_fee_per_blob_gas < block.blob_base_fee)) return FINE;
    return refuse(Violation::BlobFeeCapBelowBaseFee, transaction.max_fee_per_blob_gas, block.blob_base_fee);
}

ValidationError check_blobs(const Transaction& transaction, const BlockEnv& block) noexcept {
    if (transaction.type != TransactionType::Blob) return FINE;
    ValidationError error = check_blob_list(transaction, block);
    if (error.reason == Violation::None) error = check_blob_fee(transaction, block);
    if (error.reason == Violation::None && transaction.creates) error = refuse(Violation::BlobTransactionCreates);
    return error;
}

ValidationError check_authorizations(const Transaction& transaction) noexcept {
    if (transaction.type != TransactionType::SetCode) return FINE;
    if (transaction.creates) return refuse(Violation::SetCodeTransactionCreates);
    if (transaction.authorization_count == 0) return refuse(Violation::NoAuthorizations, 0, 1);
    return FINE;
}

}  // namespace

ValidationError check_form(const Transaction& transaction, const BlockEnv& block, const IntrinsicGas& gas) noexcept {
    if (block.fork < fork_of(transaction.type)) {
        return refuse(Violation::TypeNotSupported, static_cast<uint64_t>(transaction.type));
    }
    ValidationError error = check_signature(transaction, block);
    if (error.reason == Violation::None) error = check_gas(transaction, block, gas);
    if (error.reason == Violation::None) error = check_fees(transaction, block);
    if (error.reason == Violation::None) error = check_blobs(transaction, block);
    return error.reason == Violation::None ? check_authorizations(transaction) : error;
}

// ------------------------------------------------------------------------------ of calls

namespace {

ValidationError check_call_blobs(const Transaction& transaction, const BlockEnv& block, bool is_validated) noexcept {
    if (transaction.type != TransactionType::Blob) return FINE;
    if (transaction.creates) return refuse(Violation::BlobTransactionCreates);
    const ValidationError error = check_blob_list(transaction, block);
    const bool is_free_of_blob_fee = !is_validated && transaction.max_fee_per_blob_gas.is_zero();
    return error.reason != Violation::None || is_free_of_blob_fee ? error : check_blob_fee(transaction, block);
}

}  // namespace

ValidationError check_call_form(const Transaction& transaction, const BlockEnv& block, bool is_validated) noexcept {
    if (transaction.gas_limit > INT64_MAX) return refuse(Violation::GasAboveBlock, transaction.gas_limit, INT64_MAX);
    ValidationError error{};
    if (is_validated || !is_free(transaction)) error = check_fees(transaction, block);
    if (error.reason == Violation::None) error = check_call_blobs(transaction, block, is_validated);
    return error.reason == Violation::None ? check_authorizations(transaction) : error;
}

ValidationError check_call_gas(const Transaction& transaction, const BlockEnv& block,
                               const IntrinsicGas& gas) noexcept {
    ValidationError error = check_intrinsic_gas(transaction.gas_limit, gas);
    if (error.reason == Violation::None) error = check_initcode(transaction, block);
    // What runs is capped by itself (EIP-8037), so that what it costs at once has to fit.
    const uint64_t at_once = block.fork < Fork::Amsterdam ? 0 : std::max(gas.execution, gas.floor);
    if (error.reason == Violation::None && at_once > GAS_CAP) error = refuse(Violation::GasAboveCap, at_once, GAS_CAP);
    return error;
}

// ------------------------------------------------------------------------------ of what was paid for elsewhere

ValidationError check_block_gas(const Transaction& transaction, const BlockEnv& block) noexcept {
    const uint64_t limit = transaction.gas_limit;
    if (limit > block.gas_limit || limit > INT64_MAX) return refuse(Violation::GasAboveBlock, limit, block.gas_limit);
    return FINE;
}

ValidationError check_prepaid_form(const Transaction& transaction, const BlockEnv& block,
                                   const IntrinsicGas& gas) noexcept {
    const ValidationError error = check_intrinsic_gas(transaction.gas_limit, gas);
    return error.reason == Violation::None ? check_initcode(transaction, block) : error;
}

// ------------------------------------------------------------------------------ in the state

ValidationError check_nonce(const Transaction& transaction, uint64_t nonce) noexcept {
    if (transaction.nonce < nonce) return refuse(Violation::NonceTooLow, transaction.nonce, nonce);
    if (transaction.nonce > nonce) return refuse(Violation::NonceTooHigh, transaction.nonce, nonce);
    if (nonce == UINT64_MAX) return refuse(Violation::NonceIsMax, nonce);
    return FINE;
}

// The exact balance is read only where it does not suffice.
bool check_funds(Journal& journal, const Transaction& transaction, Account* sender, ValidationError& error) noexcept {
    u256 cost;
    const bool fits = cost_max(transaction, cost);
    bool holds = false;
    if (fits && !journal.can_pay(sender, cost, holds)) return false;
    if (holds) return true;
    u256 balance;
    if (!journal.balance(sender, balance)) return false;
    error = refuse(Violation::InsufficientFunds, balance, fits ? cost : ~u256{});
    return true;
}

namespace {

// EIP-3607; from Prague on a delegation is no code in this sense.
bool check_sender_code(Machine& machine, Account* sender, ValidationError& error) noexcept {
    Journal& journal = machine.journal;
    bool has_code = false;
    if (!journal.has_code(sender, has_code)) return false;
    if (has_code && machine.fork() >= Fork::Prague) {
        const Code* code = nullptr;
        if (!journal.code(sender, code)) return false;
        has_code = !code->is_delegation;
    }
    const OwnRules* const rules = machine.block->own_rules;
    if (has_code && (rules == nullptr || !rules->contracts_may_send)) error = refuse(Violation::SenderHasCode);
    return true;
}

}  // namespace

bool check_sender(Machine& machine, const Transaction& transaction, Account* sender, ValidationError& error) noexcept {
    Journal& journal = machine.journal;
    uint64_t nonce = 0;
    if (!journal.expect_nonce(sender, transaction.nonce) || !journal.nonce(sender, nonce)) return false;
    error = check_nonce(transaction, nonce);
    if (error.reason != Violation::None) return true;
    if (!check_funds(journal, transaction, sender, error)) return false;
    return error.reason != Violation::None || check_sender_code(machine, sender, error);
}

}  // namespace blockstm::evm
