// What a transaction names before it runs: the account that it calls, and its access list (EIP-2930), read off its
// encoding. Pure; any thread.
#pragma once

#include "base/array.hpp"
#include "wire/encoded.hpp"

namespace blockstm {

// Addresses, 20 bytes each; and addresses with a slot, 52 bytes each.
struct NamedLocations {
    Array<uint8_t> addresses, slots;

    // False: out of memory.
    bool add(ByteView address) noexcept { return addresses.append(address.data(), address.size()); }
    bool add(ByteView address, ByteView slot) noexcept {
        return slots.append(address.data(), address.size()) && slots.append(slot.data(), slot.size());
    }
};

// One address of an access list and its slots; what follows no layout names nothing.
inline bool add_access_entry(ByteView entry, NamedLocations& named) noexcept {
    constexpr uint64_t SLOT_SIZE = 32;
    rlp::Reader members(entry);
    rlp::Item address, list, slot;
    if (!members.next(address) || address.payload.size() != sizeof(Address) || !members.next(list)) return true;
    if (!named.add(address.payload)) return false;
    for (rlp::Reader slots(list.payload); slots.next(slot);) {
        if (slot.payload.size() == SLOT_SIZE && !named.add(address.payload, slot.payload)) return false;
    }
    return true;
}

// False: out of memory.
inline bool add_named_locations(Span encoding, NamedLocations& named) noexcept {
    constexpr uint8_t DYNAMIC_FEE = 2;
    constexpr uint64_t BEHIND_TO = 2;  // value, data
    EncodedTransaction opened;
    if (!open_encoding(encoding, opened)) return true;
    const uint64_t before_to = opened.is_legacy ? 3 : opened.type < DYNAMIC_FEE ? 4 : 5;
    rlp::Reader items(opened.items);
    rlp::Item to, list, entry;
    if (!items.skip(before_to) || !items.next(to)) return true;
    if (to.payload.size() == sizeof(Address) && !named.add(to.payload)) return false;
    if (opened.is_legacy || !items.skip(BEHIND_TO) || !items.next(list)) return true;
    for (rlp::Reader entries(list.payload); entries.next(entry);) {
        if (!add_access_entry(entry.payload, named)) return false;
    }
    return true;
}

}  // namespace blockstm
