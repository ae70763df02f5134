// What instructions are called, and why they or calls failed, in go-ethereum's words.
#pragma once

#include <cstdint>

#include "evm/forks/forks.hpp"
#include "tracing/events.hpp"

namespace blockstm::tracing {

// A few words, without an end mark.
struct Words {
    static constexpr uint64_t MAX = 96;

    char text[MAX];
    uint64_t size = 0;

    Span span() const noexcept { return {reinterpret_cast<const uint8_t*>(text), size}; }
};

// Whatever the fork.
Words opcode_name(uint8_t opcode) noexcept;

// `fault` is the instruction at which the call failed; null where that is not known.
Words call_failure(evm::Failure failure, const Fault* fault, evm::Fork fork, const CallBegan& began) noexcept;

Words step_failure(evm::Failure failure, const Fault& fault, evm::Fork fork) noexcept;

// The same in OpenEthereum's words, where it has others.
Span parity_words(Span words) noexcept;

}  // namespace blockstm::tracing
