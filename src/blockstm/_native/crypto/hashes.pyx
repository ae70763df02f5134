# distutils: sources = src/blockstm/_native/crypto/keccak.cpp src/blockstm/_native/crypto/sha256.cpp src/blockstm/_native/crypto/ripemd160.cpp src/blockstm/_native/crypto/blake2f.cpp
"""The hashes that Ethereum uses, of any object with the buffer protocol. Safe from any thread; the GIL is
released for long inputs."""
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libcpp cimport bool as cbool


cdef extern from "crypto/keccak.hpp" namespace "blockstm" nogil:
    void c_keccak256 "blockstm::keccak256"(const uint8_t*, uint64_t, uint8_t*) noexcept

    cppclass KeccakTask:
        const uint8_t* data
        uint64_t size
        uint8_t* out

    void keccak256_many_within(uint64_t, const KeccakTask*, uint64_t) noexcept

    cppclass KeccakPermutation:
        const char* name
        uint64_t width
        uint64_t stride
        void (*permute)(uint64_t*) noexcept
        void (*finish)(const uint64_t*, const uint8_t*, uint64_t, uint8_t*) noexcept

    cppclass KeccakPermutations:
        KeccakPermutation entries[7]
        int count

    const KeccakPermutations& keccak_permutations() noexcept

    cppclass Keccak256:
        void update(const uint8_t*, uint64_t) noexcept
        void finish(uint8_t*) noexcept

cdef extern from "crypto/sha256.hpp" nogil:
    void c_sha256 "blockstm::sha256"(const uint8_t*, uint64_t, uint8_t*) noexcept

    void c_sha256_portable "blockstm::sha256_portable"(const uint8_t*, uint64_t, uint8_t*) noexcept

cdef extern from "crypto/ripemd160.hpp" nogil:
    void c_ripemd160 "blockstm::ripemd160"(const uint8_t*, uint64_t, uint8_t*) noexcept

cdef extern from "crypto/blake2f.hpp" nogil:
    void c_blake2f "blockstm::blake2f"(uint32_t, uint64_t*, const uint64_t*, const uint64_t*, cbool) noexcept


ctypedef void (*Hash)(const uint8_t*, uint64_t, uint8_t*) noexcept nogil

# Letting the GIL go and taking it again costs about as much as hashing a few blocks.
cdef Py_ssize_t MUCH = 4096


cdef bytes hashed(Hash hash_function, object data, Py_ssize_t digest_size):
    cdef bytes digest = PyBytes_FromStringAndSize(NULL, digest_size)
    cdef uint8_t* out = <uint8_t*>PyBytes_AS_STRING(digest)
    cdef Py_buffer view
    if type(data) is bytes and len(<bytes>data) < MUCH:
        hash_function(<const uint8_t*>PyBytes_AS_STRING(data), len(<bytes>data), out)
        return digest
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    if view.len < MUCH:
        hash_function(<const uint8_t*>view.buf, view.len, out)
    else:
        with nogil:
            hash_function(<const uint8_t*>view.buf, view.len, out)
    PyBuffer_Release(&view)
    return digest


def keccak256(data) -> bytes:
    return hashed(c_keccak256, data, 32)


def sha256(data) -> bytes:
    return hashed(c_sha256, data, 32)


def sha256_portable(data) -> bytes:
    return hashed(c_sha256_portable, data, 32)


def ripemd160(data) -> bytes:
    return hashed(c_ripemd160, data, 20)


def keccak256_pieces(pieces) -> bytes:
    cdef Keccak256 sponge
    cdef const uint8_t[::1] view
    for piece in pieces:
        view = piece
        if view.shape[0]:
            sponge.update(&view[0], view.shape[0])
    cdef bytes digest = PyBytes_FromStringAndSize(NULL, 32)
    sponge.finish(<uint8_t*>PyBytes_AS_STRING(digest))
    return digest


def keccak256_many(list messages, uint64_t width_max=8) -> list:
    cdef Py_ssize_t count = len(messages)
    cdef list digests = []
    cdef KeccakTask* tasks = <KeccakTask*>PyMem_Malloc(count * sizeof(KeccakTask) + 1)
    if tasks == NULL:
        raise MemoryError
    cdef bytes digest, message
    cdef Py_ssize_t place
    try:
        for place in range(count):
            message = messages[place]
            digest = PyBytes_FromStringAndSize(NULL, 32)
            digests.append(digest)
            tasks[place].data = <const uint8_t*>PyBytes_AS_STRING(message)
            tasks[place].size = len(message)
            tasks[place].out = <uint8_t*>PyBytes_AS_STRING(digest)
        with nogil:
            keccak256_many_within(width_max, tasks, count)
    finally:
        PyMem_Free(tasks)
    return digests


def permutations() -> list:
    cdef int place
    return [
        (keccak_permutations().entries[place].name.decode(), keccak_permutations().entries[place].width)
        for place in range(keccak_permutations().count)
    ]


def permute(int place, list states) -> list:
    cdef const KeccakPermutation* permutation = &keccak_permutations().entries[place]
    cdef uint64_t room[25 * 8 + 8]
    cdef uint64_t* lanes = <uint64_t*>((<uintptr_t>room + 63) & ~<uintptr_t>63)
    cdef uint64_t state, lane
    if len(states) != <Py_ssize_t>permutation.width or any(len(each) != 25 for each in states):
        raise ValueError(f"this takes {permutation.width} states of 25 lanes")
    for state in range(permutation.width):
        for lane in range(25):
            lanes[lane * permutation.stride + state] = states[state][lane]
    permutation.permute(lanes)
    return [[lanes[lane * permutation.stride + state] for lane in range(25)] for state in range(permutation.width)]


def finish(int place, state, const uint8_t[::1] data) -> bytes:
    cdef const KeccakPermutation* permutation = &keccak_permutations().entries[place]
    cdef uint64_t lanes[25]
    cdef const uint64_t* before = NULL
    cdef const uint8_t* begin = NULL
    cdef bytes digest = PyBytes_FromStringAndSize(NULL, 32)
    if permutation.width != 1:
        raise ValueError("this one is of several states")
    if state is not None:
        for lane in range(25):
            lanes[lane] = state[lane]
        before = lanes
    if len(data) != 0:
        begin = &data[0]
    permutation.finish(before, begin, len(data), <uint8_t*>PyBytes_AS_STRING(digest))
    return digest


def blake2f(uint32_t rounds, state, message, offset, cbool final_block) -> tuple:
    cdef uint64_t h[8]
    cdef uint64_t m[16]
    cdef uint64_t t[2]
    for place in range(8):
        h[place] = state[place]
    for place in range(16):
        m[place] = message[place]
    t[0], t[1] = offset
    with nogil:
        c_blake2f(rounds, h, m, t, final_block)
    return tuple(h[place] for place in range(8))
