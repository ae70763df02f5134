#include "trie/accounts.hpp"

#include <utility>

namespace blockstm::trie {

Accounts::Key Accounts::key_of(Bytes bytes) noexcept {
    Key key;
    keccak256(bytes.data(), bytes.size(), key.bytes);
    return key;
}

Status Accounts::open(NodeStore& store, const uint8_t root[HASH_SIZE]) noexcept {
    store_ = &store;
    return accounts_.open(store, root);
}

void Accounts::share(const Accounts& other) noexcept {
    store_ = other.store_;
    accounts_ = other.accounts_.copy();
}

// -- reading

// The account on a leaf; where there is none, one of which all is zero.
Status Accounts::read(const Key& key, const Leaf* leaf, Account& account) noexcept {
    account = Account();
    if (leaf == nullptr || read_account(leaf->value(), account)) return Status::Ok;
    std::memcpy(store_->blamed, key.bytes, HASH_SIZE);
    return Status::Malformed;
}

Status Accounts::account(const uint8_t* address, Account& account, bool& exists) noexcept {
    const Key key = key_of({address, ADDRESS_SIZE});
    Leaf* leaf;
    const Status status = accounts_.find(*store_, key, leaf);
    exists = leaf != nullptr;
    return status == Status::Ok ? read(key, leaf, account) : status;
}

// The leaf of an account, its storage opened; null where there is no account.
Status Accounts::find_storage(const uint8_t* address, Leaf*& leaf) noexcept {
    const Key key = key_of({address, ADDRESS_SIZE});
    Status status = accounts_.find(*store_, key, leaf);
    if (leaf == nullptr || leaf->storage.top != nullptr) return status;
    Account account;
    status = read(key, leaf, account);
    return status == Status::Ok ? leaf->storage.open(*store_, account.storage_root) : status;
}

Status Accounts::slot(const uint8_t* address, const uint8_t slot[WORD_SIZE],
                      uint8_t value[WORD_SIZE]) noexcept {
    std::memset(value, 0, WORD_SIZE);
    Leaf* leaf;
    Status status = find_storage(address, leaf);
    if (status != Status::Ok || leaf == nullptr) return status;
    Bytes encoding;
    const Key key = key_of({slot, WORD_SIZE});
    status = leaf->storage.get(*store_, key, encoding);
    if (status != Status::Ok || encoding.empty() || read_slot_value(encoding, value)) return status;
    std::memcpy(store_->blamed, key.bytes, HASH_SIZE);
    return Status::Malformed;
}

Status Accounts::prove(const uint8_t* address, Buffer<uint8_t>& encodings, Buffer<uint64_t>& sizes) noexcept {
    return accounts_.prove(*store_, key_of({address, ADDRESS_SIZE}), encodings, sizes);
}

Status Accounts::prove_slot(const uint8_t* address, const uint8_t slot[WORD_SIZE], Buffer<uint8_t>& encodings,
                            Buffer<uint64_t>& sizes) noexcept {
    Leaf* leaf;
    const Status status = find_storage(address, leaf);
    if (status != Status::Ok || leaf == nullptr) return status;
    return leaf->storage.prove(*store_, key_of({slot, WORD_SIZE}), encodings, sizes);
}

// -- changing

Status Accounts::apply(Bytes records) noexcept {
    Status status = hash_keys(records);
    if (status != Status::Ok) return status;
    waiting_.clear();
    leaving_.clear();
    Trie before = accounts_.copy();
    status = change_all(records);
    for (Waiting& each : waiting_) each.storage.drop(*store_);
    if (status != Status::Ok) std::swap(accounts_, before);
    before.drop(*store_);
    return status;
}

Status Accounts::change_all(Bytes records) noexcept {
    Record record{};
    const Key* keys = keys_.data();
    for (Records reader(records); !reader.at_end(); keys += 1 + record.slot_count) {
        reader.next(record);
        if (const Status status = change(record, keys); status != Status::Ok) return status;
    }
    if (const Status status = settle(); status != Status::Ok) return status;
    for (const Key& key : leaving_) {
        if (const Status status = accounts_.remove(*store_, key); status != Status::Ok) return status;
    }
    return Status::Ok;
}

// All keys there are in the records, side by side. BadInput: the layout is not followed.
Status Accounts::hash_keys(Bytes records) noexcept {
    Record record{};
    uint64_t count = 0;
    for (Records reader(records); !reader.at_end(); count += 1 + record.slot_count) {
        if (!reader.next(record)) return Status::BadInput;
    }
    keys_.clear();
    Key* key = keys_.extend(count);
    if (count != 0 && key == nullptr) return Status::OutOfMemory;
    HashBatch batch;
    for (Records reader(records); !reader.at_end();) {
        reader.next(record);
        batch.add({record.address, ADDRESS_SIZE}, (key++)->bytes);
        for (uint32_t index = 0; index < record.slot_count; ++index) {
            batch.add({record.slot(index), WORD_SIZE}, (key++)->bytes);
        }
    }
    batch.finish();
    return Status::Ok;
}

// A new account comes into the trie before its storage, which hangs on its leaf; until `settle` the leaf
// says that it is empty.
Status Accounts::change(const Record& record, const Key* keys) noexcept {
    const Key& key = keys[0];
    if (record.existence() == Existence::Deleted) return note_leaving(key);
    Leaf* leaf;
    Account account;
    Status status = accounts_.find_own(*store_, key, leaf);
    if (status == Status::Ok) status = read(key, leaf, account);
    if (status != Status::Ok) return status;
    record.change(account);
    if (record.existence() == Existence::UnlessEmpty && account.is_empty()) {
        return note_leaving(key);
    }
    if (!record.has(Record::CLEARED) && record.slot_count == 0) return put(key, account, leaf);
    if (leaf == nullptr) status = put(key, account, leaf);
    if (status == Status::Ok) status = change_storage(record, keys + 1, account, leaf->storage);
    if (status != Status::Ok) return status;
    if (!waiting_.push({key, account, {}})) return Status::OutOfMemory;
    waiting_.back().storage = leaf->storage.copy();
    return Status::Ok;
}

Status Accounts::change_storage(const Record& record, const Key* slots, const Account& account,
                                Trie& storage) noexcept {
    if (record.has(Record::CLEARED)) {
        storage.drop(*store_);
    } else if (storage.top == nullptr) {
        const Status status = storage.open(*store_, account.storage_root);
        if (status != Status::Ok) return status;
    }
    for (const bool removes : {false, true}) {
        for (uint32_t index = 0; index < record.slot_count; ++index) {
            const uint8_t* value = record.value(index);
            if (is_zero(value) != removes) continue;
            uint8_t encoding[SLOT_VALUE_SIZE_MAX];
            const Bytes bytes = removes ? Bytes{} : Bytes{encoding, put_slot_value(encoding, value)};
            const Status status = storage.set(*store_, slots[index], bytes);
            if (status != Status::Ok) return status;
        }
    }
    return Status::Ok;
}

Status Accounts::put(const Key& key, const Account& account, Leaf*& leaf) noexcept {
    uint8_t encoding[ACCOUNT_SIZE_MAX];
    return accounts_.put(*store_, key, {encoding, put_account(encoding, account)}, leaf);
}

// All storages that changed are hashed together; then the accounts can say their roots.
Status Accounts::settle() noexcept {
    tops_.clear();
    for (const Waiting& each : waiting_) {
        if (!tops_.push(each.storage.top)) return Status::OutOfMemory;
    }
    if (!store_->refresher.refresh(tops_.data(), tops_.size())) return Status::OutOfMemory;
    for (Waiting& each : waiting_) {
        Leaf* leaf;
        Status status = each.storage.root(*store_, each.account.storage_root);
        if (status == Status::Ok) status = put(each.key, each.account, leaf);
        if (status != Status::Ok) return status;
    }
    return Status::Ok;
}

}  // namespace blockstm::trie
