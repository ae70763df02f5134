// Paths through a trie: runs of nibbles, and their hex-prefix encoding (Yellow Paper, appendix C).
//
// A path is a view of packed bytes, two nibbles each. Where one is stored it is packed to the right: the
// last nibble ends a byte, and where the count is odd the first nibble's other half is zero. That is what
// hex-prefix writes, so that a path of a whole key is encoded by copying bytes.
// Pure functions; any thread.
#pragma once

#include "base/array.hpp"
#include "base/byte_view.hpp"

namespace blockstm::trie {

inline constexpr uint32_t KEY_SIZE_MAX = 255;  // bounds the depth of every trie, and with it all recursion
inline constexpr uint32_t DEPTH_MAX = 2 * KEY_SIZE_MAX;

struct Path {
    const uint8_t* bytes = nullptr;
    uint32_t start = 0;  // the first nibble, counted from bytes[0]'s upper half
    uint32_t size = 0;   // in nibbles

    uint8_t operator[](uint32_t index) const noexcept {
        const uint32_t place = start + index;
        const uint8_t byte = bytes[place >> 1];
        return place & 1 ? byte & 15 : byte >> 4;
    }
    Path from(uint32_t count) const noexcept { return {bytes, start + count, size - count}; }
    Path first(uint32_t count) const noexcept { return {bytes, start, count}; }
};

inline Path path_of(Bytes key) noexcept { return {key.data(), 0, static_cast<uint32_t>(2 * key.size())}; }

inline uint32_t packed_size(uint32_t nibbles) noexcept { return (nibbles + 1) / 2; }

// A path as it is stored.
inline Path packed_path(const uint8_t* bytes, uint32_t nibbles) noexcept {
    return {bytes, nibbles & 1, nibbles};
}

// How many nibbles two paths share from their first on.
inline uint32_t shared_nibbles(Path left, Path right) noexcept {
    const uint32_t least = left.size < right.size ? left.size : right.size;
    uint32_t shared = 0;
    if (((left.start ^ right.start) & 1) == 0) {
        if ((left.start & 1) != 0 && least != 0) {
            if (left[0] != right[0]) return 0;
            shared = 1;
        }
        const uint8_t* ours = left.bytes + (left.start + shared) / 2;
        const uint8_t* theirs = right.bytes + (right.start + shared) / 2;
        while (shared + 2 <= least && *ours == *theirs) ++ours, ++theirs, shared += 2;
    }
    while (shared < least && left[shared] == right[shared]) ++shared;
    return shared;
}

inline bool equal(Path left, Path right) noexcept {
    return left.size == right.size && shared_nibbles(left, right) == left.size;
}

// Writes nibbles one after another, packed to the right; `bytes` has room for packed_size(size).
class PathWriter {
public:
    PathWriter(uint8_t* bytes, uint32_t size) noexcept : bytes_(bytes), place_(size & 1) {
        if ((size & 1) != 0) bytes[0] = 0;
    }
    void push(uint8_t nibble) noexcept {
        if (place_ & 1) {
            bytes_[place_ >> 1] |= nibble;
        } else {
            bytes_[place_ >> 1] = static_cast<uint8_t>(nibble << 4);
        }
        ++place_;
    }
    void push(Path path) noexcept {
        for (uint32_t index = 0; index < path.size; ++index) push(path[index]);
    }

private:
    uint8_t* bytes_;
    uint32_t place_;
};

inline void pack(Path path, uint8_t* out) noexcept {
    if (((path.start + path.size) & 1) != 0) {
        PathWriter(out, path.size).push(path);
        return;
    }
    if (path.size == 0) return;
    std::memcpy(out, path.bytes + path.start / 2, packed_size(path.size));
    if ((path.size & 1) != 0) out[0] &= 15;
}

inline uint64_t hex_prefix_size(uint32_t nibbles) noexcept { return nibbles / 2 + 1; }

inline uint8_t* put_hex_prefix(uint8_t* out, Path path, bool is_leaf) noexcept {
    const uint8_t flags = static_cast<uint8_t>((is_leaf ? 0x20 : 0) | ((path.size & 1) != 0 ? 0x10 : 0));
    if ((path.size & 1) != 0) {
        pack(path, out);
        out[0] |= flags;
    } else {
        out[0] = flags;
        pack(path, out + 1);
    }
    return out + hex_prefix_size(path.size);
}

// False: the bytes are no hex-prefix encoding.
inline bool read_hex_prefix(Bytes bytes, bool& is_leaf, Path& path) noexcept {
    if (bytes.empty() || bytes.size() > KEY_SIZE_MAX + 1 || bytes[0] >= 0x40) return false;
    const bool is_odd = (bytes[0] & 0x10) != 0;
    if (!is_odd && (bytes[0] & 15) != 0) return false;
    is_leaf = (bytes[0] & 0x20) != 0;
    path = {bytes.data(), is_odd ? 1u : 2u, static_cast<uint32_t>(2 * bytes.size() - (is_odd ? 1 : 2))};
    return true;
}

}  // namespace blockstm::trie
