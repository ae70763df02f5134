// Prepared blocks; see prepared_block.hpp.
#include "evm/prepared_block.hpp"

#include "base/per_thread.hpp"
#include "base/threads.hpp"
#include "evm/evmc/host.hpp"
#include "evm/execute.hpp"
#include "evm/inspect/pre_state_recorder.hpp"
#include "evm/inspect/step_recorder.hpp"
#include "evm/inspect/trace.hpp"
#include "evm/lookahead.hpp"
#include "evm/transaction/admission.hpp"
#include "wire/encoded.hpp"

namespace blockstm::evm {
namespace {

// A thread's machine lives as long as the thread: its stack, memory and tables are made once.
struct Owned {
    Machine machine;
    Lookahead lookahead;
    bool is_used = false;
};

Owned* owned_by_this_thread() noexcept {
    static PerThread<Owned> owned;
    return owned.get();
}

// A thread's machine for one run. A run inside another, as a precompile of the embedder's own may begin one, has a
// machine of its own.
class Borrowed {
public:
    Borrowed() noexcept : owned_(owned_by_this_thread()) {
        if (owned_ != nullptr && owned_->is_used) {
            inner_.reset(new (std::nothrow) Owned);
            owned_ = inner_.get();
        }
        if (owned_ != nullptr) owned_->is_used = true;
    }
    ~Borrowed() {
        if (owned_ != nullptr) owned_->is_used = false;
    }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;

