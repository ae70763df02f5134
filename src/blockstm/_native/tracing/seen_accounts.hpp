// The accounts and slots that a transaction has to do with, before and after it, read from what was recorded
// (evm/inspect/pre_state_recorder.hpp).
#pragma once

#include "tracing/events.hpp"

namespace blockstm::tracing {

inline constexpr Hash32 NO_CODE{};

struct AccountState {
    u256 balance;
    uint64_t nonce;
    Hash32 code_hash;

    bool is_empty() const noexcept { return balance.is_zero() && nonce == 0 && code_hash == NO_CODE; }
};

// A slot's key and values as they were recorded: words in the order of bytes that JSON has.
struct SeenSlot {
    const uint8_t* key;
    const uint8_t* before;
    const uint8_t* after;

    bool has_changed() const noexcept { return std::memcmp(before, after, sizeof(Hash32)) != 0; }
};

struct SeenAccount {
    Address address;
    AccountState before, after;
    uint64_t first_slot, slot_count;  // in `SeenAccounts::slots`
    bool is_gone;                     // has destroyed itself for good
};

// One thread. Cleared by `read`, it keeps its memory for the next transaction. It points into the events.
class SeenAccounts {
public:
    Reading read(Span events, evm::Fork fork) noexcept;

    evm::Fork fork() const noexcept { return fork_; }
    const SeenAccount* begin() const noexcept { return accounts_.begin(); }
    const SeenAccount* end() const noexcept { return accounts_.end(); }

    // Of an account.
    template <class Visit>
    void each_slot(const SeenAccount& account, Visit visit) const noexcept {
        for (uint64_t place = 0; place < account.slot_count; ++place) visit(slots_[account.first_slot + place]);
    }

private:
    bool read_account(EventReader& events) noexcept;
    Reading read_slot(EventReader& events) noexcept;
    void find_gone() noexcept;

    evm::Fork fork_{};
    Array<SeenAccount> accounts_;
    Array<SeenSlot> slots_;
    Array<Address> created_, destroyed_;
};

}  // namespace blockstm::tracing
