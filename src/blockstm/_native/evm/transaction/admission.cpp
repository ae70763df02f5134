// Admission; see admission.hpp.
#include "evm/transaction/admission.hpp"

#include <algorithm>

#include "evm/transaction/result_encoding.hpp"
#include "evm/transaction/validity.hpp"

namespace blockstm::evm {

namespace {

// What stands where in the tally. Before Amsterdam there is one kind of gas.
constexpr int EXECUTION_GAS = 0, STATE_GAS = 1, BLOBS = 2;

uint64_t number_at(Span output, uint64_t place) noexcept {
    uint64_t number = 0;
    for (uint64_t byte = 8; byte > 0; --byte) number = number << 8 | output.data[place + byte - 1];
    return number;
}

ValidationError check_share(Violation reason, uint64_t asked, uint64_t used, uint64_t most) noexcept {
    const uint64_t left = most - std::min(used, most);
    return asked > left ? ValidationError{reason, asked, left} : ValidationError{};
}

// EIP-8037: each kind of gas has all of the block's limit to itself, and what runs is capped.
ValidationError check_gas_left(uint64_t gas, const BlockEnv& block, const blockstm_tally& tally) noexcept {
    constexpr Violation reason = Violation::GasAboveBlock;
    const bool is_metered_twice = block.fork >= Fork::Amsterdam;
    const uint64_t runs = is_metered_twice ? std::min(gas, GAS_CAP) : gas;
    const ValidationError error = check_share(reason, runs, tally.used[EXECUTION_GAS], block.gas_limit);
    if (error.reason != Violation::None || !is_metered_twice) return error;
    return check_share(reason, gas, tally.used[STATE_GAS], block.gas_limit);
}

}  // namespace

ValidationError form_of(const Step& step, const BlockEnv& block) noexcept {
    if (step.kind == StepKind::Prepaid) return {};  // whatever it breaks, it belongs there
    return check_form(step.transaction, block, intrinsic_gas(step.transaction, block));
}

ValidationError check_room(const AskedBy& step, const BlockEnv& block, const blockstm_tally& tally) noexcept {
    if (!step.is_of_the_block) return {};
    const ValidationError error = check_gas_left(step.gas_limit, block, tally);
    if (error.reason != Violation::None || step.blob_count == 0) return error;
    return check_share(Violation::BlobGasAboveBlock, step.blob_count, tally.used[BLOBS], block.blobs_max);
}

void count_use(const AskedBy& step, const BlockEnv& block, Span output, blockstm_tally& tally) noexcept {
    if (!step.is_of_the_block || output.size < RESULT_HEAD_BYTES) return;
    const bool is_metered_twice = block.fork >= Fork::Amsterdam;
    tally.used[EXECUTION_GAS] += number_at(output, is_metered_twice ? BEFORE_REFUND_AT : GAS_USED_AT);
    tally.used[STATE_GAS] += number_at(output, STATE_GAS_AT);
    tally.used[BLOBS] += step.blob_count;
}

}  // namespace blockstm::evm
