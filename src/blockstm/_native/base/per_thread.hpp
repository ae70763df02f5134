// One `Owned` for each thread, made at its first use and destroyed when the thread ends.
//
// It is kept under a key of the system's and not in a `thread_local`: the memory of those goes back to
// the system together with the thread's while their destructors may, as far as a race detector can
// tell, still be looking at it.
#pragma once

#include <pthread.h>

#include <new>

namespace blockstm {

template <class Owned>
class PerThread {
public:
    PerThread() noexcept { has_key_ = pthread_key_create(&key_, destroy) == 0; }
    PerThread(const PerThread&) = delete;
    PerThread& operator=(const PerThread&) = delete;

    // This thread's; null where memory, or the system's keys, ran out.
    Owned* get() noexcept {
        if (!has_key_) return nullptr;
        if (void* known = pthread_getspecific(key_)) return static_cast<Owned*>(known);
        auto* made = new (std::nothrow) Owned;
        if (made != nullptr && pthread_setspecific(key_, made) != 0) {
            delete made;
            return nullptr;
        }
        return made;
    }

private:
    static void destroy(void* owned) noexcept { delete static_cast<Owned*>(owned); }

    pthread_key_t key_{};
    bool has_key_ = false;
};

}  // namespace blockstm
