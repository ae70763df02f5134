// The instructions of a chunk while it is being translated: a growable array whose room is made ahead, so
// that adding one is a store. One thread.
#pragma once

#include "base/bytes.hpp"
#include "evm/compile/program.hpp"

namespace blockstm::evm {

class IrBuffer {
public:
    // Room for so many more; false where memory runs out. Only then may they be added.
    bool make_room(uint64_t count) noexcept {
        if (size_ + count <= instructions_.size()) [[likely]] return true;
        return instructions_.resize(2 * (size_ + count));
    }
    void clear() noexcept { size_ = 0; }
    uint32_t size() const noexcept { return size_; }
    Instruction& operator[](uint32_t place) noexcept { return instructions_[place]; }
    const Instruction* data() const noexcept { return instructions_.data(); }

    uint32_t add(Operation operation, int x = 0, int y = 0, int z = 0) noexcept {
        instructions_[size_] = {static_cast<uint16_t>(operation), static_cast<int16_t>(x), static_cast<int16_t>(y),
                                static_cast<int16_t>(z)};
        return size_++;
    }
    void add_data(uint64_t data) noexcept { std::memcpy(&instructions_[size_++], &data, sizeof data); }
    void truncate(uint32_t size) noexcept { size_ = size; }

    // Gives back what an unusual chunk took.
    void trim() noexcept {
        if (instructions_.size() > KEPT) instructions_ = Array<Instruction>();
    }

private:
    static constexpr uint64_t KEPT = 1 << 14;

    Array<Instruction> instructions_;
    uint32_t size_ = 0;
};

}  // namespace blockstm::evm
