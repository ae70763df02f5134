// Whether an account exists; see journal.hpp.
//
// An account exists if balance, nonce or code are not zero, or if it is recorded: a location of its own,
// set only where all three are zero (or were, when it was set). So who pays an account writes one delta
// and asks nothing. Questions are asked in the order in which their answers are least likely to change:
// code, a bound on the balance, the nonce.
#include "evm/journal/journal.hpp"

namespace blockstm::evm {

// Known to have something, without asking.
bool Journal::is_surely_present(const Account* account) const noexcept {
    if (account->knows(NONCE) && account->nonce != 0) return true;
    if (account->knows(CODE_HASH) && account->has_code) return true;
    const Delta& delta = account->delta;
    if (!delta.is_negative && !delta.magnitude.is_zero()) return true;
    return account->knows(BALANCE) && account->balance_before != delta.magnitude;
}

bool Journal::is_empty(Account* account, bool& holds) noexcept {
    holds = false;
    if (is_surely_present(account)) return true;
    if (!load_code_hash(account)) return false;
    if (account->has_code) return true;
    bool has_balance = false;
    if (!can_pay(account, 1, has_balance)) return false;
    if (has_balance) return true;
    if (!load_nonce(account)) return false;
    holds = account->nonce == 0;
    return true;
}

bool Journal::exists(Account* account, bool& holds) noexcept {
    holds = true;
    if (fork() < Fork::SpuriousDragon && account->is(TOUCHED)) return true;
    bool nothing = false;
    if (!is_empty(account, nothing)) return false;
    if (!nothing) return true;
    if (!load_recorded(account)) return false;
    holds = account->was_recorded;
    return true;
}

bool Journal::load_recorded(Account* account) noexcept {
    if (account->knows(RECORDED)) return true;
    u256 value;
    if (!read_field(account, RECORDED, value)) return false;
    account->was_recorded = !value.is_zero();
    account->known |= bit(RECORDED);
    return true;
}

bool Journal::load_stored(Account* account) noexcept {
    if (account->knows(STORED)) return true;
    u256 value;
    if (!read_field(account, STORED, value)) return false;
    account->was_stored = !value.is_zero();
    account->known |= bit(STORED);
    return true;
}

// Of an account without nonce and code: one that has either is there by that.
bool Journal::has_storage(Account* account, bool& holds) noexcept {
    if (!load_stored(account)) return false;
    holds = account->was_stored;
    return true;
}

// The caller made sure that there is neither nonce nor code, and until Amsterdam no storage.
bool Journal::create(Account* account) noexcept {
    bool is_stored = false;
    if (fork() >= Fork::Amsterdam && !has_storage(account, is_stored)) return false;
    if (!set_flags(account, is_stored ? CREATED | TOUCHED | WIPED : CREATED | TOUCHED)) return false;
    return fork() < Fork::SpuriousDragon || set_nonce(account, 1);
}

}  // namespace blockstm::evm
