// The journal's beginning and end, its tables, and what it asks of the view; see journal.hpp.
#include "evm/journal/journal.hpp"

namespace blockstm::evm {

Journal::Journal() noexcept : seed_(table_seed()) {}

Journal::~Journal() { end(); }

void Journal::begin(blockstm_view* view, Variant variant, const AddedPrecompiles* added) noexcept {
    end();
    view_ = view;
    fault_ = BLOCKSTM_OK;
    view_stopped_ = false;
    variant_ = variant;
    added_ = added;
    accounts_.clear();
    slots_.clear();
    transients_.clear();
    account_index_.clear();
    slot_index_.clear();
    transient_index_.clear();
    undo_.clear();
    checkpoint_ = 0;
    logs_.clear();
    log_count_ = 0;
    refund_ = 0;
    new_codes_.clear();
    new_code_bytes_.clear();
}

void Journal::end() noexcept {
    codes_.end();
    trim();
}

bool Journal::charge(uint64_t gas) noexcept {
    const int32_t status = view_->api->charge(view_, gas);
    return status == BLOCKSTM_OK || stop_by_view(status);
}

// An unusual transaction's memory is not kept.
void Journal::trim() noexcept {
    constexpr uint64_t KEPT_BYTES = uint64_t{1} << 22;
    undo_.release_above(KEPT_BYTES);
    logs_.release_above(KEPT_BYTES);
    new_code_bytes_.release_above(KEPT_BYTES);
}

bool Journal::stop(int32_t status) noexcept {
    if (fault_ == BLOCKSTM_OK) fault_ = status;
    return false;
}

// Of a view call. BAD_NUMBER is the one answer after which the view would go on.
bool Journal::stop_by_view(int32_t status) noexcept {
    if (status == BLOCKSTM_BAD_NUMBER) return stop(BAD_VALUE);
    if (fault_ == BLOCKSTM_OK) view_stopped_ = true;
    return stop(status);
}

// ------------------------------------------------------------------------------ tables

uint64_t Journal::hash_of(const Address& address) const noexcept {
    uint64_t low, high;
    uint32_t rest;
    std::memcpy(&low, address.bytes, 8);
    std::memcpy(&high, address.bytes + 8, 8);
    std::memcpy(&rest, address.bytes + 16, 4);
    return fold(fold(low ^ seed_.word[0], high ^ seed_.word[1]) ^ rest, seed_.word[1]);
}

uint64_t Journal::hash_of(const Account* account, const u256& key) const noexcept {
    const auto place = reinterpret_cast<uintptr_t>(account);  // never reaches a result
    const uint64_t low = fold(key.limb[0] ^ seed_.word[0], key.limb[1] ^ place);
    return fold(low ^ key.limb[2], key.limb[3] ^ seed_.word[1]);
}

bool Journal::account(const Address& address, Account*& found) noexcept {
    const uint64_t hash = hash_of(address);
    found = account_index_.find(hash, [&](const Account& account) { return account.address == address; });
    if (found != nullptr) return true;
    Account* account = accounts_.take();
    if (account == nullptr) return stop(BLOCKSTM_NO_MEMORY);
    account->address = address;
    if (is_warm_precompile(fork(), added_, address)) account->flags = WARM;
    found = account;
    return account_index_.add(hash, account, [&](const Account& other) { return hash_of(other.address); }) ||
           stop(BLOCKSTM_NO_MEMORY);
}

bool Journal::slot(Account* account, const u256& key, Slot*& found) noexcept {
    const uint64_t hash = hash_of(account, key);
    found = slot_index_.find(hash, [&](const Slot& slot) { return slot.key == key && slot.account == account; });
    if (found != nullptr) return true;
    Slot* slot = slots_.take();
    if (slot == nullptr) return stop(BLOCKSTM_NO_MEMORY);
    slot->account = account;
    slot->key = key;
    found = slot;
    return slot_index_.add(hash, slot, [&](const Slot& other) { return hash_of(other.account, other.key); }) ||
           stop(BLOCKSTM_NO_MEMORY);
}

// ------------------------------------------------------------------------------ the view

bool Journal::locate(Account* account, Field field) noexcept {
    if ((account->located & bit(field)) != 0) return true;
    uint8_t key[21];
    std::memcpy(key, account->address.bytes, 20);
    key[20] = static_cast<uint8_t>(TAGS[field]);
    const int32_t status = view_->api->locate(view_, key, sizeof key, &account->location[field]);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    account->located |= bit(field);
    return true;
}

bool Journal::locate_fields(Account* account, uint8_t fields) noexcept {
    const uint8_t wanted = fields & static_cast<uint8_t>(~account->located);
    if (wanted == 0 || view_->api->locate_fields == nullptr) return true;  // then each is looked up by itself
    const int32_t status =
        view_->api->locate_fields(view_, account->address.bytes, sizeof account->address.bytes,
                                  reinterpret_cast<const uint8_t*>(TAGS), wanted, account->location);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    account->located |= wanted;
    return true;
}

bool Journal::locate_shared_balance(Account* account) noexcept {
    const int32_t status = shared_balance_.locate(view_, account->address, account->location[BALANCE]);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    account->located |= bit(BALANCE);
    return true;
}

// A slot's key holds its account's epoch, which is read first: clearing the storage moves all slots.
bool Journal::locate(Slot* slot) noexcept {
    if (slot->is_located) return true;
    if (!load_epoch(slot->account)) return false;
    uint8_t key[56];
    std::memcpy(key, slot->account->address.bytes, 20);
    store_be(slot->key, key + 20);
    uint64_t size = 52;
    if (const uint32_t epoch = slot->account->epoch + slot->account->is(WIPED); epoch != 0) {
        const uint8_t bytes[4] = {static_cast<uint8_t>(epoch >> 24), static_cast<uint8_t>(epoch >> 16),
                                  static_cast<uint8_t>(epoch >> 8), static_cast<uint8_t>(epoch)};
        std::memcpy(key + 52, bytes, sizeof bytes);
        size = sizeof key;
    }
    const int32_t status = view_->api->locate(view_, key, size, &slot->location);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    slot->is_located = true;
    return true;
}

bool Journal::read_number(blockstm_location location, u256& value) noexcept {
    blockstm_bytes bytes;
    const int32_t status = view_->api->get(view_, location, &bytes);
    return take_number(status, bytes, value);
}

// Of what the view has answered.
bool Journal::take_number(int32_t status, const blockstm_bytes& bytes, u256& value) noexcept {
    value = u256{};
    if (status == BLOCKSTM_ABSENT) return true;
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    if (bytes.size != sizeof value.limb) return stop(BAD_VALUE);
    std::memcpy(value.limb, bytes.data, sizeof value.limb);
    return true;
}

bool Journal::read_field(Account* account, Field field, u256& value) noexcept {
    return locate(account, field) && read_number(account->location[field], value);
}

// Whether there is this number, which is not 0; the engine may say so without having looked.
bool Journal::expects_number(blockstm_location location, const u256& value, bool& holds) noexcept {
    int32_t answer = 0;
    const int32_t status = view_->api->expect(view_, location, reinterpret_cast<const uint8_t*>(value.limb),
                                              sizeof value.limb, &answer);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    holds = answer != 0;
    return true;
}

// Whether the balance before this transaction was `bound` or more.
bool Journal::holds_at_least(Account* account, const u256& bound, bool& holds) noexcept {
    if (!locate(account, BALANCE)) return false;
    blockstm_number number{};
    std::memcpy(number.limb, bound.limb, sizeof number.limb);
    int32_t answer = 0;
    const int32_t status = view_->api->at_least(view_, account->location[BALANCE], &number, &answer);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    holds = answer != 0;
    return true;
}

// A number of zero is no value.
bool Journal::put_number(blockstm_location location, const u256& value) noexcept {
    const int32_t status =
        value.is_zero() ? view_->api->remove(view_, location)
                        : view_->api->put(view_, location, reinterpret_cast<const uint8_t*>(value.limb),
                                          sizeof value.limb);
    return status == BLOCKSTM_OK || stop_by_view(status);
}

bool Journal::put_field(Account* account, Field field, const u256& value) noexcept {
    return locate(account, field) && put_number(account->location[field], value);
}

bool Journal::add_balance(Account* account, const Delta& delta) noexcept {
    if (!locate(account, BALANCE)) return false;
    blockstm_number number{};
    std::memcpy(number.limb, delta.magnitude.limb, sizeof number.limb);
    number.negative = delta.is_negative ? 1 : 0;
    const int32_t status = view_->api->add(view_, account->location[BALANCE], &number);
    return status == BLOCKSTM_OK || stop_by_view(status);
}

}  // namespace blockstm::evm
