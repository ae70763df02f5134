// State gas; see state_gas.hpp.
#include "evm/run/state_gas.hpp"

#include <algorithm>
#include <utility>

namespace blockstm::evm {

void StateGas::begin(int64_t reservoir) noexcept {
    at_start_ = reservoir_ = reservoir;
    committed_ = 0;
    now_ = {reservoir, 0};
    callers_.clear();
}

int64_t StateGas::used() const noexcept {
    return std::max(at_start_ - reservoir_ + now_.spill + committed_, int64_t{0});
}

int64_t StateGas::charge(int64_t cost, int64_t gas) noexcept {
    const int64_t from_reservoir = std::min(cost, reservoir_);
    const int64_t from_gas = cost - from_reservoir;
    if (from_gas > gas) return -1;
    reservoir_ -= from_reservoir;
    now_.spill += from_gas;
    return gas - from_gas;
}

int64_t StateGas::refill(int64_t cost, int64_t gas) noexcept {
    const int64_t to_gas = std::min(cost, now_.spill);
    now_.spill -= to_gas;
    reservoir_ += cost - to_gas;
    return gas + to_gas;
}

void StateGas::commit() noexcept {
    now_.baseline = reservoir_;
    committed_ += std::exchange(now_.spill, 0);
}

void StateGas::forget() noexcept { begin(at_start_); }

bool StateGas::enter() noexcept {
    if (!callers_.push(now_)) return false;
    now_ = {reservoir_, 0};
    return true;
}

int64_t StateGas::take_back() noexcept {
    reservoir_ = now_.baseline;
    return std::exchange(now_.spill, 0);
}

// A reservoir that a callee has filled repays what its caller had spilled before.
int64_t StateGas::leave(bool succeeded) noexcept {
    const int64_t spilled_by_callee = now_.spill;
    now_ = callers_.back();
    callers_.pop();
    now_.spill += spilled_by_callee;
    if (!succeeded) return 0;
    const int64_t repaid = std::min(reservoir_, now_.spill);
    reservoir_ -= repaid;
    now_.spill -= repaid;
    return repaid;
}

}  // namespace blockstm::evm
