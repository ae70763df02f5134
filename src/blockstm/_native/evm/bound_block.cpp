// Bound blocks; see bound_block.hpp.
#include "evm/bound_block.hpp"

#include <pthread.h>

#include <new>

#include "evm/execute.hpp"
#include "evm/trace.hpp"

namespace blockstm::evm {
namespace {

// A thread's machine lives as long as the thread: its stack, memory and tables are made once. It is kept
// under a key of the system's and not in a `thread_local`, whose memory the system takes back together
// with the thread's while its destructor may still be looking at it, as far as a race detector can tell.
class Machines {
public:
    Machines() noexcept { has_key_ = pthread_key_create(&key_, destroy) == 0; }

    // Null where memory ran out.
    Machine* of_this_thread() noexcept {
        if (!has_key_) return nullptr;
        if (void* known = pthread_getspecific(key_)) return static_cast<Machine*>(known);
        auto* machine = new (std::nothrow) Machine;
        if (machine != nullptr && pthread_setspecific(key_, machine) != 0) {
            delete machine;
            return nullptr;
        }
        return machine;
    }

private:
    static void destroy(void* machine) noexcept { delete static_cast<Machine*>(machine); }

    pthread_key_t key_{};
    bool has_key_ = false;
};

Machines& machines() noexcept {
    static Machines machines;
    return machines;
}

}  // namespace

int32_t execute_bound(void* context, blockstm_view* view, int64_t index) noexcept {
    const auto& block = *static_cast<const BoundBlock*>(context);
    Machine* machine = machines().of_this_thread();
    if (machine == nullptr) return BLOCKSTM_FAILED;
    return execute_step(*machine, block.env, block.steps[index], view);
}

int32_t execute_traced(const BoundBlock& block, blockstm_view* view, int64_t index, Bytes& lines,
                       bool& is_whole) noexcept {
    Machine* machine = machines().of_this_thread();
    if (machine == nullptr) return BLOCKSTM_FAILED;
    Tracer tracer;
    machine->tracer = &tracer;
    const int32_t status = execute_step(*machine, block.env, block.steps[index], view);
    machine->tracer = nullptr;
    is_whole = !tracer.is_full;
    lines.swap(tracer.lines);
    return status;
}

}  // namespace blockstm::evm
