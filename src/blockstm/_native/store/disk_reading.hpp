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

    // What was unreadable first since the last call, or else what the last call gave: of threads that failed side by
    // side one takes what the others come for, too. None: memory failed.
    Failure take_failure() noexcept {
        const std::lock_guard guard(failing_);
        if (!failure_.is_none()) taken_ = failure_;
        failure_ = Failure{};
        return taken_;
    }
    int32_t fail(const Failure& failure) noexcept {
        const std::lock_guard guard(failing_);
        if (failure.code == ENOMEM) {
            taken_ = Failure{};
            return BLOCKSTM_NO_MEMORY;
        }
        if (failure_.is_none()) failure_ = failure;
        return BLOCKSTM_STATE_ERROR;
    }

private:
    std::mutex failing_;
    Failure failure_;
    Failure taken_;
};

// `context` is a DiskReading. What it gives stays until the thread reads again, or the state changes.
int32_t read_location(void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value) noexcept;

}  // namespace blockstm::store
