// What a block's access list (EIP-7928) says that the accounts are in the end, as the flat records that state tries
// take (trie/account.hpp), and whether that is what a block then did.
//
// Pure functions; any thread; throw std::bad_alloc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "state/listed_accounts.hpp"

namespace blockstm {

namespace listed_records {

inline constexpr uint64_t FLAGS = 20, NONCE = 21, BALANCE = 29, CODE_HASH = 61, COUNT = 93, HEAD = 97, SLOT = 64;
inline constexpr uint8_t HAS_NONCE = 1, HAS_BALANCE = 2, HAS_CODE_HASH = 4, OTHER_FLAGS = 0xf8;

// keccak of no bytes.
inline constexpr uint8_t NO_CODE[32] = {
    0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
    0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70};

struct LastWrite {
    std::string_view key, value;
    int64_t transaction;
};

inline std::string_view text(const uint8_t* begin, const uint8_t* end) {
    return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)};
}

// Of each key but those of codes the write of the highest transaction, by ascending key.
inline std::vector<LastWrite> last_writes(const ListedAccounts& listed) {
    std::vector<LastWrite> writes;
    const uint8_t* data = listed.data.data();
    for (size_t place = 0; place < listed.index.size(); ++place) {
        const int64_t* at = &listed.start[2 * place];
        if (at[1] - at[0] == ListedAccounts::WORD) continue;
        writes.push_back({text(data + at[0], data + at[1]), text(data + at[1], data + at[2]), listed.index[place]});
    }
    const auto before = [](const LastWrite& left, const LastWrite& right) {
        const int order = left.key.compare(right.key);
        return order != 0 ? order < 0 : left.transaction < right.transaction;
    };
    if (!std::is_sorted(writes.begin(), writes.end(), before)) {
        std::stable_sort(writes.begin(), writes.end(), before);
    }
    size_t kept = 0;
    for (size_t place = 0; place < writes.size(); ++place) {
        if (place + 1 == writes.size() || writes[place + 1].key != writes[place].key) writes[kept++] = writes[place];
    }
    writes.resize(kept);
    return writes;
}

// A value of up to 32 bytes, from its highest byte down.
inline void put_word(uint8_t* out, std::string_view value) {
    std::memset(out, 0, 32);
    std::reverse_copy(value.begin(), value.end(), out + 32 - value.size());
}

inline bool put_field(uint8_t* head, uint8_t field, std::string_view value, uint8_t balance, uint8_t nonce) {
    if (field == balance) {
        head[FLAGS] |= HAS_BALANCE;
        put_word(head + BALANCE, value);
    } else if (field == nonce) {
        head[FLAGS] |= HAS_NONCE;
        std::memcpy(head + NONCE, value.data(), std::min<size_t>(value.size(), 8));
        return std::all_of(value.begin() + std::min<size_t>(value.size(), 8), value.end(),
                           [](char byte) { return byte == 0; });
    } else {
        head[FLAGS] |= HAS_CODE_HASH;
        std::memcpy(head + CODE_HASH, value.empty() ? NO_CODE : reinterpret_cast<const uint8_t*>(value.data()), 32);
    }
    return true;
}

// A record, and its slots by ascending slot.
struct Sorted {
    const uint8_t* head;
    std::vector<const uint8_t*> slot;

    explicit Sorted(const uint8_t* record) : head(record) {
        uint32_t count;
        std::memcpy(&count, record + COUNT, 4);
        for (uint32_t place = 0; place < count; ++place) slot.push_back(record + HEAD + SLOT * place);
        const auto before = [](const uint8_t* left, const uint8_t* right) { return std::memcmp(left, right, 32) < 0; };
        if (!std::is_sorted(slot.begin(), slot.end(), before)) std::sort(slot.begin(), slot.end(), before);
    }
};

