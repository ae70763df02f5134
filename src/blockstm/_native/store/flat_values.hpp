// Accounts and slots as they stand in their tables.
//
//   account   nonce 8, big-endian · flags 1 · code hash 32, if flags & 1 · balance, big-endian without leading zeros
//   slot      value, big-endian without leading zeros; of none, which is zero, nothing is kept
//
// `blockstm.chain.flat` is the same in Python. Pure functions; any thread.
#pragma once

#include "trie/account.hpp"

namespace blockstm::store {

inline constexpr uint64_t WORD_SIZE = 32;
inline constexpr uint64_t ACCOUNT_VALUE_MAX = 8 + 1 + HASH_SIZE + WORD_SIZE;

struct FlatAccount {
    uint64_t nonce = 0;
    bool has_code = false;
    uint8_t balance[WORD_SIZE] = {};  // big-endian
    uint8_t code_hash[HASH_SIZE];

    FlatAccount() noexcept { std::memcpy(code_hash, trie::EMPTY_CODE_HASH, HASH_SIZE); }
    bool is_empty() const noexcept { return nonce == 0 && !has_code && trie::is_zero(balance); }
    void set_code_hash(const uint8_t* hash) noexcept {
        std::memcpy(code_hash, hash, HASH_SIZE);
        has_code = std::memcmp(hash, trie::EMPTY_CODE_HASH, HASH_SIZE) != 0;
    }
};

// Writes it into `out`, which has room for ACCOUNT_VALUE_MAX bytes; its size.
inline uint64_t put_flat_account(uint8_t* out, const FlatAccount& account) noexcept {
    uint8_t* place = out;
    for (int shift = 56; shift >= 0; shift -= 8) *place++ = static_cast<uint8_t>(account.nonce >> shift);
    *place++ = account.has_code ? 1 : 0;
    if (account.has_code) place = put_bytes(place, {account.code_hash, HASH_SIZE});
    return static_cast<uint64_t>(put_bytes(place, rlp::trimmed({account.balance, WORD_SIZE})) - out);
}

// False: it is no account's.
inline bool read_flat_account(ByteView value, FlatAccount& account) noexcept {
    if (value.size() < 9 || value[8] > 1) return false;
    account.nonce = 0;
    for (int place = 0; place < 8; ++place) account.nonce = account.nonce << 8 | value[place];
    account.has_code = value[8] == 1;
    ByteView rest = value.subspan(9);
    if (account.has_code) {
        if (rest.size() < HASH_SIZE) return false;
        put_bytes(account.code_hash, rest.first(HASH_SIZE));
        rest = rest.subspan(HASH_SIZE);
    }
    if (rest.size() > WORD_SIZE) return false;
    std::memset(account.balance, 0, WORD_SIZE);
    put_bytes(account.balance + WORD_SIZE - rest.size(), rest);
    return true;
}

}  // namespace blockstm::store
