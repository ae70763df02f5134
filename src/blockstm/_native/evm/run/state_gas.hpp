// The gas of what makes the state grow (EIP-8037): new accounts, slots, delegations and code. Used by one
// machine, from Amsterdam on; blocks before it never come here.
//
// State gas is taken from a reservoir first; what that lacks is spilled from the frame's own gas. The whole
// reservoir goes along with each call. What is given back goes where it came from, the newest first: up to what
// the frame has spilled to its gas, the rest to the reservoir. So a frame never has both a spill and a reservoir
// for long, and one that fails leaves the reservoir as it found it; its spill goes back to its gas, and is lost
// with that where the frame halts.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "evm/forks/amsterdam.hpp"

namespace blockstm::evm {

// All of it in gas. Of one transaction; frames below the first are entered and left.
class StateGas {
public:
    // The first frame's, and that of what is charged before it.
    void begin(int64_t reservoir) noexcept;

    int64_t reservoir() const noexcept { return reservoir_; }
    // What the state's growth has cost so far, less what was given back.
    int64_t used() const noexcept;

    // Of `cost`, the reservoir's part and the rest out of `gas`: what is left of that, or less than none, and
    // nothing is changed, where both do not suffice.
    int64_t charge(int64_t cost, int64_t gas) noexcept;
    // `gas` and what goes back to it; the rest goes to the reservoir.
    int64_t refill(int64_t cost, int64_t gas) noexcept;
    // What was charged so far stays charged, however the first frame ends (EIP-7702).
    void commit() noexcept;
    // Takes that back, too.
    void forget() noexcept;

    bool enter() noexcept;  // a callee's frame; false where memory runs out
    // The frame at hand has failed: the reservoir is as at its entry. What goes back to its gas.
    int64_t take_back() noexcept;
    // Back to the caller; what goes back to the caller's gas.
    int64_t leave(bool succeeded) noexcept;

private:
    struct Meter {
        int64_t baseline = 0;  // the reservoir at the frame's entry
        int64_t spill = 0;     // taken from the frame's gas
    };

    int64_t at_start_ = 0;
    int64_t reservoir_ = 0;
    int64_t committed_ = 0;  // of what was spilled
    Meter now_;
    Array<Meter> callers_;
};

}  // namespace blockstm::evm
