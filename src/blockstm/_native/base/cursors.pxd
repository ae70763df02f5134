"""Everything that threads agree on through one word or one lock, each with its reason.

`Cursor` hands out indices, lowest first, and can be taken back; `EventCount` lets a worker park
until there is work, without losing a wake-up.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from blockstm._native.base.atomics cimport Atomic

cdef extern from *:
    """
    #ifndef BLOCKSTM_MUTEX
    #define BLOCKSTM_MUTEX
    #include <pthread.h>
    #include <sched.h>
    #include <time.h>
    typedef struct { pthread_mutex_t mutex; } blockstm_mutex;
    typedef struct { pthread_mutex_t mutex; pthread_cond_t changed; } blockstm_monitor;
    static inline void blockstm_mutex_init(blockstm_mutex* m) { pthread_mutex_init(&m->mutex, NULL); }
    static inline void blockstm_mutex_destroy(blockstm_mutex* m) { pthread_mutex_destroy(&m->mutex); }
    static inline void blockstm_mutex_lock(blockstm_mutex* m) { pthread_mutex_lock(&m->mutex); }
    static inline void blockstm_mutex_unlock(blockstm_mutex* m) { pthread_mutex_unlock(&m->mutex); }
    static inline void blockstm_monitor_lock(blockstm_monitor* m) { pthread_mutex_lock(&m->mutex); }
    static inline void blockstm_monitor_unlock(blockstm_monitor* m) { pthread_mutex_unlock(&m->mutex); }
    static inline void blockstm_monitor_wake_all(blockstm_monitor* m) { pthread_cond_broadcast(&m->changed); }
    static inline void blockstm_monitor_init(blockstm_monitor* m) {
        pthread_condattr_t attributes;
        pthread_mutex_init(&m->mutex, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&m->changed, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    static inline void blockstm_monitor_destroy(blockstm_monitor* m) {
        pthread_cond_destroy(&m->changed);
        pthread_mutex_destroy(&m->mutex);
    }
    /* Waits, the mutex held, for a change or until so many ns have passed. */
    static inline void blockstm_monitor_wait(blockstm_monitor* m, int64_t ns_max) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ns_max / 1000000000;
        until.tv_nsec += ns_max % 1000000000;
        if (until.tv_nsec >= 1000000000) { until.tv_nsec -= 1000000000; until.tv_sec += 1; }
        pthread_cond_timedwait(&m->changed, &m->mutex, &until);
    }
    static inline void blockstm_cpu_relax(void) {
    #if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
    #elif defined(__aarch64__)
        __asm__ __volatile__("yield");
    #endif
    }
    static inline void blockstm_thread_yield(void) { sched_yield(); }
    static inline int64_t blockstm_now_ns(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    }
    #endif
    """
    ctypedef struct Mutex "blockstm_mutex":
        pass
    ctypedef struct Monitor "blockstm_monitor":
        pass
    void mutex_init "blockstm_mutex_init"(Mutex*) noexcept nogil
    void mutex_destroy "blockstm_mutex_destroy"(Mutex*) noexcept nogil
    void mutex_lock "blockstm_mutex_lock"(Mutex*) noexcept nogil
    void mutex_unlock "blockstm_mutex_unlock"(Mutex*) noexcept nogil
    void monitor_init "blockstm_monitor_init"(Monitor*) noexcept nogil
    void monitor_destroy "blockstm_monitor_destroy"(Monitor*) noexcept nogil
    void monitor_lock "blockstm_monitor_lock"(Monitor*) noexcept nogil
    void monitor_unlock "blockstm_monitor_unlock"(Monitor*) noexcept nogil
    void monitor_wait "blockstm_monitor_wait"(Monitor*, int64_t ns_max) noexcept nogil
    void monitor_wake_all "blockstm_monitor_wake_all"(Monitor*) noexcept nogil
    int64_t now_ns "blockstm_now_ns"() noexcept nogil
    # Leave the core to its other thread, or to nobody, for some tens of ns.
    void cpu_relax "blockstm_cpu_relax"() noexcept nogil
    # Let another thread have the core, if one is waiting for it.
    void thread_yield "blockstm_thread_yield"() noexcept nogil

cdef enum:
    NOTHING = -1      # what a claim gives when there is nothing to claim


# The next index to claim. Claims go up; `cursor_lower` takes the cursor back to an index that
# has work again, so that the lowest is always done first.
cdef struct Cursor:
    Atomic[int64_t] next
    uint32_t padding[14]


cdef inline int64_t cursor_claim_before(Cursor* cursor, int64_t limit) noexcept nogil:
    """The next index below ``limit``, for the caller alone; NOTHING where there is none.

    The index was made claimable before the cursor was lowered to it; the claimer must see that.
    A claim is only a proposal: what decides is the compare-exchange on the index's own status.
    """
    cdef int64_t index = cursor.next.observe()
    while index < limit:
        if cursor.next.try_replace(index, index + 1):
            return index
    return NOTHING


cdef inline int64_t cursor_claim_batch(Cursor* cursor, int64_t limit, int64_t length,
                                       int64_t* end) noexcept nogil:
    """Up to ``length`` indices below ``limit`` at once: the first, and where they ``end``.

    ``end`` is written only with a claim that succeeds.
    """
    cdef int64_t index = cursor.next.observe()
    cdef int64_t behind
    while index < limit:
        behind = index + length if index + length < limit else limit
        if cursor.next.try_replace(index, behind):
            end[0] = behind
            return index
    return NOTHING


cdef inline void cursor_lower(Cursor* cursor, int64_t index) noexcept nogil:
    """Have ``index`` claimed again."""
    cdef int64_t seen = cursor.next.observe()
    while index < seen:
        if cursor.next.try_replace(seen, index):
            return


cdef inline void cursor_raise(Cursor* cursor, int64_t index) noexcept nogil:
    """Move the cursor to ``index``, unless it stands above."""
    cdef int64_t seen = cursor.next.observe()
    while index > seen:
        if cursor.next.try_replace(seen, index):
            return


# Parking. A worker that found no work announces itself, looks for work once more, and waits until
# the epoch moves on. To announce oneself and to ask "is a worker waiting?" are read-modify-writes of one
# word, so one of them comes first: either the notifier sees the waiter and wakes it, or the
# waiter sees what the notifier did before it asked. No wake-up is lost, and no worker spins.
cdef struct EventCount:
    uint64_t padding_before[8]
    Atomic[uint32_t] waiters
    Atomic[uint32_t] epoch
    Monitor monitor
    uint64_t padding_after[8]


cdef inline uint32_t events_announce(EventCount* events) noexcept nogil:
    """Before work is looked for once more; returns the key to wait with. Always pair with `events_leave`."""
    events.waiters.add_in_order(1)
    return events.epoch.observe()


cdef inline void events_leave(EventCount* events) noexcept nogil:
    events.waiters.subtract_in_order(1)


cdef inline void events_wait(EventCount* events, uint32_t key, int64_t ns_max) noexcept nogil:
    """Park until an event after ``key`` was taken, or for about ``ns_max`` ns."""
    monitor_lock(&events.monitor)
    if events.epoch.read_plain() == key:  # changes only under the monitor
        monitor_wait(&events.monitor, ns_max)
    monitor_unlock(&events.monitor)


cdef inline bint events_notify(EventCount* events) noexcept nogil:
    """Wake all that are parked; call after making the work visible. Cheap where none is."""
    if events.waiters.add_in_order(0) == 0:
        return False
    monitor_lock(&events.monitor)
    events.epoch.add_in_order(1)
    monitor_wake_all(&events.monitor)
    monitor_unlock(&events.monitor)
    return True
