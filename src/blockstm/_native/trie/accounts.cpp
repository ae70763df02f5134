#include "trie/accounts.hpp"

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

Status Accounts::slot(const uint8_t* address, const uint8_t slot[WORD_SIZE], uint8_t value[WORD_SIZE]) noexcept {
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
    Record record{};
    for (Records reader(records); !reader.at_end();) {
        if (!reader.next(record)) return Status::BadInput;
    }
    leaving_.clear();
    for (Records reader(records); !reader.at_end();) {
        reader.next(record);
        if (const Status status = change(record); status != Status::Ok) return status;
    }
    for (const Key& key : leaving_) {
        if (const Status status = accounts_.remove(*store_, key); status != Status::Ok) return status;
    }
    return Status::Ok;
}

// The storage is changed first, since the account holds its root; on the way it belongs to no leaf, so that
// it can be changed whether or not there was an account.
Status Accounts::change(const Record& record) noexcept {
    const Key key = key_of({record.address, ADDRESS_SIZE});
    if (record.existence() == Existence::Deleted) return leaving_.push(key) ? Status::Ok : Status::OutOfMemory;
    Leaf* leaf;
    Account account;
    Status status = accounts_.find_own(*store_, key, leaf);
    if (status == Status::Ok) status = read(key, leaf, account);
    if (status != Status::Ok) return status;
    record.change(account);
    if (record.existence() == Existence::UnlessEmpty && account.is_empty()) {
        return leaving_.push(key) ? Status::Ok : Status::OutOfMemory;
    }
    Trie storage;
    if (leaf != nullptr) std::swap(storage, leaf->storage);
    if (record.has(Record::CLEARED)) {
        storage.drop(*store_);
        std::memcpy(account.storage_root, EMPTY_ROOT, HASH_SIZE);
    }
    if (record.slot_count != 0) {
        if (storage.top == nullptr) status = storage.open(*store_, account.storage_root);
        if (status == Status::Ok) status = change_slots(record, storage);
        if (status == Status::Ok) status = storage.root(*store_, account.storage_root);
    }
    if (status == Status::Ok) {
        uint8_t encoding[ACCOUNT_SIZE_MAX];
        status = accounts_.put(*store_, key, {encoding, put_account(encoding, account)}, leaf);
    }
    if (leaf == nullptr) {
        storage.drop(*store_);
    } else {
        leaf->storage = storage;
    }
    return status;
}

Status Accounts::change_slots(const Record& record, Trie& storage) noexcept {
    for (const bool removes : {false, true}) {
        for (uint32_t index = 0; index < record.slot_count; ++index) {
            const uint8_t* value = record.value(index);
            if (is_zero(value) != removes) continue;
            uint8_t encoding[SLOT_VALUE_SIZE_MAX];
            const Bytes bytes = removes ? Bytes{} : Bytes{encoding, put_slot_value(encoding, value)};
            const Status status = storage.set(*store_, key_of({record.slot(index), WORD_SIZE}), bytes);
            if (status != Status::Ok) return status;
        }
    }
    return Status::Ok;
}

}  // namespace blockstm::trie
