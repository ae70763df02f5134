// What a transaction has to do with; see pre_state_recorder.hpp.
#include "evm/inspect/pre_state_recorder.hpp"

#include <algorithm>

#include "evm/run/create.hpp"

namespace blockstm::evm {
namespace {

constexpr uint64_t BALANCE_AT = sizeof(uint8_t) + sizeof(Address);  // in an ACCOUNT, behind its tag and address

constexpr uint64_t tag_of(uint64_t place, bool is_taken) noexcept { return place << 1 | uint64_t{is_taken}; }

}  // namespace

void fill_in_balance(Bytes& events, uint64_t tag, const u256& before) noexcept {
    const uint64_t place = tag >> 1;
    if (place > events.size() || events.size() - place < 2 * sizeof(u256)) return;  // of no run that counts
    uint8_t* const at = events.data() + place;
    const Delta change{load_be(at + sizeof(u256)), (tag & 1) != 0};
    store_be(before, at);
    store_be(change.applied_to(before), at + sizeof(u256));
}

void PreStateRecorder::selfdestruct(const Address& address, const Address& beneficiary, const u256&) noexcept {
    see(beneficiary);
    begin(GONE_TAG).address(address);
}

// The transaction's own call is seen at the end, with its other parties.
void PreStateRecorder::call(Machine& machine, const CallStart& start) noexcept {
    if (start.depth == 0) return;
    Address created;
    if (start.kind == CallKind::Create) {
        uint64_t nonce = 0;
        if (!machine.journal.nonce(machine.frames.back().self, nonce)) return;
        created = creation_address(start.caller, nonce);
    } else if (start.kind == CallKind::Create2) {
        created = creation_address(start.caller, machine.request.salt, start.input);
    } else {
        return see(start.code_address, true);
    }
    see(created);
    begin(CREATED_TAG).address(created);
}

// Those of the transaction itself.
void PreStateRecorder::see_parties(Machine& machine) noexcept {
    if (!has_parties()) return;
    const Transaction& transaction = step_.transaction;
    see(transaction.sender);
    see(machine.block->coinbase);
    if (transaction.creates) {
        const Address created = creation_address(transaction.sender, transaction.nonce);
        see(created);
        begin(CREATED_TAG).address(created);
    } else {
        see(transaction.to);
    }
    for (uint64_t place = 0; place < transaction.authorization_count; ++place) {
        const Authorization& authorization = transaction.authorizations[place];
        if (authorization.is_signed) see(authorization.authority);
    }
}

// Codes that are delegations change before the transaction's own call begins, and not within it. So what a call within
// it has met is what is there at the end; what the transaction was sent to is followed as it was before.
bool PreStateRecorder::see_delegations(Machine& machine) noexcept {
    if (machine.fork() < Fork::Prague) return true;
    const uint64_t count = seen_.size();
    for (uint64_t place = 0; place < count; ++place) {
        if (seen_[place].is_called && !see_delegation(machine.journal, seen_[place].address, false)) return false;
    }
    const Transaction& transaction = step_.transaction;
    return !has_parties() || transaction.creates || see_delegation(machine.journal, transaction.to, true);
}

bool PreStateRecorder::see_delegation(Journal& journal, const Address& address, bool is_before) noexcept {
    Account* account = nullptr;
    const Code* code = nullptr;
    Hash32 hash;
    if (!journal.account(address, account) || !journal.code_hash(account, hash)) return false;
    if (is_before && journal.has_changed_code(*account)) {
        Account as_it_was = *account;
        as_it_was.has_code = account->had_code, as_it_was.code_hash = account->code_hash_before;
        as_it_was.code = nullptr, as_it_was.new_code = -1;
        if (!journal.code(&as_it_was, code)) return false;
    } else if (!journal.code(account, code)) {
        return false;
    }
    if (code->is_delegation) see(code->delegate);
    return true;
}

void PreStateRecorder::forget_repeated() noexcept {
    const auto order = [](const Seen& left, const Seen& right) {
        const int by_address = std::memcmp(left.address.bytes, right.address.bytes, sizeof left.address.bytes);
        if (by_address != 0) return by_address < 0;
        if (left.is_slot != right.is_slot) return right.is_slot;
        return left.key < right.key;
    };
    std::sort(seen_.begin(), seen_.end(), order);
    Seen* const end = std::unique(seen_.begin(), seen_.end(), [&](const Seen& left, const Seen& right) {
        return !order(left, right) && !order(right, left);
    });
    seen_.truncate(static_cast<uint64_t>(end - seen_.begin()));
}

bool PreStateRecorder::write(Machine& machine, const Seen& seen) noexcept {
    Journal& journal = machine.journal;
    Account* account = nullptr;
    u256 after;
    if (!journal.account(seen.address, account)) return false;
    if (seen.is_slot) {
        Slot* slot = nullptr;
        if (!journal.slot(account, seen.key, slot) || !journal.load(slot, after)) return false;
        begin(SLOT_TAG).address(seen.address).word(seen.key).word(slot->before).word(after);
        return true;
    }
    return write_account(journal, account);
}

bool PreStateRecorder::write_account(Journal& journal, Account* account) noexcept {
    uint64_t nonce = 0;
    Hash32 hash;
    u256 before{};
    bool is_final = false;
    const Delta& change = journal.balance_change(account);
    const uint64_t tag = tag_of(events.size() + BALANCE_AT, change.is_negative);
    if (!journal.ask_balance(account, tag, before, is_final)) return false;
    if (!journal.nonce(account, nonce) || !journal.code_hash(account, hash)) return false;
    EventWriter event = begin(ACCOUNT_TAG);
    event.address(account->address).word(before).word(is_final ? change.applied_to(before) : change.magnitude);
    event.number(account->nonce_before).number(nonce);
    event.hash(account->had_code ? account->code_hash_before : Hash32{}).hash(account->has_code ? hash : Hash32{});
    return true;
}

bool PreStateRecorder::finish(Machine& machine) noexcept {
    see_parties(machine);
    if (!see_delegations(machine)) return false;
    forget_repeated();
    for (const Seen& seen : seen_) {
        if (!write(machine, seen)) return false;
    }
    seen_.clear();
    return true;
}

}  // namespace blockstm::evm
