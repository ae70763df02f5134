# distutils: sources = src/blockstm/_native/wire/receipt_list.cpp src/blockstm/_native/trie/builder.cpp src/blockstm/_native/crypto/keccak.cpp
"""The receipts of a block from flat logs, whose layout stands in ``logs.hpp``; see ``receipt_list.hpp``.

Every function works without the GIL once its arguments are at hand, and is safe from any thread.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from blockstm._native.trie.core cimport HASH_SIZE, Array, Bytes, Status
from blockstm._native.wire cimport receipt_list
from blockstm._native.wire.receipt_list cimport BLOOM_SIZE, ReceiptInput

from blockstm.errors import InputError
from blockstm.messages import brief

cdef enum:
    TYPE_MAX = 0x7f
    STATUS_MAX = 1


def receipts(types, outcomes, cumulative_gas_used, logs, uint32_t workers=1):
    """The receipts of a block: the encoding of each, their root, and the block's Bloom filter.

    Args:
        types: of the transactions, one byte each.
        outcomes: one byte each, 1 where the transaction succeeded, else 0; before Byzantium a list
            of the state roots, 32 bytes each.
        cumulative_gas_used: by the block up to and with each transaction, in gas.
        logs: of each transaction, flat.
        workers: threads that share what is much.

    Raises:
        InputError: the four are not of equally many transactions, one is of the wrong kind, or
            logs do not follow their layout.
    """
    cdef bytes kinds = bytes_of(types, "type")
    cdef Py_ssize_t count = len(kinds), index
    cdef list held = [bytes_of(each, "log") for each in logs]
    cdef list results = outcomes_of(outcomes)
    cdef list gas = list(cumulative_gas_used)
    cdef Array[ReceiptInput] inputs
    cdef ReceiptInput* input
    cdef receipt_list.BlockReceipts done
    cdef Status status
    if not len(results) == len(gas) == len(held) == count:
        raise InputError(
            f"{count} types, {len(results)} outcomes, {len(gas)} amounts of gas, {len(held)} logs"
        )
    if count != 0 and inputs.extend(count) == NULL:
        raise MemoryError
    for index in range(count):
        input = inputs.data() + index
        input.type = kinds[index]
        if input.type > TYPE_MAX:
            raise InputError(f"a transaction's type is up to {TYPE_MAX}, not {kinds[index]}")
        input.outcome = view_of(results[index])
        input.cumulative_gas_used = gas_of(gas[index])
        input.logs = view_of(held[index])
    with nogil:
        status = receipt_list.encode_receipts(inputs.data(), count, workers, done)
    if status == Status.BadInput:
        raise InputError(f"the logs of transaction {done.bad_index} do not follow their layout")
    if status != Status.Ok:
        raise MemoryError
    return encodings_of(done), bytes_at(done.root, HASH_SIZE), bytes_at(done.bloom, BLOOM_SIZE)


def logs_bloom(logs):
    """The Bloom filter over flat logs, 256 bytes.

    Raises:
        InputError: they do not follow their layout.
    """
    cdef Bytes view = view_of(bytes_of(logs, "log"))
    cdef uint8_t bloom[BLOOM_SIZE]
    cdef Status status
    with nogil:
        status = receipt_list.logs_bloom(view, bloom)
    if status != Status.Ok:
        raise InputError("the logs do not follow their layout")
    return bytes_at(bloom, BLOOM_SIZE)


def flat_logs(logs):
    """Logs, each (address, topics, data), as flat bytes.

    Raises:
        InputError: an address has not 20 bytes, or there are more than 4 topics or one has not 32
            bytes, or the data is 4 GiB long or more.
    """
    cdef list parts = []
    cdef Py_ssize_t count = 0
    for address, topics, data in logs:
        if len(bytes_of(address, "log's address")) != 20 or len(topics) > 4 or len(data) >> 32:
            raise InputError(f"not a log: {brief(address)}, {len(topics)} topics, {len(data)} bytes")
        for topic in topics:
            if len(bytes_of(topic, "topic")) != 32:
                raise InputError(f"a topic has 32 bytes, not {len(topic)}")
        parts += [address, bytes((len(topics),)), *topics, len(data).to_bytes(4, "little"), data]
        count += 1
    return count.to_bytes(4, "little") + b"".join(parts)


cdef list outcomes_of(object outcomes):
    """A status as the bytes of a number, of which zero has none; a state root as itself."""
    cdef list found = []
    for outcome in outcomes:
        if isinstance(outcome, bytes) and len(outcome) == HASH_SIZE:
            found.append(outcome)
        elif isinstance(outcome, int) and 0 <= outcome <= STATUS_MAX:
            found.append(b"\x01" if outcome else b"")
        else:
            raise InputError(f"an outcome is 0, 1 or a state root of {HASH_SIZE} bytes, not {brief(outcome)}")
    return found


cdef list encodings_of(receipt_list.BlockReceipts& done):
    cdef list found = []
    cdef uint64_t index, start = 0
    for index in range(done.sizes.size()):
        found.append(bytes_at(done.encodings.data() + start, done.sizes[index]))
        start += done.sizes[index]
    return found


cdef uint64_t gas_of(object gas) except? 0:
    try:
        if isinstance(gas, int):  # of itself, the conversion would cut a float short
            return gas
    except OverflowError:
        pass
    raise InputError(f"an amount of gas is an int from 0 to 2**64-1, not {brief(gas)}")


cdef bytes bytes_of(object value, str what):
    if not isinstance(value, bytes):
        raise InputError(f"a {what} is bytes, not {type(value).__name__}")
    return value


cdef Bytes view_of(bytes data) noexcept:
    return Bytes(<const uint8_t*>PyBytes_AS_STRING(data), <uint64_t>PyBytes_GET_SIZE(data))


cdef bytes bytes_at(const uint8_t* data, uint64_t size):
    return PyBytes_FromStringAndSize(<const char*>data, size)
