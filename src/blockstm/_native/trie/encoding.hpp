// The three kinds of node as bytes, and how one stands in another (Yellow Paper, appendix D): a node
// whose encoding has less than 32 bytes stands there itself, any other by its keccak.
// Pure functions; any thread.
#pragma once

#include "base/rlp.hpp"
#include "crypto/keccak.hpp"
#include "trie/paths.hpp"

namespace blockstm::trie {

inline constexpr int BRANCH_WIDTH = 16;

// keccak of the encoding of no bytes: the root of a trie without entries.
inline constexpr uint8_t EMPTY_ROOT[HASH_SIZE] = {
    0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
    0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21};

// A node inside its parent: nothing, its encoding if that is short, else its hash.
// `is_stored`: the node is where a NodeSource finds it, as no reference is that was computed here.
struct Reference {
    uint8_t size : 7 = 0;
    uint8_t is_stored : 1 = 0;
    uint8_t bytes[HASH_SIZE];

    bool is_hash() const noexcept { return size == HASH_SIZE; }
};

inline void set_reference(Reference& reference, Bytes encoding) noexcept {
    reference.is_stored = 0;
    if (encoding.size() < HASH_SIZE) {
        reference.size = encoding.size() & 31;
        put_bytes(reference.bytes, encoding);
    } else {
        reference.size = HASH_SIZE;
        keccak256(encoding.data(), encoding.size(), reference.bytes);
    }
}

// The root of the trie whose topmost node stands behind `reference`.
inline void root_of(const Reference& reference, uint8_t root[HASH_SIZE]) noexcept {
    if (reference.is_hash()) {
        std::memcpy(root, reference.bytes, HASH_SIZE);
    } else if (reference.size == 0) {
        std::memcpy(root, EMPTY_ROOT, HASH_SIZE);
    } else {
        keccak256(reference.bytes, reference.size, root);
    }
}

inline uint64_t size_in_parent(const Reference& reference) noexcept {
    return reference.is_hash() ? 1 + HASH_SIZE : reference.size == 0 ? 1 : reference.size;
}

inline uint8_t* put_reference(uint8_t* out, const Reference& reference) noexcept {
    if (reference.is_hash()) *out++ = rlp::STRING + HASH_SIZE;
    if (reference.size == 0) *out++ = rlp::STRING;
    return put_bytes(out, {reference.bytes, reference.size});
}

// The size of a string that is a hex-prefix encoding: one byte of it is below 0x40, its own encoding.
inline uint64_t path_string_size(uint32_t nibbles) noexcept {
    const uint64_t size = hex_prefix_size(nibbles);
    return size == 1 ? 1 : rlp::header_size(size) + size;
}

inline uint8_t* put_path(uint8_t* out, Path path, bool is_leaf) noexcept {
    const uint64_t size = hex_prefix_size(path.size);
    if (size > 1) out = rlp::put_header(out, size, rlp::STRING);
    return put_hex_prefix(out, path, is_leaf);
}

// Each writer appends one node to `out`, which must be what the caller truncates or clears; null where
// memory ran out.
inline uint8_t* open_node(Array<uint8_t>& out, uint64_t payload) noexcept {
    uint8_t* place = out.extend(rlp::list_size(payload));
    return place == nullptr ? nullptr : rlp::put_list_header(place, payload);
}

inline bool encode_leaf(Array<uint8_t>& out, Path path, Bytes value) noexcept {
    uint8_t* place = open_node(out, path_string_size(path.size) + rlp::string_size(value));
    if (place == nullptr) return false;
    rlp::put_string(put_path(place, path, true), value);
    return true;
}

inline bool encode_extension(Array<uint8_t>& out, Path path, const Reference& child) noexcept {
    uint8_t* place = open_node(out, path_string_size(path.size) + size_in_parent(child));
    if (place == nullptr) return false;
    put_reference(put_path(place, path, false), child);
    return true;
}

// `child(index)` is the Reference of a child.
template <class Child>
bool encode_branch(Array<uint8_t>& out, Child child, Bytes value) noexcept {
    uint64_t payload = rlp::string_size(value);
    for (int index = 0; index < BRANCH_WIDTH; ++index) payload += size_in_parent(child(index));
    uint8_t* place = open_node(out, payload);
    if (place == nullptr) return false;
    for (int index = 0; index < BRANCH_WIDTH; ++index) place = put_reference(place, child(index));
    rlp::put_string(place, value);
    return true;
}

}  // namespace blockstm::trie
