// Accounts that transactions have to do with; see seen_accounts.hpp.
#include "tracing/seen_accounts.hpp"

#include <algorithm>

namespace blockstm::tracing {
namespace {

bool is_before(const Address& left, const Address& right) noexcept {
    return std::memcmp(left.bytes, right.bytes, sizeof left.bytes) < 0;
}

bool has(const Array<Address>& sorted, const Address& address) noexcept {
    return std::binary_search(sorted.begin(), sorted.end(), address, is_before);
}

}  // namespace

Reading SeenAccounts::read(Span events, evm::Fork fork) noexcept {
    fork_ = fork;
    accounts_.clear(), slots_.clear(), created_.clear(), destroyed_.clear();
    EventReader reader(events);
    while (!reader.at_end()) {
        Reading reading = Reading::Done;
        bool has_room = true;
        const auto tag = reader.number<uint8_t>();
        if (tag == evm::ACCOUNT_TAG) has_room = read_account(reader);
        else if (tag == evm::SLOT_TAG) reading = read_slot(reader);
        else if (tag == evm::CREATED_TAG) has_room = created_.push(reader.address());
        else if (tag == evm::GONE_TAG) has_room = destroyed_.push(reader.address());
        else return Reading::Malformed;
        if (!reader.is_well()) return Reading::Malformed;
        if (!has_room) return Reading::NoMemory;
        if (reading != Reading::Done) return reading;
    }
    find_gone();
    return Reading::Done;
}

bool SeenAccounts::read_account(EventReader& events) noexcept {
    SeenAccount account;
    account.address = events.address();
    account.before.balance = events.word(), account.after.balance = events.word();
    account.before.nonce = events.number<uint64_t>(), account.after.nonce = events.number<uint64_t>();
    account.before.code_hash = events.number<Hash32>(), account.after.code_hash = events.number<Hash32>();
    account.first_slot = slots_.size(), account.slot_count = 0;
    account.is_gone = false;
    return accounts_.push(account);
}

// An account's slots stand behind it.
Reading SeenAccounts::read_slot(EventReader& events) noexcept {
    const Address address = events.address();
    const SeenSlot slot{events.take(32), events.take(32), events.take(32)};
    if (!events.is_well() || accounts_.empty() || !(accounts_.back().address == address)) return Reading::Malformed;
    ++accounts_.back().slot_count;
    return slots_.push(slot) ? Reading::Done : Reading::NoMemory;
}

// From Cancun on those alone that the transaction has made, too (EIP-6780).
void SeenAccounts::find_gone() noexcept {
    if (destroyed_.empty()) return;
    std::sort(destroyed_.begin(), destroyed_.end(), is_before);
    std::sort(created_.begin(), created_.end(), is_before);
    for (SeenAccount& account : accounts_) {
        const bool may_go = fork_ < evm::Fork::Cancun || has(created_, account.address);
        account.is_gone = may_go && has(destroyed_, account.address);
    }
}

}  // namespace blockstm::tracing
