#include "store/disk_accounts.hpp"

#include <algorithm>
#include <cerrno>

namespace blockstm::store {
namespace {

constexpr uint32_t AHEAD = 8;  // entries whose places are asked for before it is their turn
constexpr uint64_t ACCOUNT_SHARE = 3, CODE_SHARE = 2, SHARES = 10;  // of the cache; slots get the rest

// Reads without a reader of the snapshot left locked, whatever comes of it.
template <class Act>
int with_reader(Snapshot& snapshot, Act act) noexcept {
    Reader& reader = snapshot.take();
    const int code = act(reader);
    reader.lock.unlock();
    return code;
}

// Whether the store tells that it has nothing at a place: CODE_OK, or why it cannot.
int check_nothing_at(Reader& reader, uint32_t table, ByteView key, Failure& failure) noexcept {
    ByteView value;
    const int code = reader.find(table, key, value, failure);
    if (code == CODE_OK) return failure.set(CODE_BAD_ORDER, table, key);
    return code == CODE_NOT_FOUND ? CODE_OK : code;
}

// Reads the slots that the store has of an account, until `act(slot)` is true. That a page hides one of them is told as
// it is of a key: by what stands around them.
template <class Act>
int each_slot(Reader& reader, uint32_t table, ByteView owner, Failure& failure, Act act) noexcept {
    uint8_t end[OWNER_SIZE + HASH_SIZE + 1];  // behind all of them
    std::memset(put_bytes(end, owner), UINT8_MAX, HASH_SIZE + 1);
    int code = check_nothing_at(reader, table, owner, failure);
    if (code != CODE_OK) return code;
    Pair pair;
    bool is_any = false;
    code = reader.find_from(table, owner, pair, failure);
    while (code == CODE_OK && pair.key.size() == OWNER_SIZE + HASH_SIZE && equal(pair.key.first(OWNER_SIZE), owner)) {
        FlatSlot slot;
        if (!read_slot_row(pair.value, slot)) return failure.set(CODE_BAD_CHECKSUM, table, pair.key);
        if (act(slot)) return CODE_OK;
        is_any = true;
        code = reader.next(table, pair, failure);
    }
    if (code != CODE_OK && code != CODE_NOT_FOUND) return code;
    return is_any ? check_nothing_at(reader, table, {end, sizeof end}, failure) : CODE_OK;
}

// A slot of an account as it is named in memory.
struct SlotName {
    uint8_t bytes[SLOT_KEY_SIZE] = {};

