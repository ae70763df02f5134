// The EVM of this library for a host that speaks EVMC: frames on one machine, each asked for by a call from outside.
//
// The interpreter is the same as everywhere, compiled once more with the files below shadow/ in the place of those of
// the same names: there the state is the host's. What a frame calls or creates is asked of the host, which may come
// back with another frame for this machine before it answers. One thread at a time.
#pragma once

#include "blockstm/evmc.h"
#include "evm/run/machine.hpp"
#include "guest/codes.hpp"

namespace blockstm::evm {

class GuestMachine {
public:
    evmc_result execute(const evmc_host_interface* host, evmc_host_context* context, evmc_revision revision,
                        const evmc_message& message, Span code) noexcept;

private:
    // The block and the transaction of a host's context.
    struct Surroundings {
        BlockEnv block;
        TransactionEnv transaction;
    };

    bool push(const evmc_message& message, const Code& code, Account& self) noexcept;
    evmc_result run(const evmc_message& message) noexcept;
    evmc_result result_of(Exit exit) noexcept;
    bool carry_out(const evmc_message& message) noexcept;
    bool may_ask(const Request& request, const evmc_message& message) noexcept;
    bool ask(const Request& request, const evmc_message& message) noexcept;
    evmc_message message_for(const Request& request, const evmc_message& message) noexcept;
    bool resume(const Request& request, const evmc_result& result) noexcept;
    bool no_memory() noexcept { return machine_.journal.stop(BLOCKSTM_NO_MEMORY); }

    Machine machine_;
    CodesByContent codes_;
};

}  // namespace blockstm::evm
