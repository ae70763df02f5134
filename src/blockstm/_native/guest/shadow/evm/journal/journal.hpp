// The journal as the interpreter sees it where the state is a host's, by EVMC: found in the place of the one in
// evm/journal, whose functions it has as far as the interpreter calls them. It keeps nothing but a frame's refund:
// each question goes to the host, which takes back what a frame that fails has done.
//
// Used by one thread, for one frame at a time: `attach` says whose host is asked.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"
#include "blockstm/evmc.h"
#include "blockstm/vm_abi.h"
#include "evm/compile/code.hpp"
#include "evm/evmc/conversions.hpp"
#include "evm/forks/forks.hpp"

namespace blockstm::evm {

class AddedPrecompiles;

class Checkpoint {};  // the host's

struct Account {
    Address address;
};

enum JournalFault : int32_t { PRECOMPILE_RAISED = 105 };  // of opcodes of the embedder's own, of which there are none

class Journal {
public:
    void begin(blockstm_view*, Variant variant, const AddedPrecompiles*) noexcept {
        variant_ = variant;
        fault_ = BLOCKSTM_OK;
        refund_ = 0;
    }
    void end() noexcept {}
    void attach(const evmc_host_interface* host, evmc_host_context* context) noexcept {
        host_ = host;
        context_ = context;
    }
    const evmc_host_interface* host() const noexcept { return host_; }
    evmc_host_context* context() const noexcept { return context_; }

    Variant variant() const noexcept { return variant_; }
    void set_variant(Variant variant) noexcept { variant_ = variant; }
    int32_t fault() const noexcept { return fault_; }
    bool stop(int32_t status) noexcept {
        if (fault_ == BLOCKSTM_OK) fault_ = status;
        return false;
    }
    bool poll() noexcept { return true; }

    // -- accounts. What is found is good for one instruction.
    bool account(const Address& address, Account*& found) noexcept {
        found = &met_[met_count_++ % MET];
        found->address = address;
        return true;
    }
    bool access(const Account* account, bool& was_cold) noexcept {
        const evmc_address address = to_evmc(account->address);
        was_cold = host_->access_account(context_, &address) == EVMC_ACCESS_COLD;
        return true;
    }
    bool balance(const Account* account, u256& value) noexcept {
        const evmc_address address = to_evmc(account->address);
        value = from_evmc(host_->get_balance(context_, &address));
        return true;
    }
    bool exists(const Account* account, bool& holds) noexcept {
        const evmc_address address = to_evmc(account->address);
        holds = host_->account_exists(context_, &address);
        return true;
    }
    // From Spurious Dragon on only, where to exist is to be not empty.
    bool is_empty(const Account* account, bool& holds) noexcept {
        const bool goes_on = exists(account, holds);
        holds = !holds;
        return goes_on;
    }
    // The callee's, which the host will find: here it is only asked whether that is a delegation (EIP-7702).
    bool code(const Account* account, const Code*& code) noexcept {
        met_code_.is_delegation = delegate_of(account->address, met_code_.delegate);
        code = &met_code_;
        return true;
    }
    bool delegate_of(const Address& address, Address& delegate) noexcept {
        if (variant_.fork < Fork::Prague) return false;
        const evmc_address same = to_evmc(address);
        uint8_t bytes[DELEGATION_SIZE];
        if (host_->get_code_size(context_, &same) != DELEGATION_SIZE) return false;
        if (host_->copy_code(context_, &same, 0, bytes, sizeof bytes) != sizeof bytes) return false;
        if (std::memcmp(bytes, DELEGATION_PREFIX, sizeof DELEGATION_PREFIX) != 0) return false;
        std::memcpy(delegate.bytes, bytes + sizeof DELEGATION_PREFIX, sizeof delegate.bytes);
        return true;
    }
    int precompile_at(const Address&) const noexcept { return 0; }  // the host's
    void see(const Account*) noexcept {}
    // Whether the account is registered to go, for the first time.
    bool self_destruct(const Account* account, const Account* beneficiary) noexcept {
        const evmc_address address = to_evmc(account->address), receiver = to_evmc(beneficiary->address);
        return host_->selfdestruct(context_, &address, &receiver);
    }

    // -- storage of the account at an address
    bool access(const Address& address, const u256& key, bool& was_cold) noexcept {
        const evmc_address same = to_evmc(address);
        const evmc_bytes32 word = to_evmc(key);
        was_cold = host_->access_storage(context_, &same, &word) == EVMC_ACCESS_COLD;
        return true;
    }
    u256 load(const Address& address, const u256& key) noexcept {
        const evmc_address same = to_evmc(address);
        const evmc_bytes32 word = to_evmc(key);
        return from_evmc(host_->get_storage(context_, &same, &word));
    }
    evmc_storage_status store(const Address& address, const u256& key, const u256& value) noexcept {
        const evmc_address same = to_evmc(address);
        const evmc_bytes32 word = to_evmc(key), stored = to_evmc(value);
        return host_->set_storage(context_, &same, &word, &stored);
    }
    u256 load_transient(const Address& address, const u256& key) noexcept {
        const evmc_address same = to_evmc(address);
        const evmc_bytes32 word = to_evmc(key);
        return from_evmc(host_->get_transient_storage(context_, &same, &word));
    }
    void store_transient(const Address& address, const u256& key, const u256& value) noexcept {
        const evmc_address same = to_evmc(address);
        const evmc_bytes32 word = to_evmc(key), stored = to_evmc(value);
        host_->set_transient_storage(context_, &same, &word, &stored);
    }

    // -- logs, hashes of blocks, refunds
    bool log(const Address& address, const Hash32* topics, uint8_t topic_count, Span data) noexcept {
        const evmc_address same = to_evmc(address);
        static_assert(sizeof(Hash32) == sizeof(evmc_bytes32));
        host_->emit_log(context_, &same, data.data, data.size, reinterpret_cast<const evmc_bytes32*>(topics),
                        topic_count);
        return true;
    }
    u256 block_hash(uint64_t number) noexcept {
        return from_evmc(host_->get_block_hash(context_, static_cast<int64_t>(number)));
    }
    void add_refund(int64_t gas) noexcept { refund_ += gas; }
    int64_t refund() const noexcept { return refund_; }
    void set_refund(int64_t gas) noexcept { refund_ = gas; }

private:
    static constexpr uint64_t MET = 8;  // no instruction has to do with more

    const evmc_host_interface* host_ = nullptr;
    evmc_host_context* context_ = nullptr;
    Variant variant_;
    int32_t fault_ = BLOCKSTM_OK;
    int64_t refund_ = 0;
    Account met_[MET];
    uint64_t met_count_ = 0;
    Code met_code_{};
};

}  // namespace blockstm::evm