    SlotName(const uint8_t* address, ByteView slot) noexcept {
        std::memcpy(bytes, address, ADDRESS_SIZE);
        put_bytes(bytes + SLOT_KEY_SIZE - slot.size(), slot);
    }
    operator ByteView() const noexcept { return {bytes, SLOT_KEY_SIZE}; }
};

}  // namespace

bool DiskAccounts::open(Snapshot& snapshot, FlatTables tables, uint64_t cache_bytes) noexcept {
    snapshot_ = &snapshot;
    tables_ = tables;
    const uint64_t of_accounts = cache_bytes / SHARES * ACCOUNT_SHARE;
    const uint64_t of_codes = cache_bytes / SHARES * CODE_SHARE;
    return account_cache_.open(of_accounts) && slot_cache_.open(cache_bytes - of_accounts - of_codes) &&
           code_cache_.open(of_codes);
}

// ---- reading

// The value of an account as it is kept; of none its size is 0. What was changed is in the cache, too, until others
// take its place there, and what is not there is looked for in the larger maps.
int DiskAccounts::find_account(ByteView address, uint8_t* value, uint32_t& size, Failure& failure) noexcept {
    ByteView found;
    if (account_cache_.find(address, value, size)) {
        counts.account_hits.count_up(1);
        return CODE_OK;
    }
    if (find_changed(address, found)) {
        size = static_cast<uint32_t>(found.size());
        put_bytes(value, found);
        account_cache_.fill(address, found);
        return CODE_OK;
    }
    counts.account_misses.count_up(1);
    const AccountKey key(address.data());
    const int code = with_reader(*snapshot_, [&](Reader& reader) noexcept -> int {
        return reader.find(tables_.accounts, key.view(), found, failure);
    });
    if (code != CODE_OK && code != CODE_NOT_FOUND) return code;
    size = 0;
    if (code == CODE_OK) {
        FlatAccount account;
        if (!read_flat_account(found, account)) return failure.set(CODE_BAD_CHECKSUM, tables_.accounts, key.view());
        size = static_cast<uint32_t>(put_flat_account(value, account));
    }
    account_cache_.fill(address, {value, size});
    return CODE_OK;
}

int DiskAccounts::account(const uint8_t* address, FlatAccount& account, Failure& failure) noexcept {
    uint8_t value[ACCOUNT_VALUE_MAX + 8];
    uint32_t size;
    const ByteView key{address, ADDRESS_SIZE};
    const int code = find_account(key, value, size, failure);
    if (code != CODE_OK) return code;
    if (size == 0) return CODE_NOT_FOUND;
    return read_flat_account({value, size}, account) ? CODE_OK
                                                     : failure.set(CODE_BAD_CHECKSUM, tables_.accounts, key);
}

int DiskAccounts::find_slot(ByteView key, uint8_t* value, uint32_t& size, Failure& failure) noexcept {
    ByteView found;
    if (slot_cache_.find(key, value, size)) {
        counts.slot_hits.count_up(1);
        return CODE_OK;
    }
    if (find_changed(key, found)) {
        size = static_cast<uint32_t>(found.size());
        put_bytes(value, found);
        slot_cache_.fill(key, found);
        return CODE_OK;
    }
    counts.slot_misses.count_up(1);
    const SlotKey stored(key.data());
    const int code = with_reader(*snapshot_, [&](Reader& reader) noexcept -> int {
        return reader.find(tables_.slots, stored.view(), found, failure);
    });
    if (code != CODE_OK && code != CODE_NOT_FOUND) return code;
    FlatSlot slot;
    if (code == CODE_OK && !read_slot_row(found, slot)) {
        return failure.set(CODE_BAD_CHECKSUM, tables_.slots, stored.view());
    }
    size = static_cast<uint32_t>(slot.value.size());
    put_bytes(value, slot.value);
    slot_cache_.fill(key, slot.value);
    return CODE_OK;
}

int DiskAccounts::slot(const uint8_t* address_and_slot, uint8_t* value, Failure& failure) noexcept {
    uint8_t trimmed[WORD_SIZE];
    uint32_t size = 0;
    const int code = find_slot({address_and_slot, SLOT_KEY_SIZE}, trimmed, size, failure);
    if (code != CODE_OK) return code;
    std::memset(value, 0, WORD_SIZE);
    put_bytes(value + WORD_SIZE - size, {trimmed, size});
    return CODE_OK;
}

int DiskAccounts::code(const uint8_t* hash, ByteView& code, Failure& failure) noexcept {
    const ByteView key{hash, HASH_SIZE};
    if (codes_.find(key, code) || frozen_codes_.find(key, code)) return CODE_OK;
    if (code_cache_.find(hash, code)) {
        counts.code_hits.count_up(1);
        return CODE_OK;
    }
    counts.code_misses.count_up(1);
    const int found = with_reader(*snapshot_, [&](Reader& reader) noexcept -> int {
        return reader.find(tables_.codes, key, code, failure);
    });
    if (found == CODE_OK) code_cache_.fill(hash, code);
    return found;
}

void DiskAccounts::prefetch(const uint8_t* address) noexcept {
    FlatAccount account;
    Failure failure;
    ByteView code;
    if (this->account(address, account, failure) != CODE_OK || !account.has_code) return;
    this->code(account.code_hash, code, failure);
}

void DiskAccounts::prefetch_changed(ByteView records) noexcept {
    Failure failure;
    trie::Record record;
    uint8_t key[SLOT_KEY_SIZE], value[WORD_SIZE];
    for (trie::Records reader(records); !reader.at_end() && reader.next(record);) {
        prefetch(record.address);
        std::memcpy(key, record.address, ADDRESS_SIZE);
        for (uint32_t index = 0; index < record.slot_count; ++index) {
            std::memcpy(key + ADDRESS_SIZE, record.slot(index), WORD_SIZE);
            slot(key, value, failure);
        }
    }
}

int DiskAccounts::has_slots(const uint8_t* address, bool& has, Failure& failure) noexcept {
    has = false;
    bool any_changed = false;
    for (const ByteMap* changed : {&pending_, &frozen_}) {
        uint32_t number = changed->last_slot({address, ADDRESS_SIZE});
        for (; number != ByteMap::NONE && !has; number = changed->at(number).linked) {
            ByteView value;
            any_changed = true;
            has = find_changed(changed->key_of(changed->at(number)), value) && !value.empty();
        }
    }
    if (has) return CODE_OK;
    const AccountKey key(address);
    return with_reader(*snapshot_, [&](Reader& reader) noexcept -> int {
        return each_slot(reader, tables_.slots, key.owner(), failure, [&](const FlatSlot& slot) noexcept {
            ByteView value;
            has = !any_changed || !find_changed(SlotName(address, slot.slot), value);
            return has;
        });
    });
}

// Every slot of an account that is not zero.
int DiskAccounts::list_slots(const uint8_t* address, ByteMap& slots, Failure& failure) noexcept {
    const AccountKey key(address);
    bool is_full = false;
    const int code = with_reader(*snapshot_, [&](Reader& reader) noexcept -> int {
        return each_slot(reader, tables_.slots, key.owner(), failure, [&](const FlatSlot& slot) noexcept {
            is_full = !slots.put(SlotName(address, slot.slot), slot.value);
            return is_full;
        });
    });
    if (is_full) return failure.set(ENOMEM);
    if (code != CODE_OK) return code;
    for (const ByteMap* changed : {&frozen_, &pending_}) {
        uint32_t number = changed->last_slot({address, ADDRESS_SIZE});
        for (; number != ByteMap::NONE; number = changed->at(number).linked) {
            const ByteMap::Entry& entry = changed->at(number);
            if (!slots.put(changed->key_of(entry), changed->value_of(entry))) return failure.set(ENOMEM);
        }
    }
    return CODE_OK;
}

// ---- changing

int DiskAccounts::stage(ByteView records, Array<uint8_t>& undo, Failure& failure) noexcept {
    staged_.clear();
    code_cache_.make_room();
    trie::Records coming(records);
    const auto expect_next = [&]() noexcept {
        if (trie::Record next; !coming.at_end() && coming.next(next)) expect(next);
    };
    for (uint32_t ahead = 0; ahead < AHEAD; ++ahead) expect_next();
    for (trie::Records reader(records); !reader.at_end();) {
        trie::Record record;
        if (!reader.next(record)) return failure.set(EINVAL);
        expect_next();
        const int code = apply_record(record, undo, failure);
        if (code != CODE_OK) return code;
    }
    return pending_.make_room_for(staged_) ? CODE_OK : failure.set(ENOMEM);
}

// Asks for where the cache has what a record changes. It was read when the block ran, so most of it is there.
void DiskAccounts::expect(const trie::Record& record) const noexcept {
    uint8_t key[SLOT_KEY_SIZE];
    account_cache_.expect({record.address, ADDRESS_SIZE});
    std::memcpy(key, record.address, ADDRESS_SIZE);
    for (uint32_t index = 0; index < std::min(record.slot_count, AHEAD); ++index) {
        std::memcpy(key + ADDRESS_SIZE, record.slot(index), WORD_SIZE);
        slot_cache_.expect({key, SLOT_KEY_SIZE});
    }
}

int DiskAccounts::apply_record(const trie::Record& record, Array<uint8_t>& undo, Failure& failure) noexcept {
    using trie::Existence;
    FlatAccount account;
    int code = this->account(record.address, account, failure);
    if (code != CODE_OK && code != CODE_NOT_FOUND) return code;
    const bool existed = code == CODE_OK;
    const uint64_t head_at = undo.size();
    uint8_t* head = undo.extend(trie::Records::HEAD_SIZE);
    if (head == nullptr) return failure.set(ENOMEM);
    trie::put_record_head(head, record.address, existed, account.nonce, account.balance, account.code_hash);
    if (record.has(trie::Record::NONCE)) account.nonce = record.nonce;
    if (record.has(trie::Record::BALANCE)) std::memcpy(account.balance, record.balance, WORD_SIZE);
    if (record.has(trie::Record::CODE_HASH)) account.set_code_hash(record.code_hash);
    const bool goes = record.existence() == Existence::Deleted ||
                      (record.existence() == Existence::UnlessEmpty && account.is_empty());
    uint8_t value[ACCOUNT_VALUE_MAX];
    const uint64_t size = goes ? 0 : put_flat_account(value, account);
    if (!staged_.put({record.address, ADDRESS_SIZE}, {value, size})) return failure.set(ENOMEM);
    uint32_t count = 0;
    code = old_slots(record, goes, undo, count, failure);
    if (code != CODE_OK) return code;
    if (!existed) {  // it goes again, and all slots with it
        undo.truncate(head_at + trie::Records::HEAD_SIZE);
        count = 0;
    }
    trie::put_slot_count(undo.data() + head_at, count);
    return CODE_OK;
}

// Stages what becomes of slots, and puts what they were into `undo`.
int DiskAccounts::old_slots(const trie::Record& record, bool goes, Array<uint8_t>& undo, uint32_t& count,
                            Failure& failure) noexcept {
    constexpr uint8_t ZERO[WORD_SIZE] = {};
    uint8_t key[SLOT_KEY_SIZE], old[WORD_SIZE];
    std::memcpy(key, record.address, ADDRESS_SIZE);
    const uint64_t before = undo.size();
    const uint32_t kept = goes ? 0 : record.slot_count;
    for (uint32_t index = 0; index < kept; ++index) {
        std::memcpy(key + ADDRESS_SIZE, record.slot(index), WORD_SIZE);
        int code = slot(key, old, failure);
        if (code == CODE_OK) code = stage_slot({key, SLOT_KEY_SIZE}, old, record.value(index), undo);
        if (code != CODE_OK) return failure.is_none() ? failure.set(code) : code;
    }
    if (goes || record.has(trie::Record::CLEARED)) {
        ByteMap slots;
        ByteView unused;
        const int code = list_slots(record.address, slots, failure);
        if (code != CODE_OK) return code;
        for (uint32_t number = 0; number < slots.count(); ++number) {
            const ByteMap::Entry& entry = slots.at(number);
            if (entry.key_size != SLOT_KEY_SIZE || entry.value_size == 0) continue;
            if (staged_.find(slots.key_of(entry), unused)) continue;
            const ByteView value = slots.value_of(entry);
            std::memset(old, 0, WORD_SIZE);
            put_bytes(old + WORD_SIZE - value.size(), value);
            if (stage_slot(slots.key_of(entry), old, ZERO, undo) != CODE_OK) return failure.set(ENOMEM);
        }
    }
    count = static_cast<uint32_t>((undo.size() - before) / (2 * WORD_SIZE));
    return CODE_OK;
}

int DiskAccounts::stage_slot(ByteView key, const uint8_t* old, const uint8_t* value, Array<uint8_t>& undo) noexcept {
    if (!undo.append(key.data() + ADDRESS_SIZE, WORD_SIZE) || !undo.append(old, WORD_SIZE)) return ENOMEM;
    return staged_.put(key, rlp::trimmed({value, WORD_SIZE})) ? CODE_OK : ENOMEM;
}

void DiskAccounts::take_staged() noexcept {
    const uint32_t count = staged_.count();
    for (uint32_t number = 0; number < count; ++number) {
        if (number + 2 * AHEAD < count) pending_.expect(staged_.key_of(staged_.at(number + 2 * AHEAD)));
        if (number + AHEAD < count) pending_.expect_entry(staged_.key_of(staged_.at(number + AHEAD)));
        const ByteMap::Entry& entry = staged_.at(number);
        if (entry.value_size == ByteMap::NONE) continue;
        const ByteView key = staged_.key_of(entry), value = staged_.value_of(entry);
        pending_.put(key, value);  // there is room for it
        if (entry.key_size == ADDRESS_SIZE) {
            account_cache_.update(key, value);
        } else {
            slot_cache_.update(key, value);
        }
    }
}

void DiskAccounts::freeze() noexcept {
    frozen_.swap(pending_);
    frozen_codes_.swap(codes_);
}

// What was changed since counts more.
bool DiskAccounts::thaw() noexcept {
    for (uint32_t number = 0; number < pending_.count(); ++number) {
        const ByteMap::Entry& entry = pending_.at(number);
        if (entry.value_size == ByteMap::NONE) continue;
        if (!frozen_.put(pending_.key_of(entry), pending_.value_of(entry))) return false;
    }
    for (uint32_t number = 0; number < codes_.count(); ++number) {
        const ByteMap::Entry& entry = codes_.at(number);
        if (!frozen_codes_.put(codes_.key_of(entry), codes_.value_of(entry))) return false;
    }
    freeze();
    frozen_.clear();
    frozen_codes_.clear();
    return true;
}

bool DiskAccounts::fill(Batch& batch) const noexcept {
    for (uint32_t number = 0; number < frozen_.count(); ++number) {
        const ByteMap::Entry& entry = frozen_.at(number);
        if (entry.value_size == ByteMap::NONE) continue;
        const uint8_t* const name = frozen_.key_of(entry).data();
        if (entry.key_size == ADDRESS_SIZE) {
            if (entry.value_size == 0 && !batch.remove(tables_.accounts, AccountKey(name).view())) return false;
        } else if (!fill_slot(batch, name, frozen_.value_of(entry))) {
            return false;
        }
    }
    for (uint32_t number = 0; number < frozen_codes_.count(); ++number) {
        const ByteMap::Entry& entry = frozen_codes_.at(number);
        if (!batch.put(tables_.codes, frozen_codes_.key_of(entry), frozen_codes_.value_of(entry))) return false;
    }
    return true;
}

bool DiskAccounts::fill_slot(Batch& batch, const uint8_t* address_and_slot, ByteView value) const noexcept {
    const SlotKey key(address_and_slot);
    if (value.empty()) return batch.remove(tables_.slots, key.view());
    uint8_t row[SLOT_ROW_MAX];
    const ByteView slot = rlp::trimmed({address_and_slot + ADDRESS_SIZE, WORD_SIZE});
    return batch.put(tables_.slots, key.view(), {row, put_slot_row(row, {slot, value})});
}

void DiskAccounts::rebase(Snapshot& snapshot) noexcept {
    snapshot_ = &snapshot;
    frozen_.clear();
    frozen_codes_.clear();
}

}  // namespace blockstm::store