inline std::vector<Sorted> sorted_records(ByteView records) {
    std::vector<Sorted> found;
    uint64_t place = 0;
    while (place + HEAD <= records.size()) {
        found.emplace_back(records.data() + place);
        place += HEAD + SLOT * found.back().slot.size();
    }
    const auto before = [](const Sorted& left, const Sorted& right) {
        return std::memcmp(left.head, right.head, ListedAccounts::ADDRESS) < 0;
    };
    if (!std::is_sorted(found.begin(), found.end(), before)) std::sort(found.begin(), found.end(), before);
    return found;
}

// What is listed of one account and was not done: it must be as it was before the block.
inline bool compare(const Sorted* done, const Sorted& listed, std::vector<uint8_t>& left_over) {
    const uint8_t flags = done == nullptr ? 0 : done->head[FLAGS];
    struct { uint8_t flag; uint64_t place, size; } fields[] = {
        {HAS_NONCE, NONCE, 8}, {HAS_BALANCE, BALANCE, 32}, {HAS_CODE_HASH, CODE_HASH, 32}};
    if (flags & ~listed.head[FLAGS]) return false;  // more was done, or of another kind
    std::vector<uint8_t> rest(listed.head, listed.head + HEAD);
    rest[FLAGS] = listed.head[FLAGS] & ~flags;
    for (const auto& field : fields) {
        if (!(flags & field.flag)) continue;
        if (std::memcmp(done->head + field.place, listed.head + field.place, field.size) != 0) return false;
    }
    size_t place = 0;
    uint32_t count = 0;
    for (const uint8_t* slot : listed.slot) {
        const uint8_t* other = done != nullptr && place < done->slot.size() ? done->slot[place] : nullptr;
        if (other != nullptr && std::memcmp(other, slot, 32) == 0) {
            if (std::memcmp(other, slot, SLOT) != 0) return false;
            ++place;
            continue;
        }
        rest.insert(rest.end(), slot, slot + SLOT);
        ++count;
    }
    if (done != nullptr && place != done->slot.size()) return false;
    std::memcpy(rest.data() + COUNT, &count, 4);
    if (rest[FLAGS] || count) left_over.insert(left_over.end(), rest.begin(), rest.end());
    return true;
}

}  // namespace listed_records

// The accounts at the end of the block. False: a number is none of an account.
inline bool final_records(const ListedAccounts& listed, uint8_t balance, uint8_t nonce, std::vector<uint8_t>& records) {
    using namespace listed_records;
    constexpr uint64_t ADDRESS = ListedAccounts::ADDRESS;
    size_t head = 0;
    for (const LastWrite& write : last_writes(listed)) {
        if (records.empty() || std::memcmp(records.data() + head, write.key.data(), ADDRESS) != 0) {
            head = records.size();
            records.resize(head + HEAD);
            std::memcpy(records.data() + head, write.key.data(), ADDRESS);
        }
        if (write.key.size() == ListedAccounts::FIELD) {
            const auto field = static_cast<uint8_t>(write.key[ADDRESS]);
            if (!put_field(records.data() + head, field, write.value, balance, nonce)) return false;
            continue;
        }
        uint32_t count;
        const size_t slot = records.size();
        std::memcpy(&count, records.data() + head + COUNT, 4);
        ++count;
        std::memcpy(records.data() + head + COUNT, &count, 4);
        records.resize(slot + SLOT);
        std::memcpy(records.data() + slot, write.key.data() + ADDRESS, 32);
        put_word(records.data() + slot + 32, write.value);
    }
    return true;
}

// Whether ``done`` is what was ``listed``, if ``left_over`` is as it was: records of what is listed and was not done.
inline bool records_agree(ByteView done, ByteView listed, std::vector<uint8_t>& left_over) {
    using namespace listed_records;
    const std::vector<Sorted> actual = sorted_records(done), expected = sorted_records(listed);
    size_t place = 0;
    for (const Sorted& each : expected) {
        const int order = place == actual.size()
                              ? 1
                              : std::memcmp(actual[place].head, each.head, ListedAccounts::ADDRESS);
        if (order < 0) return false;  // an account that is not listed
        if (!compare(order == 0 ? &actual[place] : nullptr, each, left_over)) return false;
        place += order == 0;
    }
    return place == actual.size();
}

}  // namespace blockstm
