#include "trie/accounts.hpp"

#include <utility>

#include "trie/fan.hpp"

namespace blockstm::trie {

namespace {

constexpr uint64_t KEPT_BYTES = 1 << 14;  // of an array that `apply` fills, until the next time

}  // namespace

Accounts::Key Accounts::key_of(Bytes bytes) noexcept {
    Key key;
    keccak256(bytes.data(), bytes.size(), key.bytes);
    return key;
}

Status Accounts::open(NodeStore& store, const uint8_t root[HASH_SIZE]) noexcept {
    store_ = &store;
    return accounts_.open(store.space(), root);
}

bool Accounts::share(const Accounts& other) noexcept {
    store_ = other.store_;
    accounts_ = other.accounts_.copy();
    return stale_.append(other.stale_.data(), other.stale_.size()) &&
           wiped_.append(other.wiped_.data(), other.wiped_.size());
}

// -- reading

// The account on a leaf; where there is none, one of which all is zero.
Status Accounts::read(Space& space, const Key& key, const Leaf* leaf, Account& account) noexcept {
    account = Account();
    if (leaf == nullptr || read_account(leaf->value(), account)) return Status::Ok;
    std::memcpy(space.blamed, key.bytes, HASH_SIZE);
    return Status::Malformed;
}

Status Accounts::account(const uint8_t* address, Account& account, bool& exists) noexcept {
    const Key key = key_of({address, ADDRESS_SIZE});
    Leaf* leaf;
    const Status status = accounts_.find(space(), key, leaf);
    exists = leaf != nullptr;
    return status == Status::Ok ? read(space(), key, leaf, account) : status;
}

// The leaf of an account, its storage opened; null where there is no account.
Status Accounts::find_storage(const uint8_t* address, Leaf*& leaf) noexcept {
    const Key key = key_of({address, ADDRESS_SIZE});
    Status status = accounts_.find(space(), key, leaf);
    if (leaf == nullptr || leaf->storage.top != nullptr) return status;
    Account account;
    status = read(space(), key, leaf, account);
    return status == Status::Ok ? leaf->storage.open(space(), account.storage_root) : status;
}

Status Accounts::slot(const uint8_t* address, const uint8_t slot[WORD_SIZE],
                      uint8_t value[WORD_SIZE]) noexcept {
    std::memset(value, 0, WORD_SIZE);
    Leaf* leaf;
    Status status = find_storage(address, leaf);
    if (status != Status::Ok || leaf == nullptr) return status;
    Bytes encoding;
    const Key key = key_of({slot, WORD_SIZE});
    const Key owner = key_of({address, ADDRESS_SIZE});
    const OwnerScope scope(space(), owner.bytes);
    status = leaf->storage.get(space(), key, encoding);
    if (status != Status::Ok || encoding.empty() || read_slot_value(encoding, value)) return status;
    std::memcpy(space().blamed, key.bytes, HASH_SIZE);
    return Status::Malformed;
}

Status Accounts::prove(const uint8_t* address, Array<uint8_t>& encodings, Array<uint64_t>& sizes) noexcept {
    return accounts_.prove(space(), key_of({address, ADDRESS_SIZE}), encodings, sizes);
}

Status Accounts::prove_slot(const uint8_t* address, const uint8_t slot[WORD_SIZE], Array<uint8_t>& encodings,
                            Array<uint64_t>& sizes) noexcept {
    Leaf* leaf;
    const Status status = find_storage(address, leaf);
    if (status != Status::Ok || leaf == nullptr) return status;
    const Key owner = key_of({address, ADDRESS_SIZE});
    const OwnerScope scope(space(), owner.bytes);
    return leaf->storage.prove(space(), key_of({slot, WORD_SIZE}), encodings, sizes);
}

// -- changing

Status Accounts::apply(Bytes records, uint32_t threads) noexcept {
    threads_ = store_->count() == 0 || store_->source() != nullptr ? threads : 1;
    store_->each_space([](Space& each) noexcept { each.stale.clear(); });
    Status status = read_records(records);
    if (status != Status::Ok) {
        forget_records();
        return status;
    }
    hash_keys();
    waiting_.clear();
    large_.clear();
    leaving_.clear();
    clearing_.clear();
    Trie before = accounts_.copy();
    status = change_all();
    for (Waiting& each : waiting_) each.storage.drop(space());
    forget_records();
    if (status == Status::Ok && !keep_notes()) status = Status::OutOfMemory;
    if (status != Status::Ok) std::swap(accounts_, before);
    before.drop(space());
    return status;
}

// What the tries that changed say of their source, as long as it is this state that is kept.
bool Accounts::keep_notes() noexcept {
    if (store_->source() == nullptr) return true;
    bool is_kept = wiped_.append(clearing_.data(), clearing_.size()) &&
                   wiped_.append(leaving_.data(), leaving_.size());
    store_->each_space([&](Space& each) noexcept {
        is_kept = is_kept && stale_.append(each.stale.data(), each.stale.size());
    });
    return is_kept;
}

Status Accounts::root(uint32_t threads, uint8_t out[HASH_SIZE]) noexcept {
    if (!store_->refresh(&accounts_.top, 1, threads)) return Status::OutOfMemory;
    return accounts_.root(space(), out);
}

// BadInput: the layout is not followed.
Status Accounts::read_records(Bytes records) noexcept {
    // At most so many: what is not used of it is not touched.
    if (!changes_.reserve(records.size() / Records::HEAD_SIZE) ||
        !hashed_.reserve(records.size() / Records::SLOT_SIZE)) {
        return Status::OutOfMemory;
    }
    for (Records reader(records); !reader.at_end();) {
        Record record;
        if (!reader.next(record)) return Status::BadInput;
        Bytes* hashed = hashed_.extend(1 + record.slot_count);
        if (hashed == nullptr || !changes_.push({record.address, nullptr})) return Status::OutOfMemory;
        *hashed++ = {record.address, ADDRESS_SIZE};
        for (uint32_t index = 0; index < record.slot_count; ++index) *hashed++ = {record.slot(index), WORD_SIZE};
    }
    const Key* keys = keys_.extend(hashed_.size());
    if (keys == nullptr && hashed_.size() != 0) return Status::OutOfMemory;
    for (Change& change : changes_) {
        change.keys = keys;
        keys += 1 + Records::at(change.place).slot_count;
    }
    return Status::Ok;
}

// A trie lives on with its state, and has no use for what one block brought.
void Accounts::forget_records() noexcept {
    const auto forget = [](auto& array) noexcept {
        array.clear();
        array.release_above(KEPT_BYTES);
    };
    forget(changes_);
    forget(hashed_);
    forget(keys_);
    forget(waiting_);
}

// All keys there are, side by side.
void Accounts::hash_keys() noexcept {
    constexpr uint64_t STEP = 4 * BATCH_SIZE;
    const uint64_t count = keys_.size();
    run_parts(count < SHARED_MIN ? 1 : threads_, (count + STEP - 1) / STEP, [&](uint64_t part, uint32_t) noexcept {
        HashBatch batch;
        const uint64_t end = std::min((part + 1) * STEP, count);
        for (uint64_t place = part * STEP; place < end; ++place) batch.add(hashed_[place], keys_[place].bytes);
        batch.finish();
    });
    hashed_.clear();
    hashed_.release_above(KEPT_BYTES);
}

Status Accounts::change_all() noexcept {
    Status status = fan_out(*store_, space(), accounts_, changes_.data(), changes_.size(), threads_,
                            [](const Change& each) noexcept -> const Key& { return each.keys[0]; },
                            [this](Space& space, Trie& part, uint32_t above, const Change& each) noexcept {
                                return change(space, part, above, each);
                            });
    for (const Change& each : large_) {
        if (status == Status::Ok) status = change(space(), accounts_, 0, each);
    }
    if (status == Status::Ok) status = write_storage_roots();
    for (const Key& key : leaving_) {
        if (status == Status::Ok) status = accounts_.remove(space(), key);
    }
    return status;
}

// A new account comes into the trie before its storage, which hangs on its leaf; until `write_storage_roots`
// the leaf has an empty one. Where `above` is not 0 other threads change the trie, each below another part.
Status Accounts::change(Space& space, Trie& part, uint32_t above, const Change& change) noexcept {
    const Record record = Records::at(change.place);
    const Key& key = change.keys[0];
    if (record.existence() == Existence::Deleted) return note(leaving_, key);
    Leaf* leaf;
    Account account;
    Status status = part.find_own(space, key, leaf, above);
    if (status == Status::Ok) status = read(space, key, leaf, account);
    if (status != Status::Ok) return status;
    record.change(account);
    if (record.existence() == Existence::UnlessEmpty && account.is_empty()) return note(leaving_, key);
    if (!record.has(Record::CLEARED) && record.slot_count == 0) {
        return put(space, part, above, key, account, leaf);
    }
    if (above != 0 && record.slot_count >= SHARED_MIN) return note(large_, change);
    // A storage that is cleared, and then as it was, is new to a source, which is found by what changed above it.
    if (record.has(Record::CLEARED)) std::memcpy(account.storage_root, EMPTY_ROOT, HASH_SIZE);
    if (leaf == nullptr || record.has(Record::CLEARED)) status = put(space, part, above, key, account, leaf);
    if (status == Status::Ok) status = change_storage(space, change, account, leaf->storage);
    if (status != Status::Ok) return status;
    const Trie copy = leaf->storage.copy();
    status = note(waiting_, Waiting{key, account, copy});
    if (status != Status::Ok) Trie(copy).drop(space);
    return status;
}

Status Accounts::change_storage(Space& space, const Change& change, const Account& account,
                                Trie& storage) noexcept {
    const Record record = Records::at(change.place);
    const OwnerScope scope(space, change.keys[0].bytes);
    if (record.has(Record::CLEARED)) {
        storage.drop(space);
        if (const Status status = note(clearing_, change.keys[0]); status != Status::Ok) return status;
    } else if (storage.top == nullptr) {
        const Status status = storage.open(space, account.storage_root);
        if (status != Status::Ok) return status;
    }
    if (const Status status = put_slots(space, change, storage); status != Status::Ok) return status;
    for (uint32_t index = 0; index < record.slot_count; ++index) {
        if (!is_zero(record.value(index))) continue;
        const Status status = storage.remove(space, change.keys[1 + index]);
        if (status != Status::Ok) return status;
    }
    return Status::Ok;
}

// Those that are not removed.
Status Accounts::put_slots(Space& space, const Change& change, Trie& storage) noexcept {
    const Record record = Records::at(change.place);
    const Key* keys = change.keys + 1;
    const auto put_slot = [&](Space& by, Trie& part, uint32_t above, const Key& key) noexcept {
        const uint8_t* value = record.value(static_cast<uint32_t>(&key - keys));
        if (is_zero(value)) return Status::Ok;
        uint8_t encoding[SLOT_VALUE_SIZE_MAX];
        Leaf* leaf;
        const OwnerScope scope(by, change.keys[0].bytes);
        return part.put(by, key, {encoding, put_slot_value(encoding, value)}, leaf, above);
    };
    const auto key_of_slot = [](const Key& key) noexcept -> const Key& { return key; };
    return fan_out(*store_, space, storage, keys, record.slot_count, threads_, key_of_slot, put_slot);
}

Status Accounts::put(Space& space, Trie& part, uint32_t above, const Key& key, const Account& account,
                     Leaf*& leaf) noexcept {
    uint8_t encoding[ACCOUNT_SIZE_MAX];
    return part.put(space, key, {encoding, put_account(encoding, account)}, leaf, above);
}

// All storages that changed are hashed together; then their roots go into the accounts.
Status Accounts::write_storage_roots() noexcept {
    Array<Node*> tops;
    for (const Waiting& each : waiting_) {
        if (!tops.push(each.storage.top)) return Status::OutOfMemory;
    }
    if (!store_->refresh(tops.data(), tops.size(), threads_)) return Status::OutOfMemory;
    return fan_out(*store_, space(), accounts_, waiting_.data(), waiting_.size(), threads_,
                   [](const Waiting& each) noexcept -> const Key& { return each.key; },
                   [](Space& space, Trie& part, uint32_t above, Waiting& each) noexcept {
                       Leaf* leaf;
                       const Status status = each.storage.root(space, each.account.storage_root);
                       if (status != Status::Ok) return status;
                       return put(space, part, above, each.key, each.account, leaf);
                   });
}

}  // namespace blockstm::trie
