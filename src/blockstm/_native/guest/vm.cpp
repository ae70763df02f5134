// What the shared library exports: the function that gives an instance, by both of the names that hosts look for.
#include <new>

#include "guest/execution.hpp"

#ifndef BLOCKSTM_VERSION
#define BLOCKSTM_VERSION "unknown"
#endif

namespace blockstm::evm {
namespace {

struct GuestVm final : evmc_vm {
    GuestVm() noexcept
        : evmc_vm{EVMC_ABI_VERSION, "blockstm",  BLOCKSTM_VERSION, destroy_guest,
                  execute_guest,    has_evm1_only, nullptr} {}

    static void destroy_guest(evmc_vm* vm) noexcept { delete static_cast<GuestVm*>(vm); }
    static evmc_result execute_guest(evmc_vm* vm, const evmc_host_interface* host, evmc_host_context* context,
                                     evmc_revision revision, const evmc_message* message, const uint8_t* code,
                                     size_t size) noexcept {
        return static_cast<GuestVm*>(vm)->machine.execute(host, context, revision, *message, {code, size});
    }
    static evmc_capabilities_flagset has_evm1_only(evmc_vm*) noexcept { return EVMC_CAPABILITY_EVM1; }

    GuestMachine machine;
};

}  // namespace
}  // namespace blockstm::evm

extern "C" {

[[gnu::visibility("default")]] evmc_vm* evmc_create_blockstm_evmc() {
    return new (std::nothrow) blockstm::evm::GuestVm;
}

[[gnu::visibility("default")]] evmc_vm* evmc_create() { return evmc_create_blockstm_evmc(); }

}
