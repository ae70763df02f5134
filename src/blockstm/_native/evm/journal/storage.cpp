// The journal's slots, transient slots and logs; see journal.hpp.
#include "evm/journal/journal.hpp"

namespace blockstm::evm {

bool Journal::load_epoch(Account* account) noexcept {
    if (account->knows(EPOCH)) return true;
    u256 value;
    if (!read_field(account, EPOCH, value)) return false;
    if (!value.fits_u64() || value.limb[0] > UINT32_MAX) return stop(BAD_VALUE);
    account->epoch = static_cast<uint32_t>(value.limb[0]);
    account->known |= bit(EPOCH);
    return true;
}

// What this transaction created had no storage: that was asked for when it was created.
bool Journal::read_slot(Slot* slot) noexcept {
    if (slot->account->is(CREATED)) {
        slot->before = u256{};
    } else if (!locate(slot) || !read_number(slot->location, slot->before)) {
        return false;
    }
    slot->value = slot->before;
    slot->is_known = true;
    return true;
}

bool Journal::log_slot(Slot* slot) noexcept {
    Undo step{};
    step.kind = UndoKind::SlotValue;
    step.number = slot->logged_at;
    step.slot = slot;
    step.word = slot->value;
    if (!push(step)) return false;
    slot->logged_at = static_cast<uint32_t>(undo_.size());
    return true;
}

bool Journal::warm_up(Slot* slot) noexcept {
    Undo step{};
    step.kind = UndoKind::SlotWarm;
    step.slot = slot;
    if (!push(step)) return false;
    slot->is_warm = true;
    return true;
}

// ------------------------------------------------------------------------------ EIP-1153

TransientSlot* Journal::find_transient(Account* account, const u256& key, uint64_t hash) const noexcept {
    return transient_index_.find(
        hash, [&](const TransientSlot& slot) { return slot.key == key && slot.account == account; });
}

bool Journal::load_transient(Account* account, const u256& key, u256& value) noexcept {
    const TransientSlot* slot = find_transient(account, key, hash_of(account, key));
    value = slot == nullptr ? u256{} : slot->value;
    return true;
}

bool Journal::store_transient(Account* account, const u256& key, const u256& value) noexcept {
    const uint64_t hash = hash_of(account, key);
    TransientSlot* slot = find_transient(account, key, hash);
    if (slot == nullptr) {
        slot = transients_.take();
        if (slot == nullptr) return stop(BLOCKSTM_NO_MEMORY);
        slot->account = account;
        slot->key = key;
        slot->value = u256{};
        const auto hash_of_other = [&](const TransientSlot& other) { return hash_of(other.account, other.key); };
        if (!transient_index_.add(hash, slot, hash_of_other)) return stop(BLOCKSTM_NO_MEMORY);
    }
    Undo step{};
    step.kind = UndoKind::Transient;
    step.transient = slot;
    step.word = slot->value;
    if (!push(step)) return false;
    slot->value = value;
    return true;
}

// ------------------------------------------------------------------------------ logs

bool Journal::log(const Address& address, const Hash32* topics, uint8_t topic_count, Span data) noexcept {
    const auto size = static_cast<uint32_t>(data.size);  // gas bounds it
    const uint8_t size_bytes[4] = {static_cast<uint8_t>(size), static_cast<uint8_t>(size >> 8),
                                   static_cast<uint8_t>(size >> 16), static_cast<uint8_t>(size >> 24)};
    const uint64_t needed = sizeof address.bytes + 1 + topic_count * sizeof(Hash32) + sizeof size_bytes + data.size;
    if (data.size > UINT32_MAX || !logs_.reserve(logs_.size() + needed)) return stop(BLOCKSTM_NO_MEMORY);
    logs_.append(address.bytes, sizeof address.bytes);
    logs_.append(&topic_count, 1);
    logs_.append(reinterpret_cast<const uint8_t*>(topics), topic_count * sizeof(Hash32));
    logs_.append(size_bytes, sizeof size_bytes);
    logs_.append(data.data, data.size);
    ++log_count_;
    return true;
}

}  // namespace blockstm::evm
