// Transactions read off their encodings (EIP-2718). Pure; any thread.
#pragma once

#include "base/rlp.hpp"
#include "wire/transaction.hpp"

namespace blockstm {

inline Span span_of(ByteView bytes) noexcept { return {bytes.data(), bytes.size()}; }

struct EncodedTransaction {
    uint8_t type = 0;
    bool is_legacy = false;  // the list stands alone; otherwise behind its type
    ByteView items;          // of the list
    uint64_t unsigned_count = 0;  // of them, before the signature
};

// False where the bytes are no list, or of no type that there is.
inline bool open_encoding(Span encoding, EncodedTransaction& out) noexcept {
    constexpr uint8_t COUNTS[] = {6, 8, 9, 11, 10};
    if (encoding.size == 0) return false;
    out.is_legacy = encoding.data[0] >= rlp::LIST;
    out.type = out.is_legacy ? 0 : encoding.data[0];
    if (out.type >= sizeof COUNTS || (out.type == 0 && !out.is_legacy)) return false;
    out.unsigned_count = COUNTS[out.type];
    return rlp::read_list({encoding.data + !out.is_legacy, encoding.size - !out.is_legacy}, out.items);
}

// The digits of a number of at most `size_max` bytes, without leading zeros.
inline bool read_digits(rlp::Reader& items, uint64_t size_max, ByteView& digits) noexcept {
    rlp::Item item;
    if (!items.next(item) || item.is_list || item.payload.size() > size_max) return false;
    digits = item.payload;
    return digits.empty() || digits[0] != 0;
}

inline bool read_number(rlp::Reader& items, uint64_t& number) noexcept {
    ByteView digits;
    if (!read_digits(items, sizeof number, digits)) return false;
    number = 0;
    for (const uint8_t digit : digits) number = number << 8 | digit;
    return true;
}

inline bool read_number(rlp::Reader& items, u256& number) noexcept {
    ByteView digits;
    if (!read_digits(items, sizeof number, digits)) return false;
    number = u256{};
    for (uint64_t place = 0; place < digits.size(); ++place) {
        const uint64_t digit = digits.size() - 1 - place;
        number.limb[digit / 8] |= static_cast<uint64_t>(digits[place]) << digit % 8 * 8;
    }
    return true;
}

// What a signature says of its transaction, beside the signer; `chain` is its own where it is not legacy.
inline void set_signature(Transaction& out, const u256& chain, const u256& v, const u256& s) noexcept {
    constexpr u256 HALF_ORDER{0xDFE92F46681B20A0, 0x5D576E7357A4501D, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF};
    const bool is_legacy = out.type == TransactionType::Legacy;
    out.names_chain = !is_legacy || !(v < u256{35});
    out.chain_id = is_legacy && out.names_chain ? shr(v - u256{35}, 1) : chain;
    out.has_high_s = HALF_ORDER < s;
}

// A transaction without a list inside that is not empty, of type 0, 1 or 2.
struct PlainTransaction {
    Transaction transaction;  // but for the sender; what is borrowed lies in the encoding
    u256 chain;               // what is said of it; of a legacy transaction, v says it
    u256 v, r, s;
};

// False where the encoding is of another kind of transaction, which is left to the Python code.
inline bool read_plain_transaction(Span encoding, PlainTransaction& plain) noexcept {
    EncodedTransaction opened;
    if (!open_encoding(encoding, opened) || opened.type > 2) return false;
    rlp::Reader items(opened.items);
    rlp::Item to, data, list;
    Transaction& out = plain.transaction;
    if (!opened.is_legacy && !read_number(items, plain.chain)) return false;
    if (!read_number(items, out.nonce) || !read_number(items, out.max_priority_fee_per_gas)) return false;
    out.max_fee_per_gas = out.max_priority_fee_per_gas;
    if (opened.type == 2 && !read_number(items, out.max_fee_per_gas)) return false;
    if (!read_number(items, out.gas_limit) || !items.next(to) || to.is_list) return false;
    if (!read_number(items, out.value) || !items.next(data) || data.is_list) return false;
    if (!opened.is_legacy && (!items.next(list) || !list.is_list || !list.payload.empty())) return false;
    if (!to.payload.empty() && to.payload.size() != sizeof out.to.bytes) return false;
    if (!read_number(items, plain.v) || !read_number(items, plain.r) || !read_number(items, plain.s)) return false;
    out.type = static_cast<TransactionType>(opened.type);
    out.creates = to.payload.empty();
    out.to = Address{};
    if (!out.creates) std::memcpy(out.to.bytes, to.payload.data(), sizeof out.to.bytes);
    out.data = span_of(data.payload);
    set_signature(out, plain.chain, plain.v, plain.s);
    return items.at_end();
}

}  // namespace blockstm
