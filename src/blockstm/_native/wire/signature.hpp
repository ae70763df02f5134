// What was signed of a transaction, and how, read off its encoding (EIP-2718, EIP-155). Pure; any thread.
#pragma once

#include "crypto/keccak.hpp"
#include "wire/encoded.hpp"

namespace blockstm {

struct Signature {
    uint8_t message[32];  // the hash that was signed
    uint8_t compact[64];  // r and s, big-endian
    int parity;           // which of two curve points: 0 or 1
};

namespace signature_parts {

constexpr uint64_t HEADER_MAX = 9;

// Half the order of secp256k1, and the order less 1: the greatest s and r that a signature may have.
constexpr uint8_t HALF_ORDER[32] = {0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x5D, 0x57, 0x6E, 0x73, 0x57, 0xA4,
                                    0x50, 0x1D, 0xDF, 0xE9, 0x2F, 0x46, 0x68, 0x1B, 0x20, 0xA0};
constexpr uint8_t LAST_SCALAR[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                     0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48,
                                     0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x40};

// A scalar from 1 to `last`, as 32 bytes.
inline bool read_scalar(rlp::Reader& items, const uint8_t last[32], uint8_t out[32]) noexcept {
    rlp::Item item;
    if (!items.next(item) || item.is_list || item.payload.empty() || item.payload.size() > 32) return false;
    std::memset(out, 0, 32);
    std::memcpy(out + 32 - item.payload.size(), item.payload.data(), item.payload.size());
    const uint8_t zero[32] = {};
    return std::memcmp(out, last, 32) <= 0 && std::memcmp(out, zero, 32) != 0;
}

// What a legacy transaction signs beside its items (EIP-155): its chain and two empty items.
inline uint64_t put_chain(uint8_t* out, uint64_t chain) noexcept {
    uint8_t* end = rlp::put_number(rlp::put_number(rlp::put_number(out, chain), 0), 0);
    return static_cast<uint64_t>(end - out);
}

// The chain that v names and which point it means; false where it says neither.
inline bool read_v(uint64_t v, bool is_legacy, bool& has_chain, uint64_t& chain, int& parity) noexcept {
    has_chain = is_legacy && v >= 35;
    chain = has_chain ? (v - 35) / 2 : 0;
    const uint64_t bit = !is_legacy ? v : has_chain ? (v - 35) % 2 : v - 27;
    parity = static_cast<int>(bit & 1);
    return bit <= 1;
}

}  // namespace signature_parts

// The bytes that were signed, in three pieces: `items` are the encoding's own, and what stands around them.
struct SignedBytes {
    uint8_t head[1 + signature_parts::HEADER_MAX];
    uint64_t head_size;
    ByteView items;
    uint8_t tail[16];
    uint64_t tail_size;

    uint64_t size() const noexcept { return head_size + items.size() + tail_size; }

    void copy_to(uint8_t* out) const noexcept {
        std::memcpy(out, head, head_size);
        std::memcpy(out + head_size, items.data(), items.size());
        std::memcpy(out + head_size + items.size(), tail, tail_size);
    }

    void hash(uint8_t out[32]) const noexcept {
        Keccak256 sponge;
        sponge.update(head, head_size);
        sponge.update(items.data(), items.size());
        sponge.update(tail, tail_size);
        sponge.finish(out);
    }
};

// What was signed and by what signature, whose message's hash is left to the caller. False where the encoding
// is of no transaction, or no signature can have its numbers: v of more than 64 bits, r or s out of range.
// `high_s` says whether s may be above half the order (EIP-2).
inline bool read_signed_bytes(Span encoding, bool high_s, SignedBytes& bytes, Signature& out) noexcept {
    namespace parts = signature_parts;
    EncodedTransaction opened;
    if (!open_encoding(encoding, opened)) return false;
    rlp::Reader items(opened.items);
    if (!items.skip(opened.unsigned_count)) return false;
    bytes.items = opened.items.first(opened.items.size() - items.rest().size());
    uint64_t v = 0, chain = 0;
    bool has_chain = false;
    if (!read_number(items, v) || !parts::read_v(v, opened.is_legacy, has_chain, chain, out.parity)) return false;
    if (!parts::read_scalar(items, parts::LAST_SCALAR, out.compact)) return false;
    const uint8_t* s_last = high_s ? parts::LAST_SCALAR : parts::HALF_ORDER;
    if (!parts::read_scalar(items, s_last, out.compact + 32) || !items.at_end()) return false;
    bytes.tail_size = has_chain ? parts::put_chain(bytes.tail, chain) : 0;
    bytes.head[0] = opened.type;
    uint8_t* list = bytes.head + !opened.is_legacy;
    list = rlp::put_list_header(list, bytes.items.size() + bytes.tail_size);
    bytes.head_size = static_cast<uint64_t>(list - bytes.head);
    return true;
}

// The same with the message's hash.
inline bool read_signature(Span encoding, bool high_s, Signature& out) noexcept {
    SignedBytes bytes;
    if (!read_signed_bytes(encoding, high_s, bytes, out)) return false;
    bytes.hash(out.message);
    return true;
}

}  // namespace blockstm
