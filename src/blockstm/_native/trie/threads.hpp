// Work in parts that know nothing of each other, done by several threads: they are started for it and have
// ended when it is done, so nothing is left behind for a fork, or for the end of the process.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>

namespace blockstm::trie {

inline constexpr uint32_t THREADS_MAX = 16;

// To start and to join a thread costs up to a tenth of a millisecond: less work than this many nodes or
// hashes is not worth it.
inline constexpr uint64_t SHARED_MIN = 1024;

// Calls `act(part, thread)` once for each part below `parts`; `thread` tells those apart that run at once, is
// below `threads`, and 0 for the caller's. What no thread can be started for is left to the others.
template <class Act>
void run_parts(uint32_t threads, uint64_t parts, Act act) noexcept {
    std::atomic<uint64_t> next{0};
    const auto work = [&](uint32_t thread) noexcept {
        // Relaxed: it only counts; what the parts give is there when the threads are joined.
        for (uint64_t part; (part = next.fetch_add(1, std::memory_order_relaxed)) < parts;) act(part, thread);
    };
    std::thread started[THREADS_MAX];
    if (threads > THREADS_MAX) threads = THREADS_MAX;
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

}  // namespace blockstm::trie
