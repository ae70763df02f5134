// Precompiled contracts of the embedder's own: added to those of a fork, or put in the place of one. Those of a
// fork may be moved, too: put elsewhere, or taken away.
//
// A list of them is filled before its first block and never changes. Any thread may read it.
#pragma once

#include "base/bytes.hpp"
#include "blockstm/precompile.h"
#include "evm/precompiles/precompiles.hpp"

namespace blockstm::evm {

// The numbers of added ones begin behind all that a fork can have.
inline constexpr int ADDED_PRECOMPILES = 0x10000;

// Where an added precompile finds codes. One thread, during one call.
class CodeSource {
public:
    // The code of an account, for the gas of an access. Success, Failure (out of gas), NoMemory or Over.
    virtual PrecompileStatus code(const Address& address, int64_t& gas, blockstm_precompile_code& found) noexcept = 0;

protected:
    ~CodeSource() = default;
};

class AddedPrecompiles {
public:
    // False where memory ran out. What the table points to outlives this list.
    bool add(const Address& address, const blockstm_precompile& table) noexcept {
        return entries_.push({address, ADDED_PRECOMPILES + static_cast<int>(entries_.size()), table});
    }
    // The precompile of this number that the fork has is at this address as well; 0: nothing is, whatever the fork
    // has there. False where memory ran out.
    bool move(const Address& address, int number) noexcept { return entries_.push({address, number, {}}); }
    // Whether this list decides what is at an address: the number of a precompile, or 0.
    bool find(const Address& address, int& number) const noexcept;
    // As `run_precompile`. After Raised, `error` is what the function left there.
    PrecompileStatus run(int number, Span input, int64_t& gas_left, Bytes& output, uint64_t& error,
                         CodeSource& codes) const noexcept;

private:
    struct Entry {
        Address address;
        int number;
        blockstm_precompile table;  // of one that was added
    };

    Array<Entry> entries_;
};

// The number of the precompile at an address, one that was added before one of the fork; 0 for none.
inline int precompile_at(Fork fork, const AddedPrecompiles* added, const Address& address) noexcept {
    if (added != nullptr) [[unlikely]] {
        int number = 0;
        if (added->find(address, number)) return number;
    }
    return precompile_at(fork, address);
}

// Whether an address is warm from the start for what is there (EIP-2929). Those of a fork stay so where they were
// before they were moved, and are cold elsewhere, as in go-ethereum.
inline bool is_warm_precompile(Fork fork, const AddedPrecompiles* added, const Address& address) {
    if (added != nullptr) [[unlikely]] {
        int number = 0;
        if (added->find(address, number) && number >= ADDED_PRECOMPILES) return true;
    }
    return precompile_at(fork, address) != 0;
}

}  // namespace blockstm::evm
