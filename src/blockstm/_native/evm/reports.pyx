"""The outputs of a block's transactions, read all at once; their layout is in execute.hpp."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    SUCCEEDED = 0
    GAS_USED = 2
    GAS_BEFORE_REFUND = 10
    OUTPUT_SIZE = 18
    HEADER = 22


cdef inline uint64_t word_at(const uint8_t* data, int place) noexcept:
    cdef uint64_t word
    memcpy(&word, data + place, 8)
    return word


def read_reports(list outputs) -> tuple[bytes, list[int], list[int], list[bytes]]:
    """(1 or 0 for success, gas used, gas before refunds, logs as flat bytes) of each transaction.

    Raises:
        ValueError: an output is too short to be one of a transaction.
    """
    cdef bytes output
    cdef const uint8_t* data
    cdef uint64_t end
    cdef uint32_t size
    successes, used, before, logs = bytearray(len(outputs)), [], [], []
    cdef Py_ssize_t place
    for place, output in enumerate(outputs):
        data = <const uint8_t*>PyBytes_AS_STRING(output)
        if PyBytes_GET_SIZE(output) < HEADER:
            raise ValueError(f"no output of a transaction: {output!r}")
        memcpy(&size, data + OUTPUT_SIZE, 4)
        end = HEADER + <uint64_t>size
        successes[place] = data[SUCCEEDED] != 0
        used.append(word_at(data, GAS_USED))
        before.append(word_at(data, GAS_BEFORE_REFUND))
        logs.append(output[end:])
    return bytes(successes), used, before, logs
