// The entry point of the EVM; see execute.hpp.
#include "evm/execute.hpp"

#include "evm/run/inspector.hpp"
#include "evm/transaction/plain_transfer.hpp"
#include "evm/transaction/result_encoding.hpp"
#include "evm/transaction/steps.hpp"

namespace blockstm::evm {

namespace {

bool run_step(Machine& machine, const Step& step, ValidationError& error) noexcept {
    switch (step.kind) {
        case StepKind::Transaction: return run_transaction(machine, step.transaction, error);
        case StepKind::Charged: return run_charged(machine, step, error);
        case StepKind::Prepaid: return run_prepaid(machine, step, error);
        case StepKind::BlockStart: return run_block_start(machine, step, error);
        case StepKind::BlockEnd: return run_block_end(machine, step, error);
        case StepKind::Call: return run_call(machine, step, error);
        case StepKind::Overrides: return run_overrides(machine, step);
    }
    return false;
}

bool encode(Bytes& encoded, const ValidationError& error) noexcept {
    uint8_t bytes[VALIDATION_ERROR_BYTES];
    encode_validation_error(error, bytes);
    encoded.clear();
    return encoded.append(bytes, sizeof bytes);
}

bool encode_code(Bytes& encoded, uint8_t kind, const Hash32& hash) noexcept {
    return write_number(encoded, kind) && encoded.append(hash.bytes, sizeof hash.bytes);
}

bool encode_detail(Bytes& encoded, uint8_t kind, uint64_t detail) noexcept {
    return write_number(encoded, kind) && write_number(encoded, detail);
}

bool encode_fault(const Machine& machine, Bytes& encoded) noexcept {
    encoded.clear();
    switch (machine.journal.fault()) {
        case MISSING_CODE: return encode_code(encoded, 1, machine.journal.faulty_code());
        case WRONG_CODE: return encode_code(encoded, 6, machine.journal.faulty_code());
        case MISSING_BLOCK_HASH: return encode_detail(encoded, 2, machine.missing_block);
        case PRECOMPILE_RAISED: return encode_detail(encoded, 7, machine.error);
        case EVMC_BROKEN: return encode_detail(encoded, 8, machine.error);
        case MISSING_LIBRARY: return write_number(encoded, uint8_t{3});
        case BAD_VALUE: return write_number(encoded, uint8_t{4});
        default: return write_number(encoded, uint8_t{5});
    }
}

int32_t status_of(Machine& machine, bool goes_on, const ValidationError& error) noexcept {
    if (!goes_on) {
        const bool is_done_again = machine.inspector != nullptr && machine.inspector->asks_again();
        if (is_done_again || machine.journal.is_stopped_by_view()) return BLOCKSTM_STOPPED;
        encode_fault(machine, machine.encoded);  // without memory for it: without a word
        return BLOCKSTM_FAILED;
    }
    if (error.reason == Violation::None) return BLOCKSTM_SUCCESS;
    encode(machine.encoded, error);
    return BLOCKSTM_INVALID;
}

// The general way.
int32_t execute_on(Machine& machine, const BlockEnv& block, const Step& step, blockstm_view* view) noexcept {
    ValidationError error{};
    const bool goes_on = machine.begin(block, view) && run_step(machine, step, error);
    int32_t status = status_of(machine, goes_on, error);
    if (status != BLOCKSTM_STOPPED && !machine.encoded.empty()) {
        const int32_t taken = view->api->output(view, machine.encoded.data(), machine.encoded.size());
        if (taken != BLOCKSTM_OK) status = BLOCKSTM_STOPPED;
    }
    machine.end();
    return status;
}

}  // namespace

void encode_validation_error(const ValidationError& error, uint8_t out[VALIDATION_ERROR_BYTES]) noexcept {
    const auto code = static_cast<uint16_t>(error.reason);
    *out++ = static_cast<uint8_t>(code);
    *out++ = static_cast<uint8_t>(code >> 8);
    for (const u256& word : {error.have, error.want}) {
        for (int byte = 0; byte < 32; ++byte) {
            *out++ = static_cast<uint8_t>(word.limb[byte / 8] >> 8 * (byte % 8));
        }
    }
}

namespace {

int32_t fail_for(uint8_t kind, blockstm_view* view) noexcept {
    view->api->output(view, &kind, sizeof kind);  // unheard, it is a failure without a word
    return BLOCKSTM_FAILED;
}

}  // namespace

int32_t fail_for_memory(blockstm_view* view) noexcept { return fail_for(5, view); }

int32_t fail_for_recording(blockstm_view* view) noexcept { return fail_for(9, view); }

int32_t execute_step(Machine& machine, const BlockEnv& block, const Step& step, blockstm_view* view) noexcept {
    const bool may_be_plain = step.kind == StepKind::Transaction && machine.inspector == nullptr &&
                              may_be_plain_transfer(step.transaction, block);
    if (may_be_plain) {
        int32_t plain_status = BLOCKSTM_STOPPED;
        if (run_plain_transfer(step.transaction, block, view, machine.journal.shared_balance(), plain_status)) {
            return plain_status;
        }
    }
    return execute_on(machine, block, step, view);
}

}  // namespace blockstm::evm
