// Accounts and slots as they stand in their tables, and accounts as they are kept in memory.
//
//   key of an account   keccak of the address
//   key of a slot       the first 20 bytes of that · keccak of the slot
//   account   nonce 8, big-endian · flags 1 · code hash 32, if flags & 1 · storage root 32, if flags & 2 · balance,
//             big-endian without leading zeros; in memory there is no storage root
//   slot      size of the value 1 · value, big-endian without leading zeros · slot, likewise; of a value of zero
//             nothing is kept
//
// So a table stands in the order of its tries, whose leaves are made of it. `blockstm.chain.flat` is the same in
// Python. Pure functions; any thread.
#pragma once

#include "store/byte_map.hpp"
#include "trie/account.hpp"

namespace blockstm::store {

inline constexpr uint64_t WORD_SIZE = 32;
inline constexpr uint64_t OWNER_SIZE = 20;  // that slots are kept under
inline constexpr uint64_t ACCOUNT_VALUE_MAX = 8 + 1 + HASH_SIZE + WORD_SIZE;
inline constexpr uint64_t ACCOUNT_ROW_MAX = ACCOUNT_VALUE_MAX + HASH_SIZE;
inline constexpr uint64_t SLOT_ROW_MAX = 1 + 2 * WORD_SIZE;

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

inline constexpr uint8_t HAS_CODE = 1, HAS_STORAGE = 2;

inline uint64_t put_account_fields(uint8_t* out, uint64_t nonce, const uint8_t* code_hash, const uint8_t* storage_root,
                                   const uint8_t* balance) noexcept {
    uint8_t* place = out;
    for (int shift = 56; shift >= 0; shift -= 8) *place++ = static_cast<uint8_t>(nonce >> shift);
    const int code_flag = code_hash != nullptr ? HAS_CODE : 0, storage_flag = storage_root != nullptr ? HAS_STORAGE : 0;
    *place++ = static_cast<uint8_t>(code_flag | storage_flag);
    if (code_hash != nullptr) place = put_bytes(place, {code_hash, HASH_SIZE});
    if (storage_root != nullptr) place = put_bytes(place, {storage_root, HASH_SIZE});
    return static_cast<uint64_t>(put_bytes(place, rlp::trimmed({balance, WORD_SIZE})) - out);
}

// Writes it as it is kept in memory into `out`, which has room for ACCOUNT_VALUE_MAX bytes; its size.
inline uint64_t put_flat_account(uint8_t* out, const FlatAccount& account) noexcept {
    return put_account_fields(out, account.nonce, account.has_code ? account.code_hash : nullptr, nullptr,
                              account.balance);
}

// Reads what is kept in either way; the storage root, of none that of no slots, is left out where it is not asked for.
// False: it is no account's.
inline bool read_flat_account(ByteView value, FlatAccount& account, uint8_t* storage_root = nullptr) noexcept {
    if (value.size() < 9 || value[8] > (HAS_CODE | HAS_STORAGE)) return false;
    account.nonce = 0;
    for (int place = 0; place < 8; ++place) account.nonce = account.nonce << 8 | value[place];
    account.has_code = (value[8] & HAS_CODE) != 0;
    const bool has_storage = (value[8] & HAS_STORAGE) != 0;
    ByteView rest = value.subspan(9);
    if (rest.size() < HASH_SIZE * (account.has_code + has_storage)) return false;
    const uint8_t* code_hash = account.has_code ? rest.data() : trie::EMPTY_CODE_HASH;
    std::memcpy(account.code_hash, code_hash, HASH_SIZE);
    if (account.has_code) rest = rest.subspan(HASH_SIZE);
    if (storage_root != nullptr) std::memcpy(storage_root, has_storage ? rest.data() : trie::EMPTY_ROOT, HASH_SIZE);
    if (has_storage) rest = rest.subspan(HASH_SIZE);
    if (rest.size() > WORD_SIZE) return false;
    std::memset(account.balance, 0, WORD_SIZE);
    put_bytes(account.balance + WORD_SIZE - rest.size(), rest);
    return true;
}

// The same from and to what the state trie holds; `out` has room for ACCOUNT_ROW_MAX or trie::ACCOUNT_SIZE_MAX bytes.
inline uint64_t put_account_row(uint8_t* out, const trie::Account& account) noexcept {
    const bool has_code = std::memcmp(account.code_hash, trie::EMPTY_CODE_HASH, HASH_SIZE) != 0;
    const bool has_storage = std::memcmp(account.storage_root, trie::EMPTY_ROOT, HASH_SIZE) != 0;
    return put_account_fields(out, account.nonce, has_code ? account.code_hash : nullptr,
                              has_storage ? account.storage_root : nullptr, account.balance);
}

// 0: it is no account's.
inline uint64_t put_account_leaf(uint8_t* out, ByteView row) noexcept {
    FlatAccount flat;
    trie::Account account;
    if (!read_flat_account(row, flat, account.storage_root)) return 0;
    account.nonce = flat.nonce;
    std::memcpy(account.balance, flat.balance, WORD_SIZE);
    std::memcpy(account.code_hash, flat.code_hash, HASH_SIZE);
    return trie::put_account(out, account);
}

// A slot and its value, both without leading zeros; the value is not zero.
struct FlatSlot {
    ByteView slot, value;
};

inline uint64_t put_slot_row(uint8_t* out, const FlatSlot& slot) noexcept {
    *out = static_cast<uint8_t>(slot.value.size());
    return static_cast<uint64_t>(put_bytes(put_bytes(out + 1, slot.value), slot.slot) - out);
}

// False: it is no slot's.
inline bool read_slot_row(ByteView row, FlatSlot& slot) noexcept {
    if (row.empty() || row[0] == 0 || row[0] > WORD_SIZE || row.size() < 1ull + row[0]) return false;
    slot.value = row.subspan(1, row[0]);
    slot.slot = row.subspan(1 + slot.value.size());
    return slot.slot.size() <= WORD_SIZE;
}

// The key of an account in its table.
class AccountKey {
public:
    explicit AccountKey(const uint8_t* address) noexcept { keccak256(address, ADDRESS_SIZE, bytes_); }
    ByteView view() const noexcept { return {bytes_, HASH_SIZE}; }
    ByteView owner() const noexcept { return {bytes_, OWNER_SIZE}; }  // what its slots are kept under

private:
    uint8_t bytes_[HASH_SIZE];
};

// The key of a slot in its table.
class SlotKey {
public:
    explicit SlotKey(const uint8_t* address_and_slot) noexcept {
        uint8_t hashes[2][HASH_SIZE];
        KeccakTask tasks[] = {{address_and_slot, ADDRESS_SIZE, hashes[0]},
                              {address_and_slot + ADDRESS_SIZE, WORD_SIZE, hashes[1]}};
        keccak256_many(tasks, 2);
        put_bytes(put_bytes(bytes_, {hashes[0], OWNER_SIZE}), {hashes[1], HASH_SIZE});
    }
    ByteView view() const noexcept { return {bytes_, sizeof bytes_}; }

private:
    uint8_t bytes_[OWNER_SIZE + HASH_SIZE];
};

}  // namespace blockstm::store
