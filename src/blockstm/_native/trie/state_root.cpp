#include "trie/state_root.hpp"

#include "trie/builder.hpp"

namespace blockstm::trie {
namespace {

// A trie whose keys and values it writes down itself: `count` of them at most.
class HashedBuilder {
public:
    bool start(uint64_t count, uint64_t value_size_max) noexcept {
        builder_.clear();
        keys_.clear();
        values_.clear();
        return builder_.reserve(count) && keys_.reserve(count * HASH_SIZE) && values_.reserve(count * value_size_max);
    }

    // `put(place)` writes the value and returns its size.
    template <class Put>
    void add(Bytes key, Put put) noexcept {
        uint8_t* hashed = keys_.extend(HASH_SIZE);
        keccak256(key.data(), key.size(), hashed);
        uint8_t* value = values_.data() + values_.size();
        const uint64_t size = put(value);
        values_.extend(size);
        builder_.add({hashed, HASH_SIZE}, {value, size});
    }

    Status root(uint8_t out[HASH_SIZE]) noexcept { return builder_.root(out); }

private:
    Builder builder_;
    Buffer<uint8_t> keys_;
    Buffer<uint8_t> values_;
};

Status storage_root(HashedBuilder& builder, const Record& record, uint8_t out[HASH_SIZE]) noexcept {
    if (!builder.start(record.slot_count, SLOT_VALUE_SIZE_MAX)) return Status::OutOfMemory;
    for (uint32_t index = 0; index < record.slot_count; ++index) {
        const uint8_t* value = record.value(index);
        if (is_zero(value)) continue;
        builder.add({record.slot(index), WORD_SIZE}, [&](uint8_t* out) noexcept { return put_slot_value(out, value); });
    }
    return builder.root(out);
}

}  // namespace

Status state_root(Bytes records, uint8_t out[HASH_SIZE]) noexcept {
    Record record{};
    uint64_t count = 0;
    for (Records reader(records); !reader.at_end(); ++count) {
        if (!reader.next(record)) return Status::BadInput;
    }
    HashedBuilder accounts, storage;
    if (!accounts.start(count, ACCOUNT_SIZE_MAX)) return Status::OutOfMemory;
    for (Records reader(records); !reader.at_end();) {
        reader.next(record);
        Account account;
        record.change(account);
        const bool exists = record.existence() == Existence::Exists ||
                            (record.existence() == Existence::UnlessEmpty && !account.is_empty());
        if (!exists) continue;
        const Status status = storage_root(storage, record, account.storage_root);
        if (status != Status::Ok) return status;
        accounts.add({record.address, ADDRESS_SIZE}, [&](uint8_t* out) noexcept { return put_account(out, account); });
    }
    return accounts.root(out);
}

}  // namespace blockstm::trie
