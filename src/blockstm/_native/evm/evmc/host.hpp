// The host of an EVM from a shared library, by EVMC: its frames run on the machine's journal, as the native ones do.
//
// A host is made for one step and lives as long as that runs, on one thread. Each frame of the library's is one of the
// machine's: what it asks of the host is asked of the journal, and so of the engine's view, which records conditions as
// for native frames. Calls and creations are the machine's, too: precompiles, transfers, checkpoints, code deposits. A
// frame that the library rejects (EVMC_REJECTED) is run natively, and what that calls goes to the library first again.
//
// EVMC has no way to stop a VM. Where the run is over, the host answers with zeros, failed calls and cold accesses
// until the library comes back, and then nothing counts. What breaks the interface ends the run with EVMC_BROKEN.
#pragma once

#include "blockstm/evmc.h"
#include "evm/evmc/instances.hpp"
#include "evm/run/machine.hpp"

namespace blockstm::evm {

class EvmcHost final : public MessageRunner {
public:
    EvmcHost(Machine& machine, EvmcInstances& instances) noexcept;
    ~EvmcHost();

    // As `run_message`, which calls it.
    bool run(Machine& machine, const Message& message, ExecutionResult& result) noexcept override;

    // -- what the functions of the host's table are made of (host_interface.cpp)

    bool account_exists(const Address& address) noexcept;
    u256 storage(const Address& address, const u256& key) noexcept;
    evmc_storage_status set_storage(const Address& address, const u256& key, const u256& value) noexcept;
    u256 balance(const Address& address) noexcept;
    Span code(const Address& address) noexcept;
    Hash32 code_hash(const Address& address) noexcept;
    bool selfdestruct(const Address& address, const Address& beneficiary) noexcept;
    evmc_result call(const evmc_message& asked) noexcept;
    evmc_tx_context transaction_context() const noexcept;
    u256 block_hash(int64_t number) noexcept;
    void log(const Address& address, Span data, const evmc_bytes32* topics, uint64_t topic_count) noexcept;
    bool was_warm(const Address& address) noexcept;  // and is from here on
    bool was_warm(const Address& address, const u256& key) noexcept;
    u256 transient_storage(const Address& address, const u256& key) noexcept;
    void set_transient_storage(const Address& address, const u256& key, const u256& value) noexcept;

    bool is_over() const noexcept { return machine_.journal.fault() != BLOCKSTM_OK; }
    // The library has broken the interface, and the run is over; false.
    bool broken(EvmcFault fault) noexcept;

private:
    // What a frame's message says beside the frame itself.
    struct Asked {
        Span input;  // stays where it is until the frame ends
        Address code_address;
        bool is_delegated = false;
    };

    bool run_topmost(const Asked& asked, ExecutionResult& result) noexcept;
    bool run_natively(ExecutionResult& result) noexcept;
    bool follow(const Address& address, Asked& asked) noexcept;
    Exit execute(const Asked& asked, bool& is_rejected) noexcept;
    evmc_message message_of(const Frame& frame, const Asked& asked) const noexcept;
    bool call_library(const evmc_message& message, evmc_result& result) noexcept;
    Exit take(const evmc_result& result, int64_t given, int64_t refund_before) noexcept;
    EvmcFault fault_of(const evmc_result& result, int64_t given) const noexcept;
    bool request(const evmc_message& asked) noexcept;
    bool put_input(const evmc_message& asked) noexcept;
    bool find_code(const evmc_message& asked) noexcept;
    bool may_write() noexcept;
    bool find(const Address& address, Account*& account) noexcept;
    bool find(const Address& address, const u256& key, Slot*& slot) noexcept;

    Machine& machine_;
    Journal& journal_;
    EvmcInstances& instances_;
    evmc_vm* vm_;  // null: the library gave none
    EvmcFault fault_ = EvmcFault::None;
};

// The table that the library is given; the context of its functions is an EvmcHost.
extern const evmc_host_interface EVMC_HOST_INTERFACE;

}  // namespace blockstm::evm
