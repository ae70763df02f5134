// Words that threads share, and the only place where a memory order is written. What an operation is for is its
// name; each has the weakest order that this needs, and says here why that is enough.
#pragma once

#include <atomic>
#include <cstdint>

namespace blockstm {

template <class T>
class Atomic {
public:
    Atomic() noexcept = default;
    constexpr Atomic(T value) noexcept : word_(value) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    // ---- One thread writes something and publishes it by this word; others find it through the word.

    // What was published last. Acquire: a reader of it sees all that its publisher wrote before.
    T observe() const noexcept { return word_.load(std::memory_order_acquire); }

    // Release: pairs with `observe`.
    void publish(T value) noexcept { word_.store(value, std::memory_order_release); }

    // Publishes `value` if the word is still `seen`; false: another thread was first, and `seen` is what it
    // published, observed. Release for the first case, acquire for the second.
    bool replace(T& seen, T value) noexcept {
        return word_.compare_exchange_strong(seen, value, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    // The same for loops: it may fail without a reason, which some processors do faster.
    bool try_replace(T& seen, T value) noexcept {
        return word_.compare_exchange_weak(seen, value, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    // Sets or clears bits beside those of others; publishes like `replace`, and returns what was there, observed.
    T add_flags(T bits) noexcept { return word_.fetch_or(bits, std::memory_order_acq_rel); }
    T remove_flags(T bits) noexcept { return word_.fetch_and(~bits, std::memory_order_acq_rel); }

    // One more of several threads is through. Release: a thread that observes the count sees what they wrote.
    void arrive() noexcept { word_.fetch_add(1, std::memory_order_release); }

    // One fewer; how many there were before. The last one sees what all others wrote (acquire), and each shows
    // the last one what it wrote (release).
    T leave() noexcept { return word_.fetch_sub(1, std::memory_order_acq_rel); }

    // ---- Two threads write one word each and then read the other's; at least one must see what the other wrote.
    // Only sequential consistency gives that: all of these have one order, in which one of the writes comes first.

    T read_in_order() const noexcept { return word_.load(std::memory_order_seq_cst); }
    void write_in_order(T value) noexcept { word_.store(value, std::memory_order_seq_cst); }
    T exchange_in_order(T value) noexcept { return word_.exchange(value, std::memory_order_seq_cst); }
    T add_in_order(T more) noexcept { return word_.fetch_add(more, std::memory_order_seq_cst); }
    T subtract_in_order(T less) noexcept { return word_.fetch_sub(less, std::memory_order_seq_cst); }
    bool replace_in_order(T& seen, T value) noexcept {
        return word_.compare_exchange_strong(seen, value, std::memory_order_seq_cst, std::memory_order_seq_cst);
    }
    // For loops. Relaxed where it fails: the loop tries again, and only success says anything.
    bool try_replace_in_order(T& seen, T value) noexcept {
        return word_.compare_exchange_weak(seen, value, std::memory_order_seq_cst, std::memory_order_relaxed);
    }

    // ---- Something else orders the word: relaxed.

    // No other thread writes it meanwhile: the caller is its only writer, has the writers' lock, is alone, or has
    // observed another word by which this one was published.
    T read_plain() const noexcept { return word_.load(std::memory_order_relaxed); }

    // A later publication (of a pointer, a table, a status) is what lets others find it.
    void prepare(T value) noexcept { word_.store(value, std::memory_order_relaxed); }

    // ---- The word decides when something is done and never what is right, or is checked again by what does: relaxed.

    T peek() const noexcept { return word_.load(std::memory_order_relaxed); }
    void suggest(T value) noexcept { word_.store(value, std::memory_order_relaxed); }
    bool adjust(T& seen, T value) noexcept {
        return word_.compare_exchange_strong(seen, value, std::memory_order_relaxed, std::memory_order_relaxed);
    }

    // ---- Numbers of which each is handed out once, and references taken through one that is held: relaxed, as no
    // thread learns by them what another wrote.

    T count_up(T more) noexcept { return word_.fetch_add(more, std::memory_order_relaxed); }
    T count_down(T less) noexcept { return word_.fetch_sub(less, std::memory_order_relaxed); }

private:
    std::atomic<T> word_;
};

// The same as `observe` and `publish`, of a number that lies among plain data.
inline uint32_t observe_number(const uint32_t* place) noexcept {
    return __atomic_load_n(place, __ATOMIC_ACQUIRE);
}
inline void publish_number(uint32_t* place, uint32_t value) noexcept {
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}

}  // namespace blockstm
