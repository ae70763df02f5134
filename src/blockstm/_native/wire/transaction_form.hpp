// Whether bytes are the encoding of a transaction of any type: what decoding refuses is refused here, before
// anything is made of it. That it is one says nothing of its being valid. Pure; any thread.
#pragma once

#include "wire/encoded.hpp"

namespace blockstm {

namespace transaction_form {

constexpr uint64_t WORD = 32, SHORT_NUMBER = 8, PARITY = 1, HASH = 32;  // bytes
constexpr uint8_t DYNAMIC_FEE = 2, BLOB = 3, SET_CODE = 4;

inline bool takes_number(rlp::Reader& items, uint64_t size_max) noexcept {
    ByteView digits;
    return read_digits(items, size_max, digits);
}

inline bool takes_bytes(rlp::Reader& items, uint64_t size) noexcept {
    rlp::Item item;
    return items.next(item) && !item.is_list && item.payload.size() == size;
}

inline bool takes_receiver(rlp::Reader& items) noexcept {
    rlp::Item item;
    if (!items.next(item) || item.is_list) return false;
    return item.payload.empty() || item.payload.size() == sizeof(Address);
}

inline bool takes_data(rlp::Reader& items) noexcept {
    rlp::Item item;
    return items.next(item) && !item.is_list;
}

// A list, each element of which `takes` takes.
template <class Takes>
inline bool takes_list(rlp::Reader& items, Takes takes) noexcept {
    rlp::Item list;
    if (!items.next(list) || !list.is_list) return false;
    rlp::Reader elements(list.payload);
    while (!elements.at_end()) {
        if (!takes(elements)) return false;
    }
    return true;
}

// A list whose elements are lists, each of which `takes` takes whole.
template <class Takes>
inline bool takes_lists(rlp::Reader& items, Takes takes) noexcept {
    return takes_list(items, [takes](rlp::Reader& elements) noexcept {
        rlp::Item element;
        if (!elements.next(element) || !element.is_list) return false;
        rlp::Reader members(element.payload);
        return takes(members) && members.at_end();
    });
}

inline bool takes_hashes(rlp::Reader& items) noexcept {
    return takes_list(items, [](rlp::Reader& each) noexcept { return takes_bytes(each, HASH); });
}

inline bool takes_access_list(rlp::Reader& items) noexcept {
    return takes_lists(items, [](rlp::Reader& entry) noexcept {
        return takes_bytes(entry, sizeof(Address)) && takes_hashes(entry);
    });
}

inline bool takes_authorizations(rlp::Reader& items) noexcept {
    return takes_lists(items, [](rlp::Reader& each) noexcept {
        return takes_number(each, WORD) && takes_bytes(each, sizeof(Address)) && takes_number(each, SHORT_NUMBER) &&
               takes_number(each, PARITY) && takes_number(each, WORD) && takes_number(each, WORD);
    });
}

// What types 1 to 4 have behind the data, and before the signature.
inline bool takes_lists_of(uint8_t type, rlp::Reader& items) noexcept {
    if (!takes_access_list(items)) return false;
    if (type == BLOB) return takes_number(items, WORD) && takes_hashes(items);
    return type != SET_CODE || takes_authorizations(items);
}

}  // namespace transaction_form

inline bool is_transaction(Span encoding) noexcept {
    using namespace transaction_form;
    EncodedTransaction opened;
    if (!open_encoding(encoding, opened)) return false;
    rlp::Reader items(opened.items);
    if (!opened.is_legacy && !takes_number(items, WORD)) return false;                    // chain
    if (!takes_number(items, SHORT_NUMBER) || !takes_number(items, WORD)) return false;   // nonce, fee
    if (opened.type >= DYNAMIC_FEE && !takes_number(items, WORD)) return false;           // the other fee
    if (!takes_number(items, SHORT_NUMBER) || !takes_receiver(items)) return false;       // gas
    if (!takes_number(items, WORD) || !takes_data(items)) return false;                   // value
    if (!opened.is_legacy && !takes_lists_of(opened.type, items)) return false;
    if (!takes_number(items, opened.is_legacy ? WORD : PARITY)) return false;             // v
    return takes_number(items, WORD) && takes_number(items, WORD) && items.at_end();   // r, s
}

// Takes the first transaction that a block's encoding lists off what is left of the list; where it is none,
// nothing is taken. One without a type stands there as a list, any other as bytes (EIP-2718).
inline bool take_transaction(Span& left, Span& encoding) noexcept {
    rlp::Reader elements({left.data, left.size});
    rlp::Item item;
    if (!elements.next(item)) return false;
    encoding = span_of(item.is_list ? item.encoding : item.payload);
    if (!item.is_list && encoding.size != 0 && encoding.data[0] >= rlp::LIST) return false;
    if (!is_transaction(encoding)) return false;
    left = span_of(elements.rest());
    return true;
}

}  // namespace blockstm
