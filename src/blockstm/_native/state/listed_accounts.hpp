// What a block's access list (EIP-7928) says, as flat arrays: writes with their values, which transactions change
// which slot, and what the block touches at all. Filled account by account, from objects or from the list's RLP.
//
// Nothing is believed, so nothing is checked but the form. For one thread; throws std::bad_alloc.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/rlp.hpp"
#include "crypto/keccak.hpp"

namespace blockstm {

class ListedAccounts {
public:
    static constexpr uint64_t ADDRESS = 20, FIELD = 21, SLOT = 52, WORD = 32;
    static constexpr int64_t NO_TRANSACTION = INT32_MAX;
    using Word = std::array<uint8_t, WORD>;

    // As `ListedValues` of the engine takes them.
    std::vector<int64_t> index, start;
    std::vector<uint8_t> data;
    // Of each change of a slot, the transaction, and the slot's number in the list.
    std::vector<int64_t> changed_by, changed;
    // Keys of accounts and of slots, one behind the other.
    std::vector<uint8_t> addresses, slots;

    void begin_account(const uint8_t* address) {
        std::memcpy(key_, address, ADDRESS);
        addresses.insert(addresses.end(), address, address + ADDRESS);
    }

    // ``slot`` from its lowest byte up.
    void begin_slot(const uint8_t* slot, bool is_changed) {
        std::reverse_copy(slot, slot + WORD, key_ + ADDRESS);
        slots.insert(slots.end(), key_, key_ + SLOT);
        number_ += is_changed;
    }

    // The value of the slot that was begun last, from its lowest byte up; zero is none.
    void change_slot(int64_t transaction, const uint8_t* word) {
        changed_by.push_back(transaction);
        changed.push_back(number_);
        add(transaction, {key_, SLOT}, of_word(word));
    }

    // What is added to a balance and taken from it leaves a zero, not nothing.
    void change_balance(int64_t transaction, uint8_t field, const uint8_t* word) {
        key_[ADDRESS] = field;
        add(transaction, {key_, FIELD}, {word, WORD});
    }

    void change_nonce(int64_t transaction, uint8_t field, const uint8_t* word) {
        key_[ADDRESS] = field;
        add(transaction, {key_, FIELD}, of_word(word));
    }

    // The code's hash, and under that the code.
    void change_code(int64_t transaction, uint8_t field, ByteView code) {
        uint8_t digest[WORD];
        key_[ADDRESS] = field;
        if (code.empty()) return add(transaction, {key_, FIELD}, {});
        keccak256(code.data(), code.size(), digest);
        add(transaction, {digest, WORD}, code);
        add(transaction, {key_, FIELD}, {digest, WORD});
    }

    void end() { start.push_back(static_cast<int64_t>(data.size())); }

    // Add the accounts of an encoded list. False: the bytes are of none.
    bool read(ByteView encoding, uint8_t balance, uint8_t nonce, uint8_t code) {
        ByteView accounts;
        if (!rlp::read_list(encoding, accounts)) return false;
        return each_list(accounts, [&](rlp::Reader& account) {
            ByteView address;
            if (!next_string(account, address) || address.size() != ADDRESS) return false;
            begin_account(address.data());
            return read_slots(account) && read_slot_reads(account) &&
                   read_numbers(account, balance, &ListedAccounts::change_balance) &&
                   read_numbers(account, nonce, &ListedAccounts::change_nonce) && read_codes(account, code) &&
                   account.at_end();
        });
    }

private:
    static ByteView of_word(const uint8_t* word) noexcept {
        const bool is_zero = std::all_of(word, word + WORD, [](uint8_t byte) { return byte == 0; });
        return is_zero ? ByteView() : ByteView(word, WORD);
    }

    void add(int64_t transaction, ByteView key, ByteView value) {
        index.push_back(transaction);
        start.push_back(static_cast<int64_t>(data.size()));
        data.insert(data.end(), key.begin(), key.end());
        start.push_back(static_cast<int64_t>(data.size()));
        data.insert(data.end(), value.begin(), value.end());
    }

    static bool next_string(rlp::Reader& reader, ByteView& bytes) {
        rlp::Item item;
        if (!reader.next(item) || item.is_list) return false;
        bytes = item.payload;
        return true;
    }

