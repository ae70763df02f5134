#include "trie/state_root.hpp"

#include "trie/builder.hpp"

namespace blockstm::trie {
namespace {

constexpr uint64_t GROUP_SLOTS = 4096;  // of storages that are built together

// Tries whose keys and values it writes down itself, the keys hashed side by side.
class HashedBuilder {
public:
    // For so many entries at most.
    bool start(uint64_t count, uint64_t value_size_max) noexcept {
        builder_.clear();
        keys_.clear();
        values_.clear();
        added_.clear();
        counts_.clear();
        return builder_.reserve(count) && keys_.reserve(count * HASH_SIZE) && added_.reserve(count) &&
               values_.reserve(count * value_size_max);
    }

    // `put(place)` writes the value and returns its size. Not one more than was said.
    template <class Put>
    void add(Bytes key, Put put) noexcept {
        uint8_t* hashed = keys_.extend(HASH_SIZE);
        hashes_.add(key, hashed);
        uint8_t* value = values_.data() + values_.size();
        const uint64_t size = put(value);
        values_.extend(size);
        added_.push({hashed, {value, size}});
        ++count_;
    }

    bool end_trie() noexcept {
        const bool is_noted = counts_.push(count_);
        count_ = 0;
        return is_noted;
    }

    Status roots(uint8_t* out) noexcept {
        hashes_.finish();
        const Added* next = added_.begin();
        for (uint64_t count : counts_) {
            for (; count != 0; --count, ++next) builder_.add({next->key, HASH_SIZE}, next->value);
            if (!builder_.end_trie()) return Status::OutOfMemory;
        }
        return builder_.roots(out);
    }

private:
    struct Added {
        const uint8_t* key;
        Bytes value;
    };

    Builder builder_;
    HashBatch hashes_;
    Array<uint8_t> keys_;
    Array<uint8_t> values_;
    Array<Added> added_;
    Array<uint64_t> counts_;  // of the tries that have ended
    uint64_t count_ = 0;       // of the one that has not
};

bool exists(const Record& record, const Account& account) noexcept {
    return record.existence() == Existence::Exists ||
           (record.existence() == Existence::UnlessEmpty && !account.is_empty());
}

// Accounts whose storages are built together.
class Group {
public:
    bool is_full() const noexcept { return slots_ >= GROUP_SLOTS || records_.size() >= GROUP_SLOTS; }

    bool add(const Record& record) noexcept {
        slots_ += record.slot_count;
        return records_.push(record);
    }

    // `take(address, account)` gets each of them, with the root of its storage.
    template <class Take>
    Status move_to(Take take) noexcept {
        if (const Status status = build(); status != Status::Ok) return status;
        for (uint64_t place = 0; place < records_.size(); ++place) {
            Account account;
            records_[place].change(account);
            std::memcpy(account.storage_root, roots_.data() + HASH_SIZE * place, HASH_SIZE);
            take(Bytes{records_[place].address, ADDRESS_SIZE}, account);
        }
        records_.clear();
        slots_ = 0;
        return Status::Ok;
    }

private:
    Status build() noexcept {
        roots_.clear();
        if (!builder_.start(slots_, SLOT_VALUE_SIZE_MAX)) return Status::OutOfMemory;
        if (!roots_.reserve(HASH_SIZE * records_.size())) return Status::OutOfMemory;
        for (const Record& record : records_) {
            for (uint32_t index = 0; index < record.slot_count; ++index) {
                const uint8_t* value = record.value(index);
                if (is_zero(value)) continue;
                const Bytes slot{record.slot(index), WORD_SIZE};
                builder_.add(slot, [&](uint8_t* out) noexcept { return put_slot_value(out, value); });
            }
            if (!builder_.end_trie()) return Status::OutOfMemory;
        }
        return builder_.roots(roots_.data());
    }

    HashedBuilder builder_;
    Array<Record> records_;
    Array<uint8_t> roots_;
    uint64_t slots_ = 0;
};

bool count_records(Bytes records, uint64_t& count) noexcept {
    Record record{};
    for (Records reader(records); !reader.at_end(); ++count) {
        if (!reader.next(record)) return false;
    }
    return true;
}

// `take(address, account)` gets each account that exists. Pre: the records were counted.
template <class Take>
Status each_account(Bytes records, Take take) noexcept {
    Record record{};
    Group group;
    for (Records reader(records); !reader.at_end();) {
        reader.next(record);
        Account account;
        record.change(account);
        if (!exists(record, account)) continue;
        if (!group.add(record)) return Status::OutOfMemory;
        if (!group.is_full()) continue;
        if (const Status status = group.move_to(take); status != Status::Ok) return status;
    }
    return group.move_to(take);
}

}  // namespace

Status state_root(Bytes records, uint8_t out[HASH_SIZE]) noexcept {
    uint64_t count = 0;
    if (!count_records(records, count)) return Status::BadInput;
    HashedBuilder accounts;
    if (!accounts.start(count, ACCOUNT_SIZE_MAX)) return Status::OutOfMemory;
    const Status status = each_account(records, [&](Bytes address, const Account& account) noexcept {
        accounts.add(address, [&](uint8_t* place) noexcept { return put_account(place, account); });
    });
    if (status != Status::Ok) return status;
    if (!accounts.end_trie()) return Status::OutOfMemory;
    return accounts.roots(out);
}

}  // namespace blockstm::trie
