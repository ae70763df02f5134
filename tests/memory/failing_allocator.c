/* Preloaded into a test's process: the n-th allocation from `fail_at(n)` on fails, once. They are those of C
 * and C++ or, once `hook_python` was called, those of Python's objects. A second request for large memory at
 * once, behind which what was kept was given back, fails too. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_long left; /* allocations until the one that fails; 0: none is to */
static atomic_long seen;

void fail_at(long place) {
    atomic_store(&seen, 0);
    atomic_store(&left, place);
}

/* Ends it; how many allocations there were. */
long stop_failing(void) {
    atomic_store(&left, 0);
    return atomic_load(&seen);
}

static int fails(void) {
    if (atomic_load_explicit(&left, memory_order_relaxed) == 0) return 0;
    atomic_fetch_add(&seen, 1);
    long now = atomic_load(&left);
    while (now > 0 && !atomic_compare_exchange_weak(&left, &now, now > 1 ? now - 1 : -1)) {
    }
    return now == 1;
}

static atomic_int of_python;

static int native_fails(void) { return !atomic_load_explicit(&of_python, memory_order_relaxed) && fails(); }

static void *none(void) {
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size) { return native_fails() ? none() : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return native_fails() ? none() : __libc_calloc(count, size); }
void *realloc(void *place, size_t size) { return native_fails() ? none() : __libc_realloc(place, size); }
void *memalign(size_t alignment, size_t size) {
    static _Thread_local size_t refused; /* 0: the last was not */
    int is_again = size != 0 && size == refused && atomic_load(&left) < 0;
    refused = 0;
    if (is_again) return none();
    if (!native_fails()) return __libc_memalign(alignment, size);
    refused = size;
    return none();
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **place, size_t alignment, size_t size) {
    void *taken = memalign(alignment, size);
    if (taken == NULL) return ENOMEM;
    *place = taken;
    return 0;
}
void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    if ((flags & MAP_ANONYMOUS) && native_fails()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

/* ---- Python's own, as its C API lets them be replaced */

typedef struct {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
} python_allocator;

extern void PyMem_GetAllocator(int, python_allocator *) __attribute__((weak));
extern void PyMem_SetAllocator(int, python_allocator *) __attribute__((weak));

static python_allocator before[3];

static void *python_malloc(void *context, size_t size) {
    const python_allocator *own = context;
    return fails() ? NULL : own->malloc(own->context, size);
}
static void *python_calloc(void *context, size_t count, size_t size) {
    const python_allocator *own = context;
    return fails() ? NULL : own->calloc(own->context, count, size);
}
static void *python_realloc(void *context, void *place, size_t size) {
    const python_allocator *own = context;
    return fails() ? NULL : own->realloc(own->context, place, size);
}
static void python_free(void *context, void *place) {
    const python_allocator *own = context;
    own->free(own->context, place);
}

void hook_python(void) {
    for (int domain = 0; domain < 3; ++domain) { /* raw, memory, objects */
        python_allocator hooked = {&before[domain], python_malloc, python_calloc, python_realloc, python_free};
        PyMem_GetAllocator(domain, &before[domain]);
        PyMem_SetAllocator(domain, &hooked);
    }
    atomic_store(&of_python, 1);
}
