// Precompiled contracts of the embedder's own; see added.hpp.
#include "evm/precompiles/added.hpp"

namespace blockstm::evm {
namespace {

// A call with the buffer that its output goes to.
struct Call : blockstm_precompile_call {
    Bytes& output;
};

int32_t write(blockstm_precompile_call* call, const uint8_t* data, uint64_t size) noexcept {
    Bytes& output = static_cast<Call*>(call)->output;
    return output.append(data, size) ? BLOCKSTM_PRECOMPILE_SUCCESS : BLOCKSTM_PRECOMPILE_NO_MEMORY;
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
                                       uint64_t& error) const noexcept {
    const blockstm_precompile& table = entries_[static_cast<uint64_t>(number - ADDED_PRECOMPILES)].table;
    output.clear();
    Call call{{input.data, input.size, gas_left, 0, 0, write}, output};
    PrecompileStatus status = status_of(table.run(table.context, &call));
    error = call.error;
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
