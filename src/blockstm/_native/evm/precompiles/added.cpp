// Precompiled contracts of the embedder's own; see added.hpp.
#include "evm/precompiles/added.hpp"

namespace blockstm::evm {
namespace {

// A call with the buffer that its output goes to, and what ended the run, whatever the function returns then.
struct Call : blockstm_precompile_call {
    Bytes& output;
    CodeSource& codes;
    PrecompileStatus ended_by;
};

int32_t write(blockstm_precompile_call* call, const uint8_t* data, uint64_t size) noexcept {
    Bytes& output = static_cast<Call*>(call)->output;
    return output.append(data, size) ? BLOCKSTM_PRECOMPILE_SUCCESS : BLOCKSTM_PRECOMPILE_NO_MEMORY;
}

int32_t code(blockstm_precompile_call* call, const uint8_t* address, blockstm_precompile_code* found) noexcept {
    Call& of = *static_cast<Call*>(call);
    if (of.ended_by != PrecompileStatus::Success) return BLOCKSTM_PRECOMPILE_OVER;
    Address at;
    std::memcpy(at.bytes, address, sizeof at.bytes);
    of.ended_by = of.codes.code(at, of.gas, *found);
    switch (of.ended_by) {
        case PrecompileStatus::Success: return BLOCKSTM_PRECOMPILE_SUCCESS;
        case PrecompileStatus::Failure: return BLOCKSTM_PRECOMPILE_FAILED;
        case PrecompileStatus::NoMemory: return BLOCKSTM_PRECOMPILE_NO_MEMORY;
        default: return BLOCKSTM_PRECOMPILE_OVER;
    }
}

PrecompileStatus status_of(int32_t returned) noexcept {
    switch (returned) {
        case BLOCKSTM_PRECOMPILE_SUCCESS: return PrecompileStatus::Success;
        case BLOCKSTM_PRECOMPILE_REVERTED: return PrecompileStatus::Reverted;
        case BLOCKSTM_PRECOMPILE_NO_MEMORY: return PrecompileStatus::NoMemory;
        case BLOCKSTM_PRECOMPILE_RAISED: return PrecompileStatus::Raised;
        default: return PrecompileStatus::Failure;
    }
}

}  // namespace

bool AddedPrecompiles::find(const Address& address, int& number) const noexcept {
    for (uint64_t place = 0; place < entries_.size(); ++place) {
        if (!(entries_[place].address == address)) continue;
        number = entries_[place].number;
        return true;
    }
    return false;
}

PrecompileStatus AddedPrecompiles::run(int number, Span input, int64_t& gas_left, Bytes& output,
                                       uint64_t& error, CodeSource& codes) const noexcept {
    const blockstm_precompile& table = entries_[static_cast<uint64_t>(number - ADDED_PRECOMPILES)].table;
    output.clear();
    Call call{{input.data, input.size, gas_left, 0, 0, write, code}, output, codes, PrecompileStatus::Success};
    PrecompileStatus status = status_of(table.run(table.context, &call));
    if (call.ended_by != PrecompileStatus::Success) status = call.ended_by;
    error = call.error;
    gas_left = call.gas;
    const bool is_charged = status == PrecompileStatus::Success || status == PrecompileStatus::Reverted;
    if (is_charged && (call.gas_used < 0 || call.gas_used > gas_left)) status = PrecompileStatus::Failure;
    if (status == PrecompileStatus::Success || status == PrecompileStatus::Reverted) {
        gas_left -= call.gas_used;
        return status;
    }
    output.clear();
    if (status == PrecompileStatus::Failure) gas_left = 0;
    return status;
}

}  // namespace blockstm::evm
