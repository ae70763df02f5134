// State gas; see state_gas.hpp.
#include "evm/state_gas.hpp"

#include <algorithm>
#include <bit>

#include "evm/u256.hpp"

namespace blockstm::evm {

int64_t state_byte_cost(uint64_t gas_limit) noexcept {
    // The state is to grow by so many bytes a year, with blocks half full.
    constexpr u128 BYTES_A_YEAR = u128{100} << 30;
    constexpr uint64_t BLOCKS_A_YEAR = 2'628'000;
    constexpr uint64_t OFFSET = 9'578;
    constexpr int KEPT_BITS = 5;
    const u128 numerator = static_cast<u128>(gas_limit) * BLOCKS_A_YEAR;
    const u128 quotient = (numerator + 2 * BYTES_A_YEAR - 1) / (2 * BYTES_A_YEAR);
    const uint64_t exact = static_cast<uint64_t>(quotient) + OFFSET;
    const int dropped = std::max(static_cast<int>(std::bit_width(exact)) - KEPT_BITS, 0);
    const uint64_t rounded = exact >> dropped << dropped;
    return rounded > OFFSET ? static_cast<int64_t>(rounded - OFFSET) : 1;
}

void StateGas::begin(int64_t byte_cost, int64_t reservoir) noexcept {
    byte_cost_ = byte_cost;
    now_ = Account{};
    now_.reservoir = reservoir;
    at_entry_.clear();
}

bool StateGas::enter() noexcept {
    if (!at_entry_.push(now_)) return false;
    now_.pending = 0;
    return true;
}

void StateGas::leave(bool succeeded) noexcept {
    const Account before = at_entry_.back();
    at_entry_.pop();
    const int64_t left_to_caller = succeeded ? now_.pending : 0;
    const bool is_first = at_entry_.empty();
    now_.pending = before.pending;
    if (!succeeded) {
        // Of the first frame, which is the transaction, nothing is lost. A frame that spends again what it
        // was given back can lose more than there is, of which the rule says nothing: then all is lost.
        const int64_t lost = is_first ? 0 : now_.given_back - before.given_back;
        now_.reservoir = std::max(now_.reservoir + now_.used - before.used - lost, int64_t{0});
        now_.used = before.used;
        now_.given_back = before.given_back;
    }
    if (!is_first) give_back_gas(left_to_caller);
}

int64_t StateGas::charge(int64_t bytes, int64_t gas) noexcept {
    const int64_t cost = cost_of(bytes);
    const int64_t from_reservoir = std::min(cost, now_.reservoir);
    const int64_t from_gas = cost - from_reservoir;
    if (from_gas > gas) return -1;
    now_.reservoir -= from_reservoir;
    now_.spilled += from_gas;
    now_.used += cost;
    return gas - from_gas;
}

void StateGas::give_back_gas(int64_t gas) noexcept {
    const int64_t given = std::min(gas, used_by_frame());
    now_.reservoir += given;
    now_.used -= given;
    now_.given_back += given;
    now_.pending += gas - given;
}

void StateGas::give_back_at_end(int64_t bytes) noexcept {
    const int64_t given = std::min(cost_of(bytes), now_.used);
    now_.reservoir += given;
    now_.used -= given;
}

}  // namespace blockstm::evm
