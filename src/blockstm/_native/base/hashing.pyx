"""The seed of this process; see the ``.pxd``."""
import os

cdef uint64_t SEED[4]


cdef const uint64_t* process_seed() noexcept nogil:
    return SEED


cdef void draw_seed():
    cdef bytes drawn = os.urandom(sizeof(SEED))
    memcpy(SEED, <const char*>drawn, sizeof(SEED))


draw_seed()


def hash_of(data: bytes, seed: tuple[int, int, int, int] | None = None) -> int:
    """The hash of ``data`` under this process's seed, or under the four words given; for tests."""
    cdef uint64_t words[4]
    cdef const uint8_t[::1] view = data
    cdef const uint64_t* used = SEED
    if seed is not None:
        words[0], words[1], words[2], words[3] = seed
        used = words
    return hash_bytes(&view[0] if view.shape[0] else NULL, view.shape[0], used)
