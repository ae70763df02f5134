// An account as the state trie holds it, and changes to accounts as flat bytes.
//
// Records stand one behind the other, without a count:
//
//   address        20
//   flags           1   which of the following count, and what becomes of the account: see Record
//   nonce           8   little-endian
//   balance        32   big-endian
//   code hash      32
//   slot count      4   little-endian
//   slots          64 each: slot and value, both big-endian; a value of zero removes
//
// Pure functions; any thread.
#pragma once

#include "trie/encoding.hpp"

namespace blockstm::trie {

inline constexpr uint64_t ADDRESS_SIZE = 20;
inline constexpr uint64_t WORD_SIZE = 32;

// keccak of no bytes: the code hash of an account without code.
inline constexpr uint8_t EMPTY_CODE_HASH[HASH_SIZE] = {
    0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
    0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70};

inline bool is_zero(const uint8_t word[WORD_SIZE]) noexcept {
    return rlp::trimmed({word, WORD_SIZE}).empty();
}

struct Account {
    uint64_t nonce = 0;
    uint8_t balance[WORD_SIZE] = {};  // big-endian
    uint8_t storage_root[HASH_SIZE];
    uint8_t code_hash[HASH_SIZE];

    Account() noexcept {
        std::memcpy(storage_root, EMPTY_ROOT, HASH_SIZE);
        std::memcpy(code_hash, EMPTY_CODE_HASH, HASH_SIZE);
    }

    // As EIP-161 says it: its storage is not asked.
    bool is_empty() const noexcept {
        return nonce == 0 && is_zero(balance) && std::memcmp(code_hash, EMPTY_CODE_HASH, HASH_SIZE) == 0;
    }
};

inline constexpr uint64_t ACCOUNT_SIZE_MAX = 2 + 9 + 33 + 33 + 33;

// Writes the account's RLP, at most ACCOUNT_SIZE_MAX bytes; its size.
inline uint64_t put_account(uint8_t* out, const Account& account) noexcept {
    const Bytes balance = rlp::trimmed({account.balance, WORD_SIZE});
    const uint64_t numbers = rlp::number_size(account.nonce) + rlp::string_size(balance);
    const uint64_t payload = numbers + 2 * (1 + HASH_SIZE);
    uint8_t* place = rlp::put_list_header(out, payload);
    place = rlp::put_number(place, account.nonce);
    place = rlp::put_string(place, balance);
    place = rlp::put_string(place, {account.storage_root, HASH_SIZE});
    place = rlp::put_string(place, {account.code_hash, HASH_SIZE});
    return static_cast<uint64_t>(place - out);
}

// A number without leading zeros, into a word of `size` bytes, big-endian.
inline bool read_number(const rlp::Item& item, uint8_t* word, uint64_t size) noexcept {
    if (item.is_list || item.payload.size() > size) return false;
    if (!item.payload.empty() && item.payload[0] == 0) return false;
    std::memset(word, 0, size);
    put_bytes(word + size - item.payload.size(), item.payload);
    return true;
}

inline bool read_hash(const rlp::Item& item, uint8_t hash[HASH_SIZE]) noexcept {
    if (item.is_list || item.payload.size() != HASH_SIZE) return false;
    put_bytes(hash, item.payload);
    return true;
}

// False: the bytes are not the encoding of an account.
inline bool read_account(Bytes encoding, Account& account) noexcept {
    Bytes payload;
    if (!rlp::read_list(encoding, payload)) return false;
    rlp::Reader reader(payload);
    rlp::Item items[4];
    for (rlp::Item& item : items) {
        if (!reader.next(item)) return false;
    }
    uint8_t nonce[8];
    if (!reader.at_end() || !read_number(items[0], nonce, sizeof nonce)) return false;
    account.nonce = 0;
    for (uint8_t byte : nonce) account.nonce = account.nonce << 8 | byte;
    return read_number(items[1], account.balance, WORD_SIZE) && read_hash(items[2], account.storage_root) &&
           read_hash(items[3], account.code_hash);
}

// A slot's value in a storage trie: a number's RLP.
inline constexpr uint64_t SLOT_VALUE_SIZE_MAX = 1 + WORD_SIZE;

inline uint64_t put_slot_value(uint8_t* out, const uint8_t value[WORD_SIZE]) noexcept {
    return static_cast<uint64_t>(rlp::put_string(out, rlp::trimmed({value, WORD_SIZE})) - out);
}

inline bool read_slot_value(Bytes encoding, uint8_t value[WORD_SIZE]) noexcept {
    rlp::Reader reader(encoding);
    rlp::Item item;
    if (!reader.next(item) || !reader.at_end() || item.payload.empty()) return false;
    return read_number(item, value, WORD_SIZE);
}

enum class Existence : uint8_t {
    UnlessEmpty = 0,  // EIP-161
    Exists = 1,
    Deleted = 2,
};

struct Record {
    static constexpr uint8_t NONCE = 1;          // the nonce counts; else it stays as it is
    static constexpr uint8_t BALANCE = 2;        // likewise
    static constexpr uint8_t CODE_HASH = 4;      // likewise
    static constexpr uint8_t CLEARED = 8;        // all slots go before those of the record are set
    static constexpr uint8_t EXISTENCE_SHIFT = 4;  // two bits, an Existence

