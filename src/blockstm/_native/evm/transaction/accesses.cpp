// Records of accesses; see accesses.hpp.
#include "evm/transaction/accesses.hpp"

#include "evm/run/inspector.hpp"
#include "evm/transaction/result_encoding.hpp"

namespace blockstm::evm {

namespace {

constexpr uint8_t ACCOUNT = 1, SLOT_READ = 2, SLOT_WRITTEN = 3;

bool write_address(Bytes& out, const Address& address) noexcept {
    return out.append(address.bytes, sizeof address.bytes);
}

uint8_t changes_of(const Journal& journal, const Account& account) noexcept {
    if (account.is(DESTROYED) && journal.fork() < Fork::Amsterdam) {
        return account.is(CREATED) ? BALANCE_GONE | MADE_HERE : BALANCE_GONE;
    }
    uint8_t changes = 0;
    const Delta& delta = account.delta;
    if (!delta.magnitude.is_zero()) changes |= delta.is_negative ? BALANCE_SHRANK : BALANCE_GREW;
    if (account.is(DESTROYED)) return changes;  // nonce and code are gone before anybody saw them (EIP-8246)
    if (account.knows(NONCE) && account.nonce != account.nonce_before) changes |= NONCE_CHANGED;
    if (journal.has_changed_code(account)) changes |= CODE_CHANGED;
    return changes;
}

// The fields whose value it knows because it looked: not those that were asked for a bound, or only added to.
uint8_t reads_of(const Account& account) noexcept {
    return account.known & account.located & (bit(BALANCE) | bit(NONCE) | bit(CODE_HASH));
}

// An account that was asked for anything, or paid, even where a revert took that back.
bool write_account(const Journal& journal, Bytes& out, const Account& account) noexcept {
    if (account.located == 0 && !account.is(TOUCHED)) return true;
    const uint8_t changes = changes_of(journal, account);
    if (!write_number(out, ACCOUNT) || !write_address(out, account.address)) return false;
    if (!write_number(out, reads_of(account)) || !write_number(out, changes)) return false;
    const bool has_amount = (changes & (BALANCE_GREW | BALANCE_SHRANK)) != 0;
    if (has_amount && !write_word(out, account.delta.magnitude)) return false;
    if ((changes & NONCE_CHANGED) != 0 && !write_number(out, account.nonce)) return false;
    return (changes & CODE_CHANGED) == 0 || write_sized(out, journal.new_code(account));
}

bool write_slot(Bytes& out, const Slot& slot) noexcept {
    if (!slot.is_known) return true;
    const bool is_written = !slot.account->is(DESTROYED) && !(slot.value == slot.before);
    if (!write_number(out, is_written ? SLOT_WRITTEN : SLOT_READ)) return false;
    if (!write_address(out, slot.account->address) || !write_word(out, slot.key)) return false;
    return !is_written || (write_word(out, slot.before) && write_word(out, slot.value));
}

bool write_accesses(Machine& machine) noexcept {
    Journal& journal = machine.journal;
    Bytes& out = machine.accesses;
    const bool is_written =
        journal.each_account([&](Account& account) { return write_account(journal, out, account); }) &&
        journal.each_slot([&](Slot& slot) { return write_slot(out, slot); });
    return is_written || journal.stop(BLOCKSTM_NO_MEMORY);
}

}  // namespace

// What an inspector reads at the end is no access of the transaction's.
bool record_accesses(Machine& machine) noexcept {
    if (machine.block->records_accesses && !write_accesses(machine)) return false;
    return machine.inspector == nullptr || machine.inspector->finish(machine);
}

}  // namespace blockstm::evm
