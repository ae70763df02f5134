// Transactions read off their encodings (EIP-2718). Pure; any thread.
#pragma once

#include "evm/block.hpp"
#include "evm/rlp_reader.hpp"

namespace blockstm::evm {

struct EncodedTransaction {
    uint8_t type = 0;
    bool is_legacy = false;  // the list stands alone; otherwise behind its type
    Span items;              // of the list
    uint64_t unsigned_count = 0;  // of them, before the signature
};

// False where the bytes are no list, or of no type that there is.
inline bool open_encoding(Span encoding, EncodedTransaction& out) noexcept {
    constexpr uint8_t LIST = 0xC0;
    constexpr uint8_t COUNTS[] = {6, 8, 9, 11, 10};
    if (encoding.size == 0) return false;
    out.is_legacy = encoding.data[0] >= LIST;
    out.type = out.is_legacy ? 0 : encoding.data[0];
    if (out.type >= sizeof COUNTS || (out.type == 0 && !out.is_legacy)) return false;
    out.unsigned_count = COUNTS[out.type];
    RlpReader outer({encoding.data + !out.is_legacy, encoding.size - !out.is_legacy});
    RlpItem list;
    if (!outer.next(list) || !list.is_list || !outer.is_at_end()) return false;
    out.items = list.payload;
    return true;
}

inline bool read_number(RlpReader& items, uint64_t& number) noexcept {
    RlpItem item;
    if (!items.next(item) || item.is_list || item.payload.size > 8) return false;
    number = 0;
    for (uint64_t place = 0; place < item.payload.size; ++place) number = number << 8 | item.payload.data[place];
    return true;
}

inline bool read_number(RlpReader& items, u256& number) noexcept {
    RlpItem item;
    if (!items.next(item) || item.is_list || item.payload.size > 32) return false;
    number = u256{};
    for (uint64_t place = 0; place < item.payload.size; ++place) {
        const uint64_t digit = item.payload.size - 1 - place;
        number.limb[digit / 8] |= static_cast<uint64_t>(item.payload.data[place]) << digit % 8 * 8;
    }
    return true;
}

// Everything but the sender; what is borrowed lies in the encoding. False where the transaction has a list
// inside it that is not empty, or is not what it should be: then somebody else has to look.
inline bool read_plain_transaction(Span encoding, Transaction& out) noexcept {
    EncodedTransaction opened;
    if (!open_encoding(encoding, opened) || opened.type > 2) return false;
    RlpReader items(opened.items);
    RlpItem to, data, list;
    if (!opened.is_legacy && !items.skip(1)) return false;  // the chain
    if (!read_number(items, out.nonce) || !read_number(items, out.max_priority_fee_per_gas)) return false;
    out.max_fee_per_gas = out.max_priority_fee_per_gas;
    if (opened.type == 2 && !read_number(items, out.max_fee_per_gas)) return false;
    if (!read_number(items, out.gas_limit) || !items.next(to) || to.is_list) return false;
    if (!read_number(items, out.value) || !items.next(data) || data.is_list) return false;
    if (!opened.is_legacy && (!items.next(list) || !list.is_list || list.payload.size != 0)) return false;
    if (to.payload.size != 0 && to.payload.size != sizeof out.to.bytes) return false;
    out.type = static_cast<TransactionType>(opened.type);
    out.creates = to.payload.size == 0;
    if (!out.creates) std::memcpy(out.to.bytes, to.payload.data, sizeof out.to.bytes);
    out.data = data.payload;
    return true;
}

}  // namespace blockstm::evm
