// Codes that were run before, found by their bytes: EVMC says no hash, and translating code again for each call would
// take longer than to run it. Of one instance, so of one thread at a time.
#pragma once

#include "base/bytes.hpp"
#include "evm/compile/code.hpp"

namespace blockstm::evm {

class CodesByContent {
public:
    struct Entry {
        Code* code;
        uint64_t users;  // frames that run it
        bool is_kept;
    };

    CodesByContent() noexcept = default;
    ~CodesByContent();
    CodesByContent(const CodesByContent&) = delete;
    CodesByContent& operator=(const CodesByContent&) = delete;

    // Stays until it is given back; null where memory ran out.
    Entry* take(Span bytes, Variant variant) noexcept;
    void give_back(Entry* entry) noexcept;

private:
    static constexpr uint64_t PLACES = 256;

    Entry* places_[PLACES] = {};  // a newer code takes the place of one that nobody runs
};

}  // namespace blockstm::evm
