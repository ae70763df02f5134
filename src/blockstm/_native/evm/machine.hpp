// The machine: everything one worker needs to run transactions, kept and reused between them, so that
// in steady state a frame costs no allocation. One thread at a time.
#pragma once

#include "evm/block.hpp"
#include "evm/bytes.hpp"
#include "evm/frame.hpp"
#include "evm/memory.hpp"
#include "evm/world.hpp"

namespace blockstm::evm {

struct Tracer;  // trace.hpp; null where nobody asked

// What is the same for all frames of a transaction.
struct TransactionEnv {
    Address origin;
    u256 gas_price;  // effective
    const Hash32* blob_hashes;
    uint64_t blob_count;
};

struct Machine {
    World world;
    Memory memory;          // of all frames, one behind the other
    u256* stack = nullptr;  // of all frames, one behind the other: room for 1024 of 1024
    Array<Frame> frames;
    Bytes output;           // of the frame that ended last
    Bytes return_data;      // what RETURNDATA* see
    Request request;        // valid after Exit::Call
    Failure failure = Failure::None;
    const BlockEnv* block = nullptr;
    TransactionEnv transaction{};
    Tracer* tracer = nullptr;
};

// Runs the topmost frame from where it was left. Defined in interpreter.cpp.
Exit interpret(Machine& machine) noexcept;

}  // namespace blockstm::evm
