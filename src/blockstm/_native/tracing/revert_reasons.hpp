// How Solidity's contracts say why they revert: `Error(string)` and `Panic(uint256)`.
#pragma once

#include "tracing/json_writer.hpp"

namespace blockstm::tracing {

// What a reverted call's output says, if anything; bytes behind the arguments change nothing. `room` is for the words
// of a panic, which Solidity's documentation numbers and go-ethereum words.
struct RevertRoom {
    char text[96];
};
Span revert_reason(Span output, RevertRoom& room) noexcept;

}  // namespace blockstm::tracing
