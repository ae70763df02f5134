"""The outputs of a block's transactions, read all at once; their layout is in execute.hpp."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from blockstm.messages import brief

cdef enum:
    SUCCEEDED = 0
    GAS_USED = 2
    GAS_BEFORE_REFUND = 10
    STATE_GAS = 18
    OUTPUT_SIZE = 26
    ACCESSES_SIZE = 30
    HEADER = 34


cdef inline uint64_t word_at(const uint8_t* data, int place) noexcept:
    cdef uint64_t word
    memcpy(&word, data + place, 8)
    return word


def read_results(
    list outputs
) -> tuple[bytes, list[int], list[int], list[int], list[bytes], list[bytes]]:
    """What each transaction came to.

    For each: 1 or 0 for success, gas used, gas before refunds, state gas, accesses as flat bytes
    (accesses.hpp), logs as flat bytes.

    Raises:
        ValueError: an output is too short to be one of a transaction.
    """
    cdef bytes output
    cdef const uint8_t* data
    cdef uint64_t end
    cdef uint32_t size, accesses_size
    successes, used, before, state = bytearray(len(outputs)), [], [], []
    accesses, logs = [], []
    cdef Py_ssize_t place
    for place, output in enumerate(outputs):
        data = <const uint8_t*>PyBytes_AS_STRING(output)
        if PyBytes_GET_SIZE(output) < HEADER:
            raise ValueError(f"no output of a transaction: {brief(output)}")
        memcpy(&size, data + OUTPUT_SIZE, 4)
        memcpy(&accesses_size, data + ACCESSES_SIZE, 4)
        end = HEADER + <uint64_t>size + accesses_size
        successes[place] = 1 if data[SUCCEEDED] else 0
        used.append(word_at(data, GAS_USED))
        before.append(word_at(data, GAS_BEFORE_REFUND))
        state.append(word_at(data, STATE_GAS))
        accesses.append(output[HEADER + size : end] if accesses_size else b"")
        logs.append(output[end:])
    return bytes(successes), used, before, state, accesses, logs
