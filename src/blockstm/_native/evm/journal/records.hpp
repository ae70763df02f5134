// What a journal remembers during one transaction: accounts, slots, and how each was before a change.
//
// Plain data of one worker. A record has two sorts of fields. What was learnt of the chain (`before`,
// `known`, `location`) holds for the whole transaction: a location is looked at once. What the
// transaction did (`flags`, `delta`, `nonce`, ...) is undone by a revert.
#pragma once

#include "base/bytes.hpp"
#include "base/u256/u256.hpp"
#include "blockstm/vm_abi.h"

namespace blockstm::evm {

struct Code;

// The locations of an account; `TAGS` are the last bytes of their keys.
enum Field : uint8_t { BALANCE, NONCE, CODE_HASH, RECORDED, EPOCH, STORED, FIELDS };
inline constexpr char TAGS[FIELDS + 1] = "bncres";

constexpr uint8_t bit(Field field) noexcept { return static_cast<uint8_t>(1 << field); }

// Beside the fields' bits in `located`: something about the account was at stake, without a read of it.
inline constexpr uint8_t SEEN = 1 << FIELDS;

enum AccountFlag : uint8_t {
    WARM = 1,       // accessed (EIP-2929)
    TOUCHED = 2,    // EIP-161: deleted at the end if empty then; before it: recorded
    CREATED = 4,    // by this transaction
    DESTROYED = 8,  // SELFDESTRUCT has registered it
    WIPED = 16,     // created where there was storage, which is out of reach from here on
    WRITE_PAID = 32,       // EIP-2780: the transaction has paid for writing it
    DELEGATION_PAID = 64,  // EIP-8037: ... for its delegation, which stays where there was none
};

// A difference of balances: how much was credited or debited without knowing of what.
struct Delta {
    u256 magnitude{};
    bool is_negative = false;  // never of zero

    void add(const u256& amount) noexcept { is_negative ? reduce(amount) : void(magnitude += amount); }
    void subtract(const u256& amount) noexcept { is_negative ? void(magnitude += amount) : reduce(amount); }
    u256 applied_to(const u256& value) const noexcept {
        return is_negative ? value - magnitude : value + magnitude;
    }

private:
    void reduce(const u256& amount) noexcept {
        if (amount > magnitude) {
            magnitude = amount - magnitude;
            is_negative = !is_negative;
        } else {
            magnitude -= amount;
            if (magnitude.is_zero()) is_negative = false;
        }
    }
};

struct Account {
    Address address;
    uint8_t known = 0;    // bits of the fields whose `..._before` was read, or is certain
    uint8_t located = 0;  // bits of the fields with a location, SEEN
    uint8_t flags = 0;    // AccountFlag
    bool had_code = false;
    bool has_code = false;
    bool was_recorded = false;  // exists although it is empty
    bool was_stored = false;    // has storage although it has neither nonce nor code
    bool has_new_slots = false; // set while flushing
    uint32_t epoch = 0;
    int32_t new_code = -1;      // its place among the codes set by this transaction
    blockstm_location location[FIELDS];
    u256 balance_before;
    Delta delta;
    uint64_t nonce_before = 0;
    uint64_t nonce = 0;         // valid where NONCE is known
    Hash32 code_hash_before;    // where there was code
    Hash32 code_hash;           // where there is code
    const Code* code = nullptr; // of `code_hash`; null: not looked up

    bool knows(Field field) const noexcept { return (known & bit(field)) != 0; }
    bool is(AccountFlag flag) const noexcept { return (flags & flag) != 0; }
};

struct Slot {
    Account* account;
    u256 key;
    u256 before;
    u256 value;
    blockstm_location location;
    bool is_located = false;
    bool is_known = false;      // `before` and `value` are valid
    bool is_warm = false;
    uint32_t logged_at = 0;     // 1 + the place in the undo log of its value's newest entry; 0: none
};

// EIP-1153.
struct TransientSlot {
    Account* account;
    u256 key;
    u256 value;
};

// One step back.
enum class UndoKind : uint8_t {
    Checkpoint,  // limbs of word: log bytes, refund; number: logs
    Flags, Balance, Nonce, CodeHash, SlotWarm, SlotValue, Transient,
};

struct Undo {
    UndoKind kind;
    uint8_t flags;
    uint32_t number;
    union {
        Account* account;
        Slot* slot;
        TransientSlot* transient;
    };
    u256 word;  // also of a hash: its bytes as they are
};

}  // namespace blockstm::evm
