// Bytes as the tries meet them: borrowed spans, and one buffer that grows and is used again.
// Plain data of one thread; nothing here throws. Running out of memory is a returned null or false.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace blockstm::trie {

// Bytes that someone else owns.
using Bytes = std::span<const uint8_t>;

inline constexpr uint64_t HASH_SIZE = 32;

inline uint8_t* put_bytes(uint8_t* out, Bytes bytes) noexcept {
    if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
    return out + bytes.size();
}

inline bool equal(Bytes left, Bytes right) noexcept {
    if (left.size() != right.size()) return false;
    return left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0;
}

// A growable array of plain elements. Cleared, it keeps its memory.
template <class Element>
class Buffer {
public:
    Buffer() noexcept = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(elements_); }

    Element* data() noexcept { return elements_; }
    const Element* data() const noexcept { return elements_; }
    uint64_t size() const noexcept { return size_; }
    Element& operator[](uint64_t place) noexcept { return elements_[place]; }
    const Element& operator[](uint64_t place) const noexcept { return elements_[place]; }
    Element* begin() noexcept { return elements_; }
    Element* end() noexcept { return elements_ + size_; }

    Element& back() noexcept { return elements_[size_ - 1]; }

    void clear() noexcept { size_ = 0; }

    // Room for `size` elements in all; what is there stays. False: out of memory, nothing changed.
    bool reserve(uint64_t size) noexcept {
        if (size <= capacity_) return true;
        uint64_t wanted = capacity_ + capacity_ / 2 + 16;
        if (wanted < size) wanted = size;
        if (wanted > UINT64_MAX / 2 / sizeof(Element)) return false;
        auto* grown = static_cast<Element*>(std::realloc(elements_, wanted * sizeof(Element)));
        if (grown == nullptr) return false;
        elements_ = grown;
        capacity_ = wanted;
        return true;
    }

    // Room for `count` more, counted as there and not initialised; null where memory ran out.
    Element* extend(uint64_t count) noexcept {
        if (!reserve(size_ + count)) return nullptr;
        size_ += count;
        return elements_ + size_ - count;
    }

    bool push(const Element& element) noexcept {
        const Element copy = element;  // it may lie in this buffer, which moves
        Element* place = extend(1);
        if (place != nullptr) *place = copy;
        return place != nullptr;
    }

    void truncate(uint64_t size) noexcept { size_ = size; }

private:
    Element* elements_ = nullptr;
    uint64_t size_ = 0;
    uint64_t capacity_ = 0;
};

}  // namespace blockstm::trie
