// Memory of codes and their programs: some hundred bytes to some ten thousand each, many at once when a block
// brings new codes. Regions of 2 MiB, whose pages are asked of the system by the dozen: a page fault for each
// takes half as long again. (Large pages were faster where the system had some ready, and several times as slow
// where it had to make them.)
//
// A block comes from the list of blocks given back that are of its size class, or from the end of the newest
// region. A region without any block in use goes back to the system. Any thread; all under one lock, which is
// taken a few times for each code that is new.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/fork_locks.hpp"

namespace blockstm::evm {

class CodeMemory {
public:
    // At least so many bytes, aligned to 16; null where memory ran out.
    void* take(uint64_t size) noexcept;
    void give_back(void* block, uint64_t size) noexcept;  // the size that was asked for; null is fine

    // What a block of that size takes.
    static uint64_t size_of_block(uint64_t size) noexcept;
    // What of it may be used, and given back as asked for.
    static uint64_t room_of_block(uint64_t size) noexcept;

private:
    static constexpr uint64_t REGION = uint64_t{1} << 21;
    static constexpr uint64_t READY_STEP = uint64_t{1} << 17;
    static constexpr uint64_t LARGE = uint64_t{1} << 17;  // blocks above have memory of their own
    static constexpr uint64_t SMALLEST = 128;             // from there on, classes are multiples of 16
    static constexpr int STEP_BITS = 3;                   // size classes for each doubling: eight
    static constexpr int CLASSES = 17 << STEP_BITS;

    struct Region {
        uint64_t used;   // bytes from the start that blocks were cut from
        uint64_t alive;  // blocks that are in use
        uint64_t ready;  // bytes from the start that have pages already
    };
    struct Block {
        uint64_t class_number;
        uint64_t unused;  // keeps what follows aligned
        // In a block that is not in use, over its first bytes:
        Block* next;
        Block* previous;
    };
    static constexpr uint64_t HEAD = offsetof(Block, next);
    static constexpr uint64_t FIRST = 64;  // of a region, behind its own head

    static int class_of(uint64_t size) noexcept;
    static uint64_t size_of_class(int number) noexcept;
    static Region* region_of(Block* block) noexcept;
    Block* cut(int number) noexcept;
    static void make_ready(Region* region, uint64_t size) noexcept;
    void list(Block* block) noexcept;
    void unlist(Block* block) noexcept;
    void close(Region* region) noexcept;

    ForkMutex lock_;
    Block* free_[CLASSES] = {};
    Region* newest_ = nullptr;
};

// That of this process.
CodeMemory& code_memory() noexcept;

}  // namespace blockstm::evm
