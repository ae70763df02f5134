// Inspectors (as revm has them) watch a machine at work: its instructions, its calls, what those do to the
// state. One derives from Inspector, and watches a machine for the life of an Inspection.
//
// They cost nothing where there is none: a machine without one runs a loop that does not know of them, one
// with it another instantiation of that loop (run/inspected.cpp). Code has a tier of its own for inspectors
// that follow steps, so that those which follow calls or slots alone run it at its full speed.
//
// An inspector is called on the thread that runs the machine and changes nothing of what a transaction does.
// What it is handed is valid during the call. A run that is watched may turn out not to count.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"
#include "evm/run/machine.hpp"

namespace blockstm::evm {

// A call or a creation that begins, be it one that comes to nothing at once.
struct CallStart {
    CallKind kind;
    int depth;             // of the callee: 0 for the transaction's own
    bool is_static;
    Address caller;
    Address target;        // whose storage and balance; of a creation: zeros, see CallEnd
    Address code_address;  // whose code, before a delegation is followed; of a creation: zeros
    u256 value;
    int64_t gas;           // stipend included
    Span input;            // of a creation: the initcode
};

struct CallEnd {
    CallKind kind;
    int depth;
    ExecutionResult result;
    Address created;  // of a creation that got as far as an address; zeros otherwise
    Span output;      // of a creation that succeeded: the code
};

class Inspector {
public:
    // Whether `step` and `step_end` are to be called.
    explicit Inspector(bool follows_steps) noexcept : follows_steps_(follows_steps) {}
    virtual ~Inspector() = default;
    Inspector(const Inspector&) = delete;
    Inspector& operator=(const Inspector&) = delete;

    bool follows_steps() const noexcept { return follows_steps_; }

    // An instruction begins: the topmost frame's, at `place` of its code; its stack ends below `top`.
    virtual void step(const Machine&, uint8_t /*opcode*/, uint32_t /*place*/, const u256* /*top*/,
                      int64_t /*gas*/) noexcept {}
    // It has ended with so much gas left; one that asks for a call, before that begins.
    virtual void step_end(const Machine&, int64_t /*gas*/, Failure) noexcept {}

    // Where the journal is read and says that the run is over, what comes next finds that out.
    virtual void call(Machine&, const CallStart&) noexcept {}
    virtual void call_end(const Machine&, const CallEnd&) noexcept {}

    // What an instruction has done, which is undone where its frame or one around it fails.
    virtual void sload(const Address&, const u256& /*key*/, const u256& /*value*/) noexcept {}
    virtual void sstore(const Address&, const u256& /*key*/, const u256& /*value*/) noexcept {}
    virtual void log(const Address&, const Hash32* /*topics*/, uint8_t /*topic_count*/, Span /*data*/) noexcept {}
    virtual void selfdestruct(const Address&, const Address& /*beneficiary*/, const u256& /*amount*/) noexcept {}

    // An instruction, or a precompiled contract, has read something of an account, and paid for it.
    virtual void account_read(const Address&) noexcept {}

    // A transaction, or one of the calls that a block makes for itself, has done what it does, and is about to hand
    // it on; what is read through the journal is read by the transaction. False where the run is over.
    virtual bool finish(Machine&) noexcept { return true; }

    // Whether `finish` has ended the run for it to be done again, under another inspector: nothing has been handed on.
    virtual bool asks_again() const noexcept { return false; }

    // -- for the interpreter, which meets where instructions begin, and where it leaves a frame

    void begin_step(const Machine& machine, uint8_t opcode, uint32_t place, const u256* top, int64_t gas) noexcept {
        end_step(machine, gas, Failure::None);
        is_in_step_ = true;
        step(machine, opcode, place, top, gas);
    }
    void end_step(const Machine& machine, int64_t gas, Failure failure) noexcept {
        if (!is_in_step_) return;
        is_in_step_ = false;
        step_end(machine, gas, failure);
    }

private:
    const bool follows_steps_;
    bool is_in_step_ = false;
};

// An inspector watches a machine from here on, to the end of this object's life.
class Inspection {
public:
    Inspection(Machine& machine, Inspector& inspector) noexcept : machine_(machine) {
        machine.inspector = &inspector;
        machine.runner = &inspected_runner();
    }
    ~Inspection() {
        machine_.inspector = nullptr;
        machine_.runner = nullptr;
    }
    Inspection(const Inspection&) = delete;
    Inspection& operator=(const Inspection&) = delete;

private:
    Machine& machine_;
};

}  // namespace blockstm::evm