    explicit operator bool() const noexcept { return owned_ != nullptr; }  // false where memory ran out
    Owned* operator->() const noexcept { return owned_; }

private:
    Owned* owned_;
    std::unique_ptr<Owned> inner_;
};

int32_t execute_under(Machine& machine, Recorder& recorder, PreparedBlock& block, blockstm_view* view,
                      int64_t index) noexcept {
    const Inspection inspection(machine, recorder);
    std::optional<Step> room;
    const int32_t status = execute_step(machine, block.env, block.step(index, room), view);
    recorder.close();
    // A run that was stopped does not count, and the one that does may be over already.
    if (status == BLOCKSTM_STOPPED || recorder.is_full) {
        recorder.drop();
        if (status == BLOCKSTM_STOPPED) return status;
        return recorder.is_over ? fail_for_recording(view) : fail_for_memory(view);
    }
    recorder.keep(block.recordings[index].size());
    block.recordings[index].swap(recorder.events);
    return status;
}

}  // namespace

bool fill_transactions(const Span* encodings, const Address* senders, uint64_t count, uint32_t threads, uint64_t first,
                       StepList& steps, uint8_t* is_filled) noexcept {
    constexpr uint64_t PART_MIN = 1024;
    constexpr uint8_t IS_TO_BE_KEPT = 2;
    run_even_parts(threads, count, PART_MIN, [=, &steps](uint64_t begin, uint64_t size) noexcept {
        for (uint64_t place = begin; place < begin + size; ++place) {
            PlainTransaction plain;
            is_filled[place] = read_plain_transaction(encodings[place], plain);
            if (!is_filled[place]) continue;
            plain.transaction.sender = senders[place];
            if (!steps.set(first + place, plain.transaction)) is_filled[place] = IS_TO_BE_KEPT;
        }
    });
    for (uint64_t place = 0; place < count; ++place) {
        if (is_filled[place] != IS_TO_BE_KEPT) continue;
        Step* const step = steps.kept(first + place);
        if (step == nullptr) return false;
        PlainTransaction plain;
        read_plain_transaction(encodings[place], plain);
        step->transaction = plain.transaction;
        step->transaction.sender = senders[place];
    }
    return true;
}

int32_t execute_prepared(void* context, blockstm_view* view, int64_t index) noexcept {
    const auto& block = *static_cast<const PreparedBlock*>(context);
    const Borrowed owned;
    if (!owned) return BLOCKSTM_FAILED;
    Machine& machine = owned->machine;
    owned->lookahead.advance(block.steps, index, view, machine.hashes);
    machine.hashes.begin();
    std::optional<Step> room;
    const Step& step = block.step(index, room);
    const int32_t status = execute_step(machine, block.env, step, view);
    if (status != BLOCKSTM_STOPPED) owned->lookahead.learn(named_by(step), machine.journal, machine.hashes);
    return status;
}

int32_t execute_alone(void* context, blockstm_view* view, int64_t index) noexcept {
    const auto& block = *static_cast<const PreparedBlock*>(context);
    const Borrowed owned;
    if (!owned) return BLOCKSTM_FAILED;
    owned->machine.hashes.begin();
    std::optional<Step> room;
    return execute_step(owned->machine, block.env, block.step(index, room), view);
}

int32_t execute_on_evmc(void* context, blockstm_view* view, int64_t index) noexcept {
    const auto& block = *static_cast<const PreparedBlock*>(context);
    const Borrowed owned;
    if (!owned) return BLOCKSTM_FAILED;
    owned->machine.hashes.begin();
    const EvmcHost host(owned->machine, *block.evmc);
    std::optional<Step> room;
    return execute_step(owned->machine, block.env, block.step(index, room), view);
}

int32_t execute_recorded(void* context, blockstm_view* view, int64_t index) noexcept {
    auto& block = *static_cast<PreparedBlock*>(context);
    if (!block.watches(index)) return execute_prepared(context, view, index);
    const Borrowed owned;
    if (!owned) return BLOCKSTM_FAILED;
    Machine* const machine = &owned->machine;
    std::optional<Step> room;
    const Step& step = block.step(index, room);
    if ((block.recorded & PRE_STATE_BIT) != 0) {
        PreStateRecorder recorder(block.recorded, step, block.room);
        return execute_under(*machine, recorder, block, view, index);
    }
    if ((block.recorded & (WHOLE_STEP_BIT | COUNT_BIT)) != 0) {
        StepRecorder recorder(block.recorded, block.room);
        return execute_under(*machine, recorder, block, view, index);
    }
    Recorder recorder(block.recorded, block.room);
    const int32_t status = execute_under(*machine, recorder, block, view, index);
    if (!recorder.asks_again()) return status;
    Recorder closer(block.recorded | FAULT_BIT, block.room);
    return execute_under(*machine, closer, block, view, index);
}

void PreparedBlock::answer(int64_t index, uint64_t tag, const blockstm_bytes* value) noexcept {
    u256 number{};
    const bool is_number = value != nullptr && value->size == sizeof number.limb;
    if (is_number) std::memcpy(number.limb, value->data, sizeof number.limb);
    fill_in_balance(recordings[index], tag, number);
}

void answer_prepared(void* context, int64_t index, uint64_t tag, const blockstm_bytes* value) noexcept {
    static_cast<PreparedBlock*>(context)->answer(index, tag, value);
}

int32_t keep_prepared(void* context, int64_t index) noexcept {
    return static_cast<PreparedBlock*>(context)->keep_recording(index) ? BLOCKSTM_SUCCESS : BLOCKSTM_FAILED;
}

int32_t admit_prepared(void* context, int64_t index, const blockstm_tally* tally,
                    blockstm_refusal* refusal) noexcept {
    const auto& block = *static_cast<const PreparedBlock*>(context);
    ValidationError found = check_room(block.asked(index), block.env, *tally);
    if (found.reason == Violation::None) return BLOCKSTM_SUCCESS;
    std::optional<Step> room;
    const ValidationError form = form_of(block.step(index, room), block.env);
    if (form.reason != Violation::None) found = form;
    static_assert(VALIDATION_ERROR_BYTES <= BLOCKSTM_REFUSAL_MAX);
    encode_validation_error(found, refusal->data);
    refusal->size = VALIDATION_ERROR_BYTES;
    return BLOCKSTM_INVALID;
}

void count_prepared(void* context, int64_t index, const uint8_t* output, uint64_t size,
                 blockstm_tally* tally) noexcept {
    const auto& block = *static_cast<const PreparedBlock*>(context);
    count_use(block.asked(index), block.env, {output, size}, *tally);
}

int32_t execute_traced(const PreparedBlock& block, blockstm_view* view, int64_t index, Bytes& lines,
                       bool& is_whole) noexcept {
    const Borrowed owned;
    if (!owned) return BLOCKSTM_FAILED;
    StepTracer tracer;
    const Inspection inspection(owned->machine, tracer);
    std::optional<Step> room;
    const int32_t status = execute_step(owned->machine, block.env, block.step(index, room), view);
    is_whole = !tracer.is_full;
    lines.swap(tracer.lines);
    return status;
}

}  // namespace blockstm::evm
