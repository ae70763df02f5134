// The locations of a state on disk, as the engine reads them: `read` of a blockstm_state (vm_abi.h).
//
// The keys are those of blockstm._native.state.locations. Threads: any worker, without the GIL.
#pragma once

#include <cerrno>

#include "blockstm/vm_abi.h"
#include "store/disk_accounts.hpp"

namespace blockstm::store {

struct DiskReading {
    DiskAccounts accounts;

    // What was unreadable first since the last call.
    Failure take_failure() noexcept {
        const std::lock_guard guard(failing_);
        const Failure taken = failure_;
        failure_ = Failure{};
        return taken;
    }
    int32_t fail(const Failure& failure) noexcept {
        if (failure.code == ENOMEM) return BLOCKSTM_NO_MEMORY;
        const std::lock_guard guard(failing_);
        if (failure_.is_none()) failure_ = failure;
        return BLOCKSTM_STATE_ERROR;
    }

private:
    std::mutex failing_;
    Failure failure_;
};

// `context` is a DiskReading. What it gives stays until the thread reads again, or the state changes.
int32_t read_location(void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value) noexcept;

}  // namespace blockstm::store
