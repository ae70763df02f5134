// Memory of codes; see the header.
#include "evm/compile/code_memory.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <new>

#include <sys/mman.h>

namespace blockstm::evm {
namespace {

// A sanitizer sees only what malloc hands out.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool HAS_REGIONS = false;
#else
constexpr bool HAS_REGIONS = true;
#endif

// Aligned to its size; null where there is no memory.
void* map_region(uint64_t size) noexcept {
    void* mapped = mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    auto* begin = static_cast<uint8_t*>(mapped);
    auto* aligned = reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(begin) + size - 1) & ~(size - 1));
    if (aligned != begin) munmap(begin, static_cast<uint64_t>(aligned - begin));
    munmap(aligned + size, size - static_cast<uint64_t>(aligned - begin));
    return aligned;
}

}  // namespace

CodeMemory& code_memory() noexcept {
    // Never destroyed: codes may be in use when the process ends.
    alignas(CodeMemory) static unsigned char memory[sizeof(CodeMemory)];
    static CodeMemory* of_process = new (memory) CodeMemory();
    return *of_process;
}

// Classes are the numbers of four bits, the first of them set, times a power of two.
int CodeMemory::class_of(uint64_t size) noexcept {
    if (size < SMALLEST) size = SMALLEST;
    const int shift = std::bit_width(size - 1) - 1 - STEP_BITS;
    const uint64_t steps = ((size - 1) >> shift) + 1;  // 9 to 16
    return (shift << STEP_BITS) + static_cast<int>(steps - (1 << STEP_BITS)) - 1;
}

uint64_t CodeMemory::size_of_class(int number) noexcept {
    const int shift = number >> STEP_BITS;
    const auto steps = static_cast<uint64_t>((number & ((1 << STEP_BITS) - 1)) + 1 + (1 << STEP_BITS));
    return steps << shift;
}

uint64_t CodeMemory::size_of_block(uint64_t size) noexcept {
    return size + HEAD > LARGE || !HAS_REGIONS ? size : size_of_class(class_of(size + HEAD));
}

uint64_t CodeMemory::room_of_block(uint64_t size) noexcept {
    return size + HEAD > LARGE || !HAS_REGIONS ? size : size_of_class(class_of(size + HEAD)) - HEAD;
}

CodeMemory::Region* CodeMemory::region_of(Block* block) noexcept {
    return reinterpret_cast<Region*>(reinterpret_cast<uintptr_t>(block) & ~(REGION - 1));
}

void* CodeMemory::take(uint64_t size) noexcept {
    if (size + HEAD > LARGE || !HAS_REGIONS) return std::malloc(size);
    const int number = class_of(size + HEAD);
    const std::lock_guard<ForkMutex> guard(lock_);
    Block* block = free_[number];
    if (block != nullptr) {
        unlist(block);
    } else {
        block = cut(number);
        if (block == nullptr) return nullptr;
    }
    ++region_of(block)->alive;
    return reinterpret_cast<uint8_t*>(block) + HEAD;
}

void CodeMemory::give_back(void* given, uint64_t size) noexcept {
    if (given == nullptr) return;
    if (size + HEAD > LARGE || !HAS_REGIONS) return std::free(given);
    auto* block = reinterpret_cast<Block*>(static_cast<uint8_t*>(given) - HEAD);
    const std::lock_guard<ForkMutex> guard(lock_);
    list(block);
    Region* region = region_of(block);
    if (--region->alive == 0) close(region);
}

// From the newest region. What is left of the one before, less than the block, is lost until that is closed.
CodeMemory::Block* CodeMemory::cut(int number) noexcept {
    const uint64_t size = size_of_class(number);
    if (newest_ == nullptr || REGION - newest_->used < size) {
        void* mapped = map_region(REGION);
        if (mapped == nullptr) return nullptr;
        newest_ = new (mapped) Region{FIRST, 0, 0};
    }
    auto* block = reinterpret_cast<Block*>(reinterpret_cast<uint8_t*>(newest_) + newest_->used);
    newest_->used += size;
    if (newest_->used > newest_->ready) make_ready(newest_, newest_->used);
    block->class_number = static_cast<uint64_t>(number);
    return block;
}

// A wish: where the system does not know it, pages come one by one.
void CodeMemory::make_ready(Region* region, uint64_t size) noexcept {
    const uint64_t wanted = std::min((size + READY_STEP - 1) & ~(READY_STEP - 1), REGION);
#ifdef MADV_POPULATE_WRITE
    madvise(reinterpret_cast<uint8_t*>(region) + region->ready, wanted - region->ready, MADV_POPULATE_WRITE);
#endif
    region->ready = wanted;
}

void CodeMemory::list(Block* block) noexcept {
    Block*& first = free_[block->class_number];
    block->next = first;
    block->previous = nullptr;
    if (first != nullptr) first->previous = block;
    first = block;
}

void CodeMemory::unlist(Block* block) noexcept {
    if (block->next != nullptr) block->next->previous = block->previous;
    (block->previous != nullptr ? block->previous->next : free_[block->class_number]) = block->next;
}

// Nothing in it is in use. The newest is kept, and begins anew.
void CodeMemory::close(Region* region) noexcept {
    auto* begin = reinterpret_cast<uint8_t*>(region);
    for (uint64_t at = FIRST; at < region->used;) {
        auto* block = reinterpret_cast<Block*>(begin + at);
        at += size_of_class(static_cast<int>(block->class_number));
        unlist(block);
    }
    region->used = FIRST;
    if (region != newest_) munmap(region, REGION);
}

}  // namespace blockstm::evm
