// The bytes that an instruction has in codes: one behind the other, without the STOP that each begins with. The codes
// belong to the call, which lasts longer.
#pragma once

#include "ai/layout.hpp"
#include "blockstm/precompile.h"

namespace blockstm::ai {

class Constants {
public:
    // Reads the codes of `count` references; what is not SUCCESS is what the call comes to. A code that is not the one
    // that is meant, or that may run, is FAILED.
    int32_t read(blockstm_precompile_call& call, const uint8_t* references, int count) noexcept;

    void clear() noexcept {
        parts_.clear();
        size_ = 0;
    }
    uint64_t size() const noexcept { return size_; }
    // `size` bytes from `offset` on, which are there; copied where they lie in several codes. Null: no memory.
    const uint8_t* at(uint64_t offset, uint64_t size, Bytes& copy) const noexcept;

private:
    Array<Span> parts_;
    uint64_t size_ = 0;
};

// Reads the code of one reference, whole.
int32_t read_reference(blockstm_precompile_call& call, const uint8_t* reference, Span& code) noexcept;

}  // namespace blockstm::ai
