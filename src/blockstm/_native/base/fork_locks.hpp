// Locks of things that outlive a block, and so are used in forked children as well: a fork waits until no thread
// has any of them, so what they guard is whole in the child, and they are free there.
//
// The calling thread of a fork has the GIL: no thread may wait for the GIL while it holds such a lock.
//
// A child gets them new, as a lock remembers by which thread, and for which one, it is held. Each extension
// module has a list of its own.
#pragma once

#include <pthread.h>
#include <time.h>

#include <mutex>
#include <new>
#include <shared_mutex>

namespace blockstm {

class ForkLock {
public:
    ForkLock(const ForkLock&) = delete;
    ForkLock& operator=(const ForkLock&) = delete;

protected:
    ForkLock() noexcept {
        static const int once = pthread_atfork(hold_all, free_all, renew_all);
        (void)once;
        const std::lock_guard guard(LIST);
        next_ = first_;
        if (next_ != nullptr) next_->before_ = this;
        first_ = this;
    }
    ~ForkLock() {
        const std::lock_guard guard(LIST);
        (before_ != nullptr ? before_->next_ : first_) = next_;
        if (next_ != nullptr) next_->before_ = before_;
    }

private:
    virtual bool try_hold() noexcept = 0;
    virtual void free() noexcept = 0;
    virtual void renew() noexcept = 0;

    // All or none are taken: a thread that has one may wait for another.
    static bool try_hold_all() noexcept {
        for (ForkLock* each = first_; each != nullptr; each = each->next_) {
            if (each->try_hold()) continue;
            for (ForkLock* held = first_; held != each; held = held->next_) held->free();
            return false;
        }
        return true;
    }
    static void hold_all() noexcept {
        constexpr timespec PAUSE{0, 20'000};
        LIST.lock();
        while (!try_hold_all()) {
            LIST.unlock();
            nanosleep(&PAUSE, nullptr);
            LIST.lock();
        }
    }
    static void free_all() noexcept {
        for (ForkLock* each = first_; each != nullptr; each = each->next_) each->free();
        LIST.unlock();
    }
    static void renew_all() noexcept {
        for (ForkLock* each = first_; each != nullptr; each = each->next_) each->renew();
        new (&LIST) std::mutex;
    }

    static inline std::mutex LIST;
    static inline ForkLock* first_ = nullptr;
    ForkLock* before_ = nullptr;
    ForkLock* next_ = nullptr;
};

class ForkMutex final : public ForkLock {
public:
    void lock() noexcept { mutex_.lock(); }
    bool try_lock() noexcept { return mutex_.try_lock(); }
    void unlock() noexcept { mutex_.unlock(); }

private:
    bool try_hold() noexcept override { return mutex_.try_lock(); }
    void free() noexcept override { mutex_.unlock(); }
    void renew() noexcept override { new (&mutex_) std::mutex; }

    std::mutex mutex_;
};

class ForkSharedMutex final : public ForkLock {
public:
    void lock() noexcept { mutex_.lock(); }
    void unlock() noexcept { mutex_.unlock(); }
    void lock_shared() noexcept { mutex_.lock_shared(); }
    void unlock_shared() noexcept { mutex_.unlock_shared(); }

private:
    bool try_hold() noexcept override { return mutex_.try_lock(); }
    void free() noexcept override { mutex_.unlock(); }
    void renew() noexcept override { new (&mutex_) std::shared_mutex; }

    std::shared_mutex mutex_;
};

}  // namespace blockstm
