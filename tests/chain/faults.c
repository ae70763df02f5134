/* Stands between libmdbx and the system (LD_PRELOAD): the n-th write to disk goes wrong.
 *
 * FAULT_KIND  enospc, eio: the call fails · short: half of it is written · kill: the process ends in the middle
 * FAULT_AT    which call, counted from 1; those behind it go wrong, too, unless they are killed
 *
 * A process may say both by `set_fault` instead, as often as it likes: then calls are counted from there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static long calls, set_at;
static const char *set_kind;

/* `kind` has to stay; null: nothing goes wrong any more. How many calls there were since the last time. */
long set_fault(const char *kind, long at) {
    set_kind = kind;
    set_at = at;
    return __atomic_exchange_n(&calls, 0, __ATOMIC_SEQ_CST);
}

static const char *fault(void) {
    const char *kind = getenv("FAULT_KIND"), *at = getenv("FAULT_AT");
    const long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (set_kind != NULL) return call >= set_at ? set_kind : NULL;
    return kind != NULL && at != NULL && call >= atol(at) ? kind : NULL;
}

static int fails(const char *kind) {
    if (kind == NULL || strcmp(kind, "short") == 0) return 0;
    if (strcmp(kind, "kill") == 0) raise(SIGKILL);
    errno = strcmp(kind, "eio") == 0 ? EIO : ENOSPC;
    return 1;
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
    ssize_t (*next)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    const char *kind = fault();
    if (kind != NULL && strcmp(kind, "kill") == 0) next(file, data, size / 2, offset);
    if (fails(kind)) return -1;
    return next(file, data, kind != NULL && size > 1 ? size / 2 : size, offset);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
    ssize_t (*next)(int, const struct iovec *, int, off64_t) = dlsym(RTLD_NEXT, "pwritev64");
    const char *kind = fault();
    if (kind != NULL && strcmp(kind, "kill") == 0) next(file, parts, count / 2, offset);
    if (fails(kind)) return -1;
    return next(file, parts, kind != NULL && count > 1 ? count / 2 : count, offset);
}

int fdatasync(int file) {
    int (*next)(int) = dlsym(RTLD_NEXT, "fdatasync");
    return fails(fault()) ? -1 : next(file);
}

int ftruncate64(int file, off64_t size) {
    int (*next)(int, off64_t) = dlsym(RTLD_NEXT, "ftruncate64");
    return fails(fault()) ? -1 : next(file, size);
}
