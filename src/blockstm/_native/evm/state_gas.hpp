// The gas of what makes the state grow (EIP-8037): new accounts, slots and code cost by the byte. Used by one
// machine, from Amsterdam on; blocks before it never come here.
//
// State gas is taken from a reservoir first, what that lacks from the frame's own gas. The whole reservoir
// goes along with each call. What a frame that fails has taken goes back to the reservoir, wherever it came
// from, but for what it had been given back in the meantime.
#pragma once

#include <cstdint>

#include "evm/bytes.hpp"

namespace blockstm::evm {

struct Machine;

// What each costs, in bytes of state.
inline constexpr int64_t NEW_ACCOUNT_BYTES = 112;
inline constexpr int64_t NEW_SLOT_BYTES = 32;
inline constexpr int64_t DELEGATION_BYTES = 23;

// Gas for a byte of state in a block of this gas limit: it follows the limit in coarse steps.
int64_t state_byte_cost(uint64_t gas_limit) noexcept;

// All of it in gas. Of one transaction; nested frames are entered and left.
class StateGas {
public:
    // No frame runs.
    void begin(int64_t byte_cost, int64_t reservoir) noexcept;

    int64_t cost_of(int64_t bytes) const noexcept { return bytes * byte_cost_; }
    int64_t reservoir() const noexcept { return now_.reservoir; }
    int64_t used() const noexcept { return now_.used; }
    // Taken from frames' own gas so far, be it that they have failed since.
    int64_t spilled() const noexcept { return now_.spilled; }
    void add_to_reservoir(int64_t gas) noexcept { now_.reservoir += gas; }

    bool enter() noexcept;  // false where memory runs out
    void leave(bool succeeded) noexcept;

    // Out of the reservoir and of `gas`; what is left of that, less than none where both do not suffice.
    int64_t charge(int64_t bytes, int64_t gas) noexcept;
    // A frame that took less than this leaves the rest to those that called it, once it has succeeded.
    void give_back(int64_t bytes) noexcept { give_back_gas(cost_of(bytes)); }
    // After all frames: no more than what was used.
    void give_back_at_end(int64_t bytes) noexcept;

private:
    struct Account {
        int64_t reservoir = 0;
        int64_t used = 0;
        int64_t spilled = 0;
        int64_t given_back = 0;
        int64_t pending = 0;  // to be given back, but the frame that runs did not take so much
    };

    void give_back_gas(int64_t gas) noexcept;
    int64_t used_by_frame() noexcept { return now_.used - at_entry_.back().used; }

    int64_t byte_cost_ = 0;
    Account now_;
    Array<Account> at_entry_;  // of each frame
};

}  // namespace blockstm::evm