    const uint8_t* address;
    uint8_t flags;
    uint64_t nonce;
    const uint8_t* balance;
    const uint8_t* code_hash;
    uint32_t slot_count;
    const uint8_t* slots;

    bool has(uint8_t flag) const noexcept { return (flags & flag) != 0; }
    Existence existence() const noexcept { return static_cast<Existence>(flags >> EXISTENCE_SHIFT); }
    const uint8_t* slot(uint32_t index) const noexcept { return slots + 2 * WORD_SIZE * index; }
    const uint8_t* value(uint32_t index) const noexcept { return slot(index) + WORD_SIZE; }

    void change(Account& account) const noexcept {
        if (has(NONCE)) account.nonce = nonce;
        if (has(BALANCE)) std::memcpy(account.balance, balance, WORD_SIZE);
        if (has(CODE_HASH)) std::memcpy(account.code_hash, code_hash, HASH_SIZE);
    }
};

// Reads the records that stand one behind the other in `bytes`.
class Records {
public:
    explicit Records(Bytes bytes) noexcept : rest_(bytes) {}

    bool at_end() const noexcept { return rest_.empty(); }

    // False: what comes next does not follow the layout.
    bool next(Record& record) noexcept {
        if (rest_.size() < HEAD_SIZE) return false;
        record = at(rest_.data());
        const uint64_t size = HEAD_SIZE + SLOT_SIZE * record.slot_count;
        if (rest_.size() < size || record.existence() > Existence::Deleted) return false;
        rest_ = rest_.subspan(size);
        return true;
    }

    // One that `next` has found to be there: by its address, which its first bytes are.
    static Record at(const uint8_t* place) noexcept {
        return {.address = place,
                .flags = place[20],
                .nonce = number(place + 21, 8),
                .balance = place + 29,
                .code_hash = place + 61,
                .slot_count = static_cast<uint32_t>(number(place + 93, 4)),
                .slots = place + HEAD_SIZE};
    }

    static constexpr uint64_t HEAD_SIZE = 97;
    static constexpr uint64_t SLOT_SIZE = 2 * WORD_SIZE;

private:
    static uint64_t number(const uint8_t* bytes, uint32_t size) noexcept {
        uint64_t value = 0;
        for (uint32_t place = size; place-- > 0;) value = value << 8 | bytes[place];
        return value;
    }

    Bytes rest_;
};

// Writes the head of a record of all that an account is, or of there being none; its slots come behind it.
inline void put_record_head(uint8_t* out, const uint8_t* address, bool exists, uint64_t nonce, const uint8_t* balance,
                            const uint8_t* code_hash) noexcept {
    std::memset(out, 0, Records::HEAD_SIZE);
    std::memcpy(out, address, ADDRESS_SIZE);
    if (!exists) {
        out[20] = static_cast<uint8_t>(Existence::Deleted) << Record::EXISTENCE_SHIFT;
        return;
    }
    out[20] = Record::NONCE | Record::BALANCE | Record::CODE_HASH |
              static_cast<uint8_t>(Existence::Exists) << Record::EXISTENCE_SHIFT;
    for (uint32_t place = 0; place < 8; ++place) out[21 + place] = static_cast<uint8_t>(nonce >> 8 * place);
    std::memcpy(out + 29, balance, WORD_SIZE);
    std::memcpy(out + 61, code_hash, HASH_SIZE);
}

inline void put_slot_count(uint8_t* record, uint32_t count) noexcept {
    for (uint32_t place = 0; place < 4; ++place) record[93 + place] = static_cast<uint8_t>(count >> 8 * place);
}

}  // namespace blockstm::trie
