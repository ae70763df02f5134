// Work in parts that know nothing of each other, done by several threads: they are started for it and have
// ended when it is done, so nothing is left behind for a fork, or for the end of the process.
#pragma once

#include <cstdint>
#include <exception>
#include <thread>

#include "base/atomics.hpp"

namespace blockstm {

inline constexpr uint32_t THREADS_MAX = 16;

// To start and to join a thread costs up to a tenth of a millisecond: less work than this many nodes or
// hashes is not worth it.
inline constexpr uint64_t SHARED_MIN = 1024;

// Calls `act(part, thread)` once for each part below `parts`; `thread` tells those apart that run at once, is
// below `threads`, and 0 for the caller's. What no thread can be started for is left to the others.
template <uint32_t threads_max = THREADS_MAX, class Act>
void run_parts(uint32_t threads, uint64_t parts, Act act) noexcept {
    Atomic<uint64_t> next{0};
    const auto work = [&](uint32_t thread) noexcept {
        // What the parts give is there when the threads are joined.
        for (uint64_t part; (part = next.count_up(1)) < parts;) act(part, thread);
    };
    std::thread started[threads_max];
    if (threads > threads_max) threads = threads_max;
    if (threads > parts) threads = static_cast<uint32_t>(parts);
    for (uint32_t thread = 1; thread < threads; ++thread) {
        try {
            started[thread] = std::thread(work, thread);
        } catch (const std::exception&) {  // no thread, or no memory for one
            break;
        }
    }
    work(0);
    for (std::thread& each : started) {
        if (each.joinable()) each.join();
    }
}

// The same for work on `count` like things: `act(first, size)` for parts of as many each, of `part_min` at least
// and a multiple of eight, which vectors take at once; several to a thread, so that none waits long for the last.
template <uint32_t threads_max = THREADS_MAX, class Act>
void run_even_parts(uint32_t threads, uint64_t count, uint64_t part_min, Act act) noexcept {
    constexpr uint64_t PARTS_PER_THREAD = 8, SIDE_BY_SIDE = 8;
    uint64_t parts = threads <= 1 ? 1 : threads * PARTS_PER_THREAD;
    if (parts > count / part_min) parts = count / part_min;
    if (parts <= 1) {
        if (count != 0) act(uint64_t{0}, count);
        return;
    }
    const uint64_t size = (count + parts * SIDE_BY_SIDE - 1) / (parts * SIDE_BY_SIDE) * SIDE_BY_SIDE;
    run_parts<threads_max>(threads, (count + size - 1) / size, [&](uint64_t part, uint32_t) noexcept {
        const uint64_t first = part * size;
        act(first, count - first < size ? count - first : size);
    });
}

}  // namespace blockstm
