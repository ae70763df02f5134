// The instances of an EVM from a shared library, by EVMC: one for each thread that runs something on it at the moment,
// as an instance is one thread's at a time.
//
// Any thread. The library outlives this, and this all blocks that run on it.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/array.hpp"
#include "base/fork_locks.hpp"
#include "blockstm/evmc.h"

namespace blockstm::evm {

// What an EVMC library does wrong while it runs. Numbers are known to Python (vm/evmc/faults.py).
enum class EvmcFault : uint64_t {
    None = 0,
    NoInstance = 1,      // its function gave a null pointer,
    BadInstance = 2,     // or what is no EVM of this ABI,
    BadOption = 3,       // or one that refuses an option which another one took
    Exception = 4,       // it let a C++ exception out
    InternalError = 5,   // it says so
    UnknownStatus = 6,
    TooMuchGasLeft = 7,  // more than it was given, or less than none
    GasAfterHalt = 8,    // which takes all
    NoOutput = 9,        // a null pointer to some bytes
    NullPointer = 10,    // what it hands to the host
    StaticWrite = 11,    // in a static call
    TooMuchGasAsked = 12,  // for a call, more than it has, or less than none
    BadRefund = 13,        // beyond what its gas can be about
    TooManyTopics = 14,
    BadCallKind = 15,
};

using EvmcCreate = evmc_vm* (*)();

// A setting of the VM's own; both strings outlive the instances.
struct EvmcOption {
    const char* name;
    const char* value;
};

class EvmcInstances {
public:
    explicit EvmcInstances(EvmcCreate create) noexcept : create_(create) {}
    ~EvmcInstances() {
        for (evmc_vm* vm : idle_) vm->destroy(vm);
    }
    EvmcInstances(const EvmcInstances&) = delete;
    EvmcInstances& operator=(const EvmcInstances&) = delete;

    // Before the first `take`, by one thread; false where memory ran out.
    bool add_option(const EvmcOption& option) noexcept { return options_.push(option); }

    // One that nobody else has; null where the library gives none, and `fault` says why.
    evmc_vm* take(EvmcFault& fault) noexcept {
        {
            const std::lock_guard guard(lock_);
            if (!idle_.empty()) {
                evmc_vm* vm = idle_.back();
                idle_.pop();
                return vm;
            }
        }
        return make(fault);
    }
    void give_back(evmc_vm* vm) noexcept {
        {
            const std::lock_guard guard(lock_);
            if (idle_.push(vm)) return;
        }
        vm->destroy(vm);
    }
    // The place of the option that an instance did not take.
    int64_t refused_option() noexcept {
        const std::lock_guard guard(lock_);
        return refused_option_;
    }

    static bool is_sound(const evmc_vm& vm) noexcept {
        return vm.abi_version == EVMC_ABI_VERSION && vm.name != nullptr && vm.version != nullptr &&
               vm.destroy != nullptr && vm.execute != nullptr && vm.get_capabilities != nullptr;
    }

    // As a mask of evmc_capabilities; none where the library fails to say.
    static uint32_t capabilities_of(evmc_vm* vm) noexcept {
        try {
            return vm->get_capabilities(vm);
        } catch (...) {
            return 0;
        }
    }

private:
    evmc_vm* make(EvmcFault& fault) noexcept {
        try {
            fault = EvmcFault::NoInstance;
            evmc_vm* vm = create_();
            if (vm == nullptr) return nullptr;
            fault = EvmcFault::BadInstance;
            if (!is_sound(*vm)) return nullptr;  // and nothing of it can be trusted, `destroy` neither
            fault = EvmcFault::BadOption;
            if (takes_options(vm)) return vm;
            vm->destroy(vm);
        } catch (...) {
            fault = EvmcFault::Exception;
        }
        return nullptr;
    }

    bool takes_options(evmc_vm* vm) {
        for (uint64_t place = 0; place < options_.size(); ++place) {
            const EvmcOption& each = options_[place];
            if (vm->set_option != nullptr && vm->set_option(vm, each.name, each.value) == EVMC_SET_OPTION_SUCCESS) {
                continue;
            }
            const std::lock_guard guard(lock_);
            refused_option_ = static_cast<int64_t>(place);
            return false;
        }
        return true;
    }

    const EvmcCreate create_;
    Array<EvmcOption> options_;
    int64_t refused_option_ = 0;  // by the lock, as threads may be refused at once
    ForkMutex lock_;
    Array<evmc_vm*> idle_;
};

}  // namespace blockstm::evm
