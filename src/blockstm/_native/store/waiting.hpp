// Work that waits for the disk, done by as many threads as keep it busy: they are started while the caller finds that
// it waits, and have ended when all is done. Where nothing is waited for no thread is started.
#pragma once

#include <sys/resource.h>

#include "base/threads.hpp"

namespace blockstm::store {

// How often the calling thread has waited for a page of a file to be read; 0 where the system does not tell.
inline uint64_t pages_waited_for() noexcept {
#ifdef RUSAGE_THREAD
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) == 0) return static_cast<uint64_t>(usage.ru_majflt);
#endif
    return 0;
}

// Calls `act(part)` once for each part below `parts`, and says for how many pages all threads waited. After a part that
// waited the caller has twice as many beside it.
template <class Act>
uint64_t run_while_waiting(uint64_t parts, Act act) noexcept {
    Atomic<uint64_t> next{0}, waited{0};
    std::thread started[THREADS_MAX - 1];
    uint32_t count = 0;
    const auto work = [&]() noexcept {
        for (uint64_t part; (part = next.count_up(1)) < parts;) act(part);
        waited.count_up(pages_waited_for());  // a new thread has waited for nothing before
    };
    uint64_t before = pages_waited_for();
    for (uint64_t part; (part = next.count_up(1)) < parts;) {
        act(part);
        const uint64_t now = pages_waited_for();
        if (now == before) continue;
        waited.count_up(now - before);
        before = now;
        try {
            for (uint32_t wanted = count + 1; wanted != 0 && count != THREADS_MAX - 1; --wanted) {
                started[count] = std::thread(work);
                ++count;
            }
        } catch (const std::exception&) {  // no thread, or no memory for one: the others do it
        }
    }
    for (uint32_t place = 0; place < count; ++place) started[place].join();
    return waited.read_plain();
}

}  // namespace blockstm::store
