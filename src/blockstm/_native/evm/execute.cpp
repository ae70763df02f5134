// The door of the EVM; see execute.hpp.
#include "evm/execute.hpp"

#include "evm/transaction/report.hpp"
#include "evm/transaction/steps.hpp"

namespace blockstm::evm {

namespace {

bool run_step(Machine& machine, const Step& step, Refusal& refusal) noexcept {
    switch (step.kind) {
        case StepKind::Transaction: return run_transaction(machine, step.transaction, refusal);
        case StepKind::BlockStart: return run_block_start(machine, step);
        case StepKind::BlockEnd: return run_block_end(machine, step, refusal);
    }
    return false;
}

bool report_refusal(Bytes& report, const Refusal& refusal) noexcept {
    uint8_t bytes[REFUSAL_BYTES];
    encode_refusal(refusal, bytes);
    report.clear();
    return report.append(bytes, sizeof bytes);
}

bool report_code(Bytes& report, uint8_t kind, const Hash32& hash) noexcept {
    return write_number(report, kind) && report.append(hash.bytes, sizeof hash.bytes);
}

bool report_fault(const Machine& machine, Bytes& report) noexcept {
    report.clear();
    switch (machine.journal.fault()) {
        case MISSING_CODE: return report_code(report, 1, machine.journal.faulty_code());
        case WRONG_CODE: return report_code(report, 6, machine.journal.faulty_code());
        case MISSING_BLOCK_HASH: return write_number(report, uint8_t{2}) && write_number(report, machine.missing_block);
        case PRECOMPILE_RAISED: return write_number(report, uint8_t{7}) && write_number(report, machine.error);
        case MISSING_LIBRARY: return write_number(report, uint8_t{3});
        case BAD_VALUE: return write_number(report, uint8_t{4});
        default: return write_number(report, uint8_t{5});
    }
}

int32_t ending_of(Machine& machine, bool goes_on, const Refusal& refusal) noexcept {
    if (!goes_on) {
        if (machine.journal.is_stopped_by_view()) return BLOCKSTM_STOPPED;
        report_fault(machine, machine.report);  // without memory for it: without a word
        return BLOCKSTM_FAILED;
    }
    if (refusal.reason == Invalidity::None) return BLOCKSTM_SUCCESS;
    report_refusal(machine.report, refusal);
    return BLOCKSTM_INVALID;
}

}  // namespace

void encode_refusal(const Refusal& refusal, uint8_t out[REFUSAL_BYTES]) noexcept {
    const auto code = static_cast<uint16_t>(refusal.reason);
    *out++ = static_cast<uint8_t>(code);
    *out++ = static_cast<uint8_t>(code >> 8);
    for (const u256& word : {refusal.have, refusal.want}) {
        for (int byte = 0; byte < 32; ++byte) {
            *out++ = static_cast<uint8_t>(word.limb[byte / 8] >> 8 * (byte % 8));
        }
    }
}

int32_t fail_for_memory(blockstm_view* view) noexcept {
    constexpr uint8_t OUT_OF_MEMORY = 5;
    view->api->output(view, &OUT_OF_MEMORY, sizeof OUT_OF_MEMORY);  // unheard, it is a failure without a word
    return BLOCKSTM_FAILED;
}

int32_t execute_step(Machine& machine, const BlockEnv& block, const Step& step, blockstm_view* view) noexcept {
    Refusal refusal{};
    const bool goes_on = machine.begin(block, view) && run_step(machine, step, refusal);
    int32_t result = ending_of(machine, goes_on, refusal);
    if (result != BLOCKSTM_STOPPED && !machine.report.empty()) {
        const int32_t status = view->api->output(view, machine.report.data(), machine.report.size());
        if (status != BLOCKSTM_OK) result = BLOCKSTM_STOPPED;
    }
    machine.end();
    return result;
}

}  // namespace blockstm::evm
