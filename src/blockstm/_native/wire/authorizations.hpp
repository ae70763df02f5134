// The authorizations of a transaction (EIP-7702): where they stand in its encoding, and what was signed.
// Pure; any thread.
#pragma once

#include <vector>

#include "wire/signature.hpp"

namespace blockstm {

// Appends the encoding of each to `out`; false where the encoding is of no such transaction. May throw for memory.
inline bool find_authorizations(Span encoding, std::vector<Span>& out) {
    constexpr uint64_t BEFORE = 9;  // the items that stand before the list of them
    EncodedTransaction opened;
    if (!open_encoding(encoding, opened)) return false;
    rlp::Reader items(opened.items);
    rlp::Item list, each;
    if (!items.skip(BEFORE) || !items.next(list) || !list.is_list) return false;
    for (rlp::Reader listed(list.payload); !listed.at_end();) {
        if (!listed.next(each) || !each.is_list) return false;
        out.push_back(span_of(each.encoding));
    }
    return true;
}

// What was signed of an authorization, given by its encoding, as for `read_signed_bytes`.
inline bool read_signed_authorization(Span authorization, SignedBytes& bytes, Signature& out) noexcept {
    namespace parts = signature_parts;
    constexpr uint8_t MAGIC = 5;
    constexpr uint64_t SIGNED = 3;  // chain, address, nonce
    ByteView members;
    if (!rlp::read_list({authorization.data, authorization.size}, members)) return false;
    rlp::Reader items(members);
    if (!items.skip(SIGNED)) return false;
    bytes.items = members.first(members.size() - items.rest().size());
    uint64_t parity = 0;
    if (!read_number(items, parity) || parity > 1) return false;
    if (!parts::read_scalar(items, parts::LAST_SCALAR, out.compact)) return false;
    if (!parts::read_scalar(items, parts::HALF_ORDER, out.compact + 32) || !items.at_end()) return false;
    out.parity = static_cast<int>(parity);
    bytes.head[0] = MAGIC;
    bytes.head_size = static_cast<uint64_t>(rlp::put_list_header(bytes.head + 1, bytes.items.size()) - bytes.head);
    bytes.tail_size = 0;
    return true;
}

}  // namespace blockstm