    static bool next_number(rlp::Reader& reader, Word& word) {
        ByteView digits;
        if (!next_string(reader, digits) || digits.size() > WORD || (!digits.empty() && digits[0] == 0)) return false;
        word.fill(0);
        std::reverse_copy(digits.begin(), digits.end(), word.begin());
        return true;
    }

    // The transaction at the block access index that comes next: what is before the first is at -1.
    static bool next_transaction(rlp::Reader& reader, int64_t& transaction) {
        Word word;
        uint64_t place = 0;
        if (!next_number(reader, word)) return false;
        std::memcpy(&place, word.data(), 4);
        const bool fits = std::all_of(word.begin() + 4, word.end(), [](uint8_t byte) { return byte == 0; });
        transaction = place < INT32_MAX ? static_cast<int64_t>(place) - 1 : NO_TRANSACTION;
        return fits;
    }

    // Have each item of what is one list after another read, to its end.
    template <typename Read>
    static bool each_list(ByteView items, Read read) {
        rlp::Reader reader(items);
        rlp::Item item;
        while (!reader.at_end()) {
            if (!reader.next(item) || !item.is_list) return false;
            rlp::Reader members(item.payload);
            if (!read(members) || !members.at_end()) return false;
        }
        return true;
    }

    template <typename Read>
    static bool each_list_of_next(rlp::Reader& reader, Read read) {
        rlp::Item item;
        return reader.next(item) && item.is_list && each_list(item.payload, read);
    }

    bool read_slots(rlp::Reader& account) {
        return each_list_of_next(account, [&](rlp::Reader& members) {
            Word slot;
            if (!next_number(members, slot)) return false;
            begin_slot(slot.data(), true);
            return each_list_of_next(members, [&](rlp::Reader& change) {
                int64_t transaction;
                Word word;
                if (!next_transaction(change, transaction) || !next_number(change, word)) return false;
                change_slot(transaction, word.data());
                return true;
            });
        });
    }

    bool read_slot_reads(rlp::Reader& account) {
        rlp::Item item;
        Word slot;
        if (!account.next(item) || !item.is_list) return false;
        rlp::Reader reads(item.payload);
        while (!reads.at_end()) {
            if (!next_number(reads, slot)) return false;
            begin_slot(slot.data(), false);
        }
        return true;
    }

    bool read_numbers(rlp::Reader& account, uint8_t field,
                      void (ListedAccounts::*change_number)(int64_t, uint8_t, const uint8_t*)) {
        return each_list_of_next(account, [&](rlp::Reader& change) {
            int64_t transaction;
            Word word;
            if (!next_transaction(change, transaction) || !next_number(change, word)) return false;
            (this->*change_number)(transaction, field, word.data());
            return true;
        });
    }

    bool read_codes(rlp::Reader& account, uint8_t field) {
        return each_list_of_next(account, [&](rlp::Reader& change) {
            int64_t transaction;
            ByteView code;
            if (!next_transaction(change, transaction) || !next_string(change, code)) return false;
            change_code(transaction, field, code);
            return true;
        });
    }

    uint8_t key_[SLOT] = {};
    int64_t number_ = -1;  // of the slot that was begun last, among those that change
};

// The changes of slots by transactions 0 to ``count - 1``, as `Expectations` takes accesses: each reads, then writes.
inline void slot_accesses(const ListedAccounts& listed, int64_t count, std::vector<int64_t>& starts,
                          std::vector<int64_t>& locations, std::vector<uint8_t>& kinds) {
    const auto is_of_block = [&](int64_t transaction) { return 0 <= transaction && transaction < count; };
    starts.assign(count + 1, 0);
    for (const int64_t by : listed.changed_by) {
        if (is_of_block(by)) starts[by + 1] += 2;
    }
    for (int64_t transaction = 0; transaction < count; ++transaction) starts[transaction + 1] += starts[transaction];
    locations.assign(starts[count], 0);
    kinds.assign(starts[count], 0);
    std::vector<int64_t> next(starts);
    for (size_t change = 0; change < listed.changed.size(); ++change) {
        const int64_t by = listed.changed_by[change];
        if (!is_of_block(by)) continue;
        const int64_t place = next[by];
        locations[place] = locations[place + 1] = listed.changed[change];
        kinds[place + 1] = 2;
        next[by] += 2;
    }
}

}  // namespace blockstm
