// An array that grows. Plain data of one thread; nothing here throws. Running out of memory is a returned `false`
// or null.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace blockstm {

struct HeapMemory {
    static void* resized(void* memory, uint64_t, uint64_t size) noexcept { return std::realloc(memory, size); }
    static void free(void* memory, uint64_t) noexcept { std::free(memory); }
};

// A growable array of plain elements. `reserve` and `push` say false where memory ran out and leave
// what was there untouched. Cleared, it keeps its memory: a buffer that is reused stops allocating.
template <class Element, class Memory = HeapMemory>
class Array {
public:
    Array() noexcept = default;
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    Array(Array&& other) noexcept { swap(other); }
    Array& operator=(Array&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Array() { Memory::free(elements_, capacity_ * sizeof(Element)); }

    uint64_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    Element* data() noexcept { return elements_; }
    const Element* data() const noexcept { return elements_; }
    Element* begin() noexcept { return elements_; }
    Element* end() noexcept { return elements_ + size_; }
    const Element* begin() const noexcept { return elements_; }
    const Element* end() const noexcept { return elements_ + size_; }
    Element& operator[](uint64_t place) noexcept { return elements_[place]; }
    const Element& operator[](uint64_t place) const noexcept { return elements_[place]; }
    Element& back() noexcept { return elements_[size_ - 1]; }
    const Element& back() const noexcept { return elements_[size_ - 1]; }

    void clear() noexcept { size_ = 0; }
    void truncate(uint64_t size) noexcept { size_ = size; }
    void pop() noexcept { --size_; }

    // Gives an empty array's memory back if it is more than that.
    void release_above(uint64_t bytes) noexcept {
        if (capacity_ * sizeof(Element) <= bytes) return;
        Array empty;
        swap(empty);
    }

    bool reserve(uint64_t capacity) noexcept {
        if (capacity <= capacity_) return true;
        uint64_t wanted = capacity_ + capacity_ / 2 + 16;
        if (wanted < capacity) wanted = capacity;
        if (wanted > UINT64_MAX / 2 / sizeof(Element)) return false;
        auto* grown = static_cast<Element*>(
            Memory::resized(static_cast<void*>(elements_), capacity_ * sizeof(Element), wanted * sizeof(Element)));
        if (grown == nullptr) return false;
        elements_ = grown;
        capacity_ = wanted;
        return true;
    }

    // What is added by growing is not initialised.
    bool resize(uint64_t size) noexcept {
        if (!reserve(size)) return false;
        size_ = size;
        return true;
    }

    // Room for `count` more, counted as there and not initialised; null where memory ran out.
    Element* extend(uint64_t count) noexcept {
        if (!reserve(size_ + count)) return nullptr;
        size_ += count;
        return elements_ + size_ - count;
    }

    bool push(const Element& element) noexcept {
        if (size_ == capacity_) {
            const Element copy = element;  // it may lie in this array, which moves
            if (!reserve(size_ + 1)) return false;
            elements_[size_++] = copy;
            return true;
        }
        elements_[size_++] = element;
        return true;
    }

    bool append(const Element* elements, uint64_t count) noexcept {
        if (!reserve(size_ + count)) return false;
        if (count != 0) std::memcpy(static_cast<void*>(elements_ + size_), elements, count * sizeof(Element));
        size_ += count;
        return true;
    }

    void swap(Array& other) noexcept {
        std::swap(elements_, other.elements_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

private:
    Element* elements_ = nullptr;
    uint64_t size_ = 0;
    uint64_t capacity_ = 0;
};

}  // namespace blockstm
