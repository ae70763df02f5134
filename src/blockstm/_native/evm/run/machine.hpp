// The machine: everything one worker needs to run transactions, kept and reused between them, so that
// in steady state a frame costs no allocation. One thread at a time.
#pragma once

#include "base/bytes.hpp"
#include "evm/block.hpp"
#include "evm/journal/journal.hpp"
#include "evm/run/frame.hpp"
#include "evm/run/hash_memo.hpp"
#include "evm/run/memory.hpp"
#include "evm/run/state_gas.hpp"

namespace blockstm::evm {

class Inspector;
class MessageRunner;

// What is the same for all frames of a transaction.
struct TransactionEnv {
    Address origin;
    u256 gas_price;  // effective
    const Hash32* blob_hashes;
    uint64_t blob_count;
};

struct Machine {
    Machine() noexcept = default;
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // Ready for the next transaction; false where memory ran out.
    bool begin(const BlockEnv& block, blockstm_view* view) noexcept;
    // After it, however it went: an unusual transaction's memory is given back.
    void end() noexcept;

    Fork fork() const noexcept { return block->fork; }
    Variant variant() const noexcept;  // of the code that runs
    // Every so much gas, a run asks whether it still counts: it may have more than anybody will wait for.
    static constexpr int64_t POLL_GAS = int64_t{1} << 20;
    static constexpr int64_t SOON_GAS = int64_t{1} << 24;  // a frame with no more ends within a tenth of a second
    static constexpr int64_t CALL_WEIGHT = 1000;   // of a call, in gas, beside what is charged for it
    static constexpr uint64_t LONG_BYTES = 1 << 16;  // what works on so many asks by itself
    bool poll() noexcept {
        until_poll = POLL_GAS;
        return journal.poll();
    }
    bool spend(int64_t gas) noexcept {
        until_poll -= gas;
        return until_poll >= 0 || poll();
    }

    bool meters_state() const noexcept { return block->fork >= Fork::Amsterdam; }

    Journal journal;
    Memory memory;          // of all frames, one behind the other
    u256* stack = nullptr;  // of all frames, one behind the other: room for 1024 of 1024
    Array<Frame> frames;
    Bytes output;           // of the frame that ended last
    Bytes return_data;      // what RETURNDATA* see
    Request request{};      // valid after Exit::Call
    Failure failure = Failure::None;
    StateGas state_gas;              // used where `meters_state`
    int64_t until_poll = POLL_GAS;   // gas
    int64_t polled_below = 0;        // the interpreter's own: at this gas it polls
    int depth_max = 0;               // of the frames of this transaction
    int out_of_sentry_gas = -1;      // for inspectors: the depth of a frame that failed so at SSTORE (EIP-2200)
    uint64_t missing_block = 0;      // with the fault MISSING_BLOCK_HASH: its number
    uint64_t error = 0;              // with the fault PRECOMPILE_RAISED: what it left
    Bytes encoded;                   // what goes out as the step's output
    Bytes accesses;                  // its part of the block's access list, where there is one
    const BlockEnv* block = nullptr;
    TransactionEnv transaction{};
    Inspector* inspector = nullptr;  // null where nobody watches
    MessageRunner* runner = nullptr;  // what runs messages in another way than the plain one; null: nothing does
    HashMemo hashes;
};

// Runs the topmost frame from where it was left. Defined in interpreter.cpp.
Exit interpret(Machine& machine) noexcept;
// The same, under the eyes of the machine's inspector. Defined in inspected.cpp.
Exit interpret_inspected(Machine& machine) noexcept;

// The call or creation that a transaction, or a block for itself, consists of.
struct Message {
    bool creates = false;
    bool is_static = false;
    int64_t gas = 0;
    Address caller{};
    Address target{};            // of a creation: the new account
    const Code* code = nullptr;  // a delegation followed; of a creation: not used
    u256 value{};                // the caller can pay it
    Span input{};                // of a creation: the initcode
};

// What a call or creation came to; its output is in `machine.output`.
struct ExecutionResult {
    bool succeeded;
    int64_t gas_left;
    Failure failure;
};

// Runs it to its end; false where the run is over.
bool run_message(Machine& machine, const Message& message, ExecutionResult& result) noexcept;

// Another way to run messages, which `run_message` leaves them to: under the eyes of an inspector, or elsewhere.
class MessageRunner {
public:
    virtual bool run(Machine& machine, const Message& message, ExecutionResult& result) noexcept = 0;

protected:
    ~MessageRunner() = default;
};

// What runs them for a machine with an inspector. Defined in inspected.cpp.
MessageRunner& inspected_runner() noexcept;

}  // namespace blockstm::evm
