// The machine's beginning and end; see machine.hpp.
#include "evm/run/machine.hpp"

#include <sys/mman.h>

#include "evm/forks/added_opcodes.hpp"
#include "evm/run/calls.hpp"
#include "evm/run/inspector.hpp"

namespace blockstm::evm {

namespace {

constexpr uint64_t STACK_BYTES = STACK_WORDS * sizeof(u256);
// Above this, what deep calls have used of the stack goes back to the system.
constexpr uint64_t STACK_KEPT_BYTES = uint64_t{1} << 20;
constexpr uint64_t BUFFER_KEPT_BYTES = uint64_t{1} << 20;

}  // namespace

// Address space for all frames' stacks; the system gives memory to the pages that are used.
static u256* reserve_stack() noexcept {
    void* region = mmap(nullptr, STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return region == MAP_FAILED ? nullptr : static_cast<u256*>(region);
}

void free_initcodes(Machine& machine) noexcept {
    for (Frame& frame : machine.frames) {
        free_code(frame.initcode);
        frame.initcode = nullptr;
    }
}

Machine::~Machine() {
    free_initcodes(*this);
    if (stack != nullptr) munmap(stack, STACK_BYTES);
}

Variant Machine::variant() const noexcept {
    const bool is_stepped = inspector != nullptr && inspector->follows_steps();
    const uint16_t opcodes = block->added_opcodes == nullptr ? uint16_t{0} : block->added_opcodes->set;
    return {block->fork, is_stepped ? Tier::Stepped : Tier::Plain, opcodes};
}

bool Machine::begin(const BlockEnv& block_env, blockstm_view* view) noexcept {
    block = &block_env;
    journal.begin(view, variant(), block_env.added_precompiles);
    free_initcodes(*this);
    frames.clear();
    depth_max = 0;
    until_poll = POLL_GAS;
    output.clear();
    return_data.clear();
    encoded.clear();
    accesses.clear();
    request.account = nullptr;
    failure = Failure::None;
    transaction = TransactionEnv{};
    if (stack == nullptr) stack = reserve_stack();
    return stack != nullptr || journal.stop(BLOCKSTM_NO_MEMORY);
}

void Machine::end() noexcept {
    journal.end();
    memory.trim();
    output.release_above(BUFFER_KEPT_BYTES);
    return_data.release_above(BUFFER_KEPT_BYTES);
    encoded.release_above(BUFFER_KEPT_BYTES);
    accesses.release_above(BUFFER_KEPT_BYTES);
    // A frame uses up to 1024 words, so only many of them can have used much.
    constexpr int FRAMES_KEPT = static_cast<int>(STACK_KEPT_BYTES / (STACK_SIZE_MAX * sizeof(u256)));
    if (depth_max < FRAMES_KEPT) return;
    madvise(reinterpret_cast<uint8_t*>(stack) + STACK_KEPT_BYTES, STACK_BYTES - STACK_KEPT_BYTES, MADV_DONTNEED);
}

}  // namespace blockstm::evm
