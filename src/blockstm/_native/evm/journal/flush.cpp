// The end of a transaction: what the journal changed goes to the view; see journal.hpp.
//
// What is as it was before is not written. Balances that nobody read go out as deltas, so that they
// commute with those of other transactions; a balance that was read goes out as a value.
#include "evm/journal/journal.hpp"

namespace blockstm::evm {

bool Journal::flush() noexcept {
    return flush_slots() && accounts_.each([this](Account& account) { return flush_account(&account); });
}

// The slots of what is deleted are out of reach: its epoch ends, or nobody ever saw them.
bool Journal::flush_slots() noexcept {
    return slots_.each([this](Slot& slot) {
        if (!slot.is_known || slot.account->is(DESTROYED) || slot.value == slot.before) return true;
        slot.account->has_new_slots = true;
        return locate(&slot) && put_number(slot.location, slot.value);
    });
}

bool Journal::flush_account(Account* account) noexcept {
    if (account->is(DESTROYED)) {
        if (fork() < Fork::Amsterdam) return delete_account(account);
        reset(account);
    }
    if (account->is(WIPED) && !clear_storage(account)) return false;
    return flush_balance(account) && flush_nonce(account) && flush_code(account) && flush_record(account);
}

bool Journal::flush_balance(Account* account) noexcept {
    const Delta& delta = account->delta;
    if (delta.magnitude.is_zero()) return true;
    if (!account->knows(BALANCE)) return add_balance(account, delta);
    return put_field(account, BALANCE, delta.applied_to(account->balance_before));
}

bool Journal::flush_nonce(Account* account) noexcept {
    if (!account->knows(NONCE) || account->nonce == account->nonce_before) return true;
    return put_field(account, NONCE, account->nonce);
}

bool Journal::has_changed_code(const Account& account) const noexcept {
    const bool is_same = account.has_code == account.had_code &&
                         (!account.has_code || account.code_hash == account.code_hash_before);
    return account.knows(CODE_HASH) && !is_same;
}

Span Journal::new_code(const Account& account) const noexcept {
    if (!account.has_code) return {};
    const NewCode& made = new_codes_[static_cast<uint64_t>(account.new_code)];
    return {new_code_bytes_.data() + made.offset, made.size};
}

bool Journal::flush_code(Account* account) noexcept {
    if (!has_changed_code(*account)) return true;
    if (!account->has_code) return remove_field(account, CODE_HASH);
    const Span made = new_code(*account);
    const Hash32& hash = account->code_hash;
    blockstm_location location;
    int32_t status = view_->api->locate(view_, hash.bytes, sizeof hash.bytes, &location);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    status = view_->api->put(view_, location, made.data, made.size);
    if (status != BLOCKSTM_OK) return stop_by_view(status);
    status = view_->api->put(view_, account->location[CODE_HASH], hash.bytes, sizeof hash.bytes);
    return status == BLOCKSTM_OK || stop_by_view(status);
}

// What is touched and has nothing: from EIP-161 on it is deleted, before it is put on record.
bool Journal::flush_record(Account* account) noexcept {
    if (!account->is(TOUCHED)) return true;
    const bool keeps_empty = fork() < Fork::SpuriousDragon;
    if (keeps_empty && !flush_stored(account)) return false;
    if (is_surely_present(account)) return true;
    if (!keeps_empty) {
        if (!load_recorded(account)) return false;
        if (!account->was_recorded) return true;  // no record, nothing to delete
    }
    bool nothing = false;
    if (!is_empty(account, nothing)) return false;
    if (!nothing) return true;
    if (!keeps_empty) return delete_empty_account(account);
    if (!load_recorded(account)) return false;
    return account->was_recorded || put_field(account, RECORDED, 1);
}

// Before EIP-161 a creation could leave storage and neither nonce nor code.
bool Journal::flush_stored(Account* account) noexcept {
    if (!account->has_new_slots || !account->is(CREATED)) return true;
    if (account->has_code || account->nonce != 0) return true;
    return put_field(account, STORED, 1);
}

// ------------------------------------------------------------------------------ deletion

// EIP-8246: what the transaction has created and destroyed keeps its balance, and is an account like any other.
void Journal::reset(Account* account) noexcept {
    account->nonce = account->nonce_before;  // both are as before the creation: none
    account->has_code = account->had_code;
}

bool Journal::remove_field(Account* account, Field field) noexcept { return put_field(account, field, 0); }

bool Journal::delete_account(Account* account) noexcept {
    const bool has_no_balance = account->knows(BALANCE) && account->balance_before.is_zero();
    const bool has_no_nonce = account->knows(NONCE) && account->nonce_before == 0;
    const bool has_no_code = account->knows(CODE_HASH) && !account->had_code;
    if (!has_no_balance && !remove_field(account, BALANCE)) return false;
    if (!has_no_nonce && !remove_field(account, NONCE)) return false;
    if (!has_no_code && !remove_field(account, CODE_HASH)) return false;
    if (!load_recorded(account)) return false;
    if (account->was_recorded && !remove_field(account, RECORDED)) return false;
    return account->is(CREATED) || clear_storage(account);
}

bool Journal::delete_empty_account(Account* account) noexcept {
    if (!remove_field(account, RECORDED) || !load_stored(account)) return false;
    return !account->was_stored || clear_storage(account);
}

// A new epoch: every slot of the account is another location from here on.
bool Journal::clear_storage(Account* account) noexcept {
    if (!load_epoch(account) || !put_field(account, EPOCH, account->epoch + uint64_t{1})) return false;
    if (!load_stored(account)) return false;
    return !account->was_stored || remove_field(account, STORED);
}

}  // namespace blockstm::evm
