// What a block reads of a state behind a witness, from its tries, without Python. What it cannot tell, a caller has
// to ask for otherwise: a node that is not there, a code of which only the hash is.
#pragma once

#include <algorithm>
#include <vector>

#include "base/bytes.hpp"
#include "trie/accounts.hpp"

namespace blockstm::trie {

// The letters behind the address in the keys of an account's fields (locations.pyx).
enum class AccountField : uint8_t { Balance = 'b', Nonce = 'n', CodeHash = 'c', Recorded = 'r', Stored = 's' };

struct KnownCode {
    uint8_t hash[HASH_SIZE];
    Bytes code;

    friend bool operator<(const KnownCode& left, const KnownCode& right) noexcept {
        return std::memcmp(left.hash, right.hash, HASH_SIZE) < 0;
    }
};

enum class Told : uint8_t { Value, Absent, Unknown };

// Immutable once the codes are there; any thread. Takes the store's lock.
class WitnessReader {
public:
    void open(Accounts* accounts, NodeStore* store) noexcept { accounts_ = accounts, store_ = store; }
    void add_code(const uint8_t* hash, Bytes code) {
        KnownCode known;
        std::memcpy(known.hash, hash, HASH_SIZE);
        known.code = code;
        codes_.push_back(known);
    }
    void sort_codes() noexcept { std::sort(codes_.begin(), codes_.end()); }

    // A code, which stays where it is.
    Told code(const uint8_t* hash, Bytes& found) const noexcept {
        const KnownCode* known = find_code(hash);
        if (known == nullptr) return Told::Unknown;
        found = known->code;
        return Told::Value;
    }

    // The value of a field, WORD_SIZE bytes: a number little-endian, or a hash.
    Told field(const uint8_t* address, AccountField field, uint8_t out[WORD_SIZE]) noexcept {
        Account account;
        bool exists = false;
        store_->lock();
        const Status status = accounts_->account(address, account, exists);
        store_->unlock();
        if (status != Status::Ok) return Told::Unknown;
        return exists ? field_of(account, field, out) : Told::Absent;
    }

    Told slot(const uint8_t* address, const uint8_t* slot, uint8_t out[WORD_SIZE]) noexcept {
        uint8_t value[WORD_SIZE];
        store_->lock();
        const Status status = accounts_->slot(address, slot, value);
        store_->unlock();
        if (status != Status::Ok) return Told::Unknown;
        std::reverse_copy(value, value + WORD_SIZE, out);
        return is_zero(value) ? Told::Absent : Told::Value;
    }

private:
    const KnownCode* find_code(const uint8_t* hash) const noexcept {
        KnownCode wanted;
        std::memcpy(wanted.hash, hash, HASH_SIZE);
        const auto found = std::lower_bound(codes_.begin(), codes_.end(), wanted);
        const bool is_there = found != codes_.end() && std::memcmp(found->hash, hash, HASH_SIZE) == 0;
        return is_there ? &*found : nullptr;
    }

    Told field_of(const Account& account, AccountField field, uint8_t out[WORD_SIZE]) const noexcept {
        const bool has_code = std::memcmp(account.code_hash, EMPTY_CODE_HASH, HASH_SIZE) != 0;
        const bool is_named = account.nonce != 0 || has_code;
        bool is_marked = false;
        switch (field) {
            case AccountField::Balance:
                std::reverse_copy(account.balance, account.balance + WORD_SIZE, out);
                return is_zero(account.balance) ? Told::Absent : Told::Value;
            case AccountField::Nonce:
                std::memset(out, 0, WORD_SIZE);
                std::memcpy(out, &account.nonce, sizeof account.nonce);
                return account.nonce == 0 ? Told::Absent : Told::Value;
            case AccountField::CodeHash:
                if (!has_code) return Told::Absent;
                std::memcpy(out, account.code_hash, HASH_SIZE);
                return find_code(out) == nullptr ? Told::Unknown : Told::Value;
            case AccountField::Recorded:
                is_marked = !is_named && is_zero(account.balance);
                break;
            case AccountField::Stored:
                is_marked = !is_named && std::memcmp(account.storage_root, EMPTY_ROOT, HASH_SIZE) != 0;
                break;
        }
        std::memset(out, 0, WORD_SIZE);
        out[0] = is_marked;
        return is_marked ? Told::Value : Told::Absent;
    }

    Accounts* accounts_ = nullptr;
    NodeStore* store_ = nullptr;
    std::vector<KnownCode> codes_;
};

}  // namespace blockstm::trie
