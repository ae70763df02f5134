// A block prepared for the EVM: what the engine calls for each of its steps.
//
// Filled by prepared.pyx with the GIL held, read-only while the engine runs it, but for what its inspector's
// recorder notes. `execute_prepared` may be called by any number of threads at once, for one index by one;
// each thread has one machine, made at its first call and kept.
#pragma once

#include <algorithm>
#include <memory>
#include <new>

#include "base/bytes.hpp"
#include "blockstm/vm_abi.h"
#include "evm/inspect/recording_room.hpp"
#include "evm/precompiles/result_memo.hpp"
#include "evm/step_list.hpp"

namespace blockstm::evm {

class EvmcInstances;

struct PreparedBlock {
    PreparedBlock() noexcept { env.results = &results_; }

    BlockEnv env{};
    StepList steps;
    EvmcInstances* evmc = nullptr;  // of the EVM that runs the block's code; null: this one
    uint16_t recorded = 0;  // a mask of events (inspect/recorder.hpp); 0 where nobody watches
    void* reader = nullptr;                // the object that takes recordings when steps become final
    std::unique_ptr<Bytes[]> recordings;  // of the last run of each step, where somebody does
    RecordingRoom room;                   // for recordings
    std::unique_ptr<bool[]> unwatched;    // whether a step is not recorded; null: all are

    const Step& step(int64_t index, std::optional<Step>& room) const noexcept {
        return steps.at(static_cast<uint64_t>(index), room);
    }

    AskedBy asked(int64_t index) const noexcept { return steps.asked(static_cast<uint64_t>(index)); }

    // Has each run of a step recorded from here on, when all steps are there; for one run of the block. False where
    // memory ran out.
    bool record(uint16_t mask, void* whose) noexcept {
        recordings.reset(new (std::nothrow) Bytes[steps.size()]);
        recorded = mask;
        reader = whose;
        return recordings != nullptr;
    }
    // Has none recorded but those that are watched from here on. False where memory ran out.
    bool unwatch_all() noexcept {
        unwatched.reset(new (std::nothrow) bool[steps.size()]);
        if (unwatched != nullptr) std::fill_n(unwatched.get(), steps.size(), true);
        return unwatched != nullptr;
    }
    void watch(int64_t index) noexcept { unwatched[index] = false; }
    bool watches(int64_t index) const noexcept { return unwatched == nullptr || !unwatched[index]; }
    // What the last run of a step has asked for; it is about to become final.
    void answer(int64_t index, uint64_t tag, const blockstm_bytes* value) noexcept;
    // What the last run of a step was; it is taken out.
    void take_recording(int64_t index, Bytes& events) noexcept { events.swap(recordings[index]); }

    // ---- recordings of what has become final, that stay here until the block has run

    // When all steps are there and `record` was called: so many bytes at most of all, and of each. False where memory
    // ran out.
    bool keep(uint64_t bytes, uint64_t bytes_of_each) noexcept {
        kept_.reset(new (std::nothrow) Bytes[steps.size()]);
        kept_max_ = bytes;
        kept_of_each_max_ = bytes_of_each;
        return kept_ != nullptr;
    }
    const Bytes* kept() const noexcept { return kept_.get(); }  // by step; null where none are kept
    // A step has become final; called for one after the other. False where there is more than may be.
    bool keep_recording(int64_t index) noexcept {
        kept_[index].swap(recordings[index]);
        kept_bytes_ += kept_[index].size();
        if (kept_[index].size() > kept_of_each_max_) exceeded_ = kept_of_each_max_;
        if (kept_bytes_ > kept_max_) exceeded_ = kept_max_;
        return exceeded_ == 0;
    }
    uint64_t exceeded() const noexcept { return exceeded_; }  // the bound that there was more than; 0: none

private:
    ResultMemo results_;
    std::unique_ptr<Bytes[]> kept_;
    uint64_t kept_bytes_ = 0;
    uint64_t kept_max_ = UINT64_MAX;
    uint64_t kept_of_each_max_ = UINT64_MAX;
    uint64_t exceeded_ = 0;
};

// Makes steps from `first` on, for which there is room: the transactions that these encodings are, and their senders;
// 0 in `is_filled` where that is left to the Python code (see `read_plain_transaction`). `threads` share what is much,
// also what it takes to have fresh memory mapped. False where memory ran out.
bool fill_transactions(const Span* encodings, const Address* senders, uint64_t count, uint32_t threads, uint64_t first,
                       StepList& steps, uint8_t* is_filled) noexcept;

// The `execute` of the engine's table; `context` is a PreparedBlock.
int32_t execute_prepared(void* context, blockstm_view* view, int64_t index) noexcept;
// The same by itself: nothing is fetched ahead for steps that come after it.
int32_t execute_alone(void* context, blockstm_view* view, int64_t index) noexcept;
// The same for a block whose code another EVM runs, by EVMC.
int32_t execute_on_evmc(void* context, blockstm_view* view, int64_t index) noexcept;
// The same for a block that records.
int32_t execute_recorded(void* context, blockstm_view* view, int64_t index) noexcept;

// The `answer` of a block that records.
void answer_prepared(void* context, int64_t index, uint64_t tag, const blockstm_bytes* value) noexcept;
// The `committed` of a block that keeps what it records.
int32_t keep_prepared(void* context, int64_t index) noexcept;

// The `admit` and `count` of the engine's table.
int32_t admit_prepared(void* context, int64_t index, const blockstm_tally* tally,
                    blockstm_refusal* refusal) noexcept;
void count_prepared(void* context, int64_t index, const uint8_t* output, uint64_t size,
                 blockstm_tally* tally) noexcept;

// The same as `execute_prepared`, and `lines` has what EIP-3155 says of each instruction; false in `is_whole`
// where memory ran out for them.
int32_t execute_traced(const PreparedBlock& block, blockstm_view* view, int64_t index, Bytes& lines,
                       bool& is_whole) noexcept;

}  // namespace blockstm::evm
