// The journal's balances, nonces and marks; see journal.hpp.
#include "evm/journal/journal.hpp"

namespace blockstm::evm {

bool Journal::set_flags(Account* account, uint8_t flags) noexcept {
    if ((account->flags & flags) == flags) return true;
    Undo step{};
    step.kind = UndoKind::Flags;
    step.flags = account->flags;
    step.account = account;
    if (!push(step)) return false;
    account->flags |= flags;
    return true;
}

bool Journal::touch(Account* account) noexcept { return set_flags(account, TOUCHED); }

// ------------------------------------------------------------------------------ balance

bool Journal::load_balance(Account* account) noexcept {
    if (account->knows(BALANCE)) return true;
    if (!read_field(account, BALANCE, account->balance_before)) return false;
    account->known |= bit(BALANCE);
    return true;
}

bool Journal::balance(Account* account, u256& value) noexcept {
    if (!load_balance(account)) return false;
    value = account->delta.applied_to(account->balance_before);
    return true;
}

bool Journal::ask_balance(Account* account, uint64_t tag, u256& before, bool& is_final) noexcept {
    is_final = true;
    if (!account->knows(BALANCE) && view_->api->ask != nullptr) {
        blockstm_bytes bytes{};
        int32_t answer = 0;
        if (!locate(account, BALANCE)) return false;
        const int32_t status = view_->api->ask(view_, account->location[BALANCE], tag, &bytes, &answer);
        is_final = answer != 0;
        if (is_final) return take_number(status, bytes, before);
        return status == BLOCKSTM_OK || stop_by_view(status);
    }
    if (!load_balance(account)) return false;
    before = account->balance_before;
    return true;
}

// As long as nobody needed the number, the chain is asked for no more than the answer. A sum above 2^256 - 1
// wraps where it is shown or becomes final, but not here: what was credited on the way can be paid, whatever
// was there before, and so nobody need ask.
bool Journal::can_pay(Account* account, const u256& amount, bool& holds) noexcept {
    const Delta& delta = account->delta;
    if (account->knows(BALANCE)) {
        u256 balance = account->balance_before - delta.magnitude;
        const bool is_above = !delta.is_negative && add(account->balance_before, delta.magnitude, balance) != 0;
        holds = is_above || amount <= balance;
        return true;
    }
    u256 bound = amount;
    if (!delta.is_negative) {
        holds = amount <= delta.magnitude;  // what was credited here suffices: no balance is below zero
        if (holds) return true;
        bound -= delta.magnitude;
    } else if (add(amount, delta.magnitude, bound) != 0) {
        holds = false;  // no balance is so large
        return true;
    }
    return holds_at_least(account, bound, holds);
}

bool Journal::log_balance(Account* account) noexcept {
    Undo step{};
    step.kind = UndoKind::Balance;
    step.flags = account->delta.is_negative ? 1 : 0;
    step.account = account;
    step.word = account->delta.magnitude;
    return push(step);
}

bool Journal::credit(Account* account, const u256& amount) noexcept {
    if (!touch(account)) return false;
    if (amount.is_zero()) return true;
    if (!log_balance(account)) return false;
    account->delta.add(amount);
    return true;
}

bool Journal::debit(Account* account, const u256& amount) noexcept {
    if (!touch(account)) return false;
    if (amount.is_zero()) return true;
    if (!log_balance(account)) return false;
    account->delta.subtract(amount);
    return true;
}

// ------------------------------------------------------------------------------ nonce

bool Journal::load_nonce(Account* account) noexcept {
    if (account->knows(NONCE)) return true;
    u256 value;
    if (!read_field(account, NONCE, value)) return false;
    if (!value.fits_u64()) return stop(BAD_VALUE);
    account->nonce = account->nonce_before = value.limb[0];
    account->known |= bit(NONCE);
    return true;
}

// The nonce of a sender is what its transaction says, or else the transaction is no part of the block. So
// one whose sender has others before it need not wait until they have run.
bool Journal::expect_nonce(Account* account, uint64_t expected) noexcept {
    if (account->knows(NONCE) || expected == 0) return true;
    bool holds = false;
    if (!locate(account, NONCE) || !expects_number(account->location[NONCE], expected, holds)) return false;
    if (!holds) return true;
    account->nonce = account->nonce_before = expected;
    account->known |= bit(NONCE);
    return true;
}

bool Journal::nonce(Account* account, uint64_t& value) noexcept {
    if (!load_nonce(account)) return false;
    value = account->nonce;
    return true;
}

bool Journal::set_nonce(Account* account, uint64_t value) noexcept {
    if (!load_nonce(account)) return false;
    Undo step{};
    step.kind = UndoKind::Nonce;
    step.account = account;
    step.word = account->nonce;
    if (!push(step)) return false;
    account->nonce = value;
    return true;
}

}  // namespace blockstm::evm
