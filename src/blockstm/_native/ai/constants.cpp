// See constants.hpp.
#include "ai/constants.hpp"

#include <algorithm>

namespace blockstm::ai {

int32_t read_reference(blockstm_precompile_call& call, const uint8_t* reference, Span& code) noexcept {
    Reference meant;
    std::memcpy(&meant, reference, sizeof meant);
    static_assert(sizeof meant == REFERENCE_BYTES);
    blockstm_precompile_code found;
    const int32_t status = call.code(&call, meant.address, &found);
    if (status != BLOCKSTM_PRECOMPILE_SUCCESS) return status;
    if (std::memcmp(found.hash, meant.hash, sizeof meant.hash) != 0) return BLOCKSTM_PRECOMPILE_FAILED;
    code = {found.data, found.size};
    return BLOCKSTM_PRECOMPILE_SUCCESS;
}

int32_t Constants::read(blockstm_precompile_call& call, const uint8_t* references, int count) noexcept {
    for (int place = 0; place < count; ++place) {
        Span code;
        const int32_t status = read_reference(call, references + place * REFERENCE_BYTES, code);
        if (status != BLOCKSTM_PRECOMPILE_SUCCESS) return status;
        if (code.size == 0 || code.data[0] != 0) return BLOCKSTM_PRECOMPILE_FAILED;
        if (!parts_.push({code.data + 1, code.size - 1})) return BLOCKSTM_PRECOMPILE_NO_MEMORY;
        size_ += code.size - 1;
    }
    return BLOCKSTM_PRECOMPILE_SUCCESS;
}

const uint8_t* Constants::at(uint64_t offset, uint64_t size, Bytes& copy) const noexcept {
    uint64_t part = 0;
    while (offset >= parts_[part].size) offset -= parts_[part++].size;
    if (parts_[part].size - offset >= size) return parts_[part].data + offset;
    if (!copy.resize(size)) return nullptr;
    for (uint64_t copied = 0; copied < size; ++part, offset = 0) {
        const uint64_t count = std::min(parts_[part].size - offset, size - copied);
        if (count != 0) std::memcpy(copy.data() + copied, parts_[part].data + offset, count);
        copied += count;
    }
    return copy.data();
}

}  // namespace blockstm::ai
