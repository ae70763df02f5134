// Transient storage between calls; see kept_transient.hpp.
#include "evm/transaction/kept_transient.hpp"

namespace blockstm::evm {

namespace {

struct KeptSlot {
    Address address;
    u256 key;
    u256 value;
};

}  // namespace

bool restore_transient(Journal& journal, const Bytes& kept) noexcept {
    for (uint64_t place = 0; place + sizeof(KeptSlot) <= kept.size(); place += sizeof(KeptSlot)) {
        KeptSlot slot;
        std::memcpy(static_cast<void*>(&slot), kept.data() + place, sizeof slot);
        Account* account = nullptr;
        if (!journal.account(slot.address, account)) return false;
        if (!journal.store_transient(account, slot.key, slot.value)) return false;
    }
    return true;
}

bool keep_transient(Journal& journal, Bytes& kept) noexcept {
    kept.clear();
    return journal.each_transient([&](const TransientSlot& each) {
        if (each.value.is_zero()) return true;
        KeptSlot slot{};
        slot.address = each.account->address, slot.key = each.key, slot.value = each.value;
        const bool is_kept = kept.append(reinterpret_cast<const uint8_t*>(&slot), sizeof slot);
        return is_kept || journal.stop(BLOCKSTM_NO_MEMORY);
    });
}

}  // namespace blockstm::evm
