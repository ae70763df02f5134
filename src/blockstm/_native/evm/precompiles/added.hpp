// Precompiled contracts of the embedder's own: added to those of a fork, or put in the place of one.
//
// A list of them is filled before its first block and never changes. Any thread may read it.
#pragma once

#include "base/bytes.hpp"
#include "blockstm/precompile.h"
#include "evm/precompiles/precompiles.hpp"

namespace blockstm::evm {

// The numbers of added ones begin behind all that a fork can have.
inline constexpr int ADDED_PRECOMPILES = 0x10000;

class AddedPrecompiles {
public:
    // False where memory ran out. What the table points to outlives this list.
    bool add(const Address& address, const blockstm_precompile& table) noexcept {
        return entries_.push({address, table});
    }
    // 0 where there is none.
    int number_at(const Address& address) const noexcept;
    // As `run_precompile`. After Raised, `error` is what the function left there.
    PrecompileStatus run(int number, Span input, int64_t& gas_left, Bytes& output, uint64_t& error) const noexcept;

private:
    struct Entry {
        Address address;
        blockstm_precompile table;
    };

    Array<Entry> entries_;
};

// The number of the precompile at an address, one that was added before one of the fork; 0 for none.
inline int precompile_at(Fork fork, const AddedPrecompiles* added, const Address& address) noexcept {
    if (added != nullptr) [[unlikely]] {
        if (const int number = added->number_at(address); number != 0) return number;
    }
    return precompile_at(fork, address);
}

}  // namespace blockstm::evm
