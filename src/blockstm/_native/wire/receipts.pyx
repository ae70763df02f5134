# distutils: sources = src/blockstm/_native/wire/receipt_list.cpp src/blockstm/_native/trie/builder.cpp src/blockstm/_native/crypto/keccak.cpp
"""The receipts of a block from flat logs, whose layout stands in ``logs.hpp``; see ``receipt_list.hpp``.

Every function works without the GIL once its arguments are at hand, and is safe from any thread.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport UINT64_MAX, uint8_t, uint32_t, uint64_t

from blockstm._native.base.bytes cimport Span
from blockstm._native.base.chunks cimport LargeArray, chunk_store, use_chunks
from blockstm._native.base.byte_view cimport ByteView as Bytes
from blockstm._native.trie.core cimport HASH_SIZE, Status
from blockstm._native.wire cimport receipt_list
from blockstm._native.wire.receipt_list cimport BLOOM_SIZE, ReceiptInput

from blockstm.errors import InputError
from blockstm.messages import brief

cdef extern from "<string.h>" nogil:
    const void* memmem(const void* data, size_t size, const void* needle, size_t needle_size)

cdef extern from "base/rlp.hpp" namespace "blockstm::rlp" nogil:
    uint64_t list_size(uint64_t payload) noexcept
    uint64_t string_size(Bytes data) noexcept
    uint8_t* put_list_header(uint8_t* out, uint64_t payload) noexcept
    uint8_t* put_string(uint8_t* out, Bytes data) noexcept

cdef enum:
    TYPE_MAX = 0x7f
    KEPT_MAX = 1 << 20  # bytes of a block's encodings that are kept for those who may ask

cdef uint8_t ONE = 1  # the status of what succeeded; of the others there are no bytes

use_chunks(chunk_store())


cdef class ReceiptColumns:
    """What receipts are made of, a column for each member. Immutable, safe from any thread.

    Args:
        types: of the transactions, one byte each.
        successes: one byte each, 1 where the transaction succeeded, else 0.
        gas_used: by each, in gas.
        logs: of each, flat.

    Raises:
        InputError: the four are not of equally many transactions, or one is of the wrong kind.
    """

    def __init__(self, types, successes, gas_used, logs):
        cdef list held = [bytes_of(each, "log") for each in logs]
        cdef Py_ssize_t place
        kinds, results, gas = bytes_of(types, "type"), bytes_of(successes, "status"), list(gas_used)
        if not len(kinds) == len(results) == len(gas) == len(held):
            raise InputError(
                f"{len(kinds)} types, {len(results)} outcomes, {len(gas)} amounts of gas, {len(held)} logs"
            )
        if results.strip(b"\0\1"):
            raise InputError(f"a status is 0 or 1, not {max(results)}")
        self.take(kinds, held)
        for place in range(len(kinds)):
            view = view_of(held[place])
            self.add(results[place], gas_of(gas[place]), view.data(), view.size())

    cdef int take(self, bytes types, object held) except -1:
        if types and max(types) > TYPE_MAX:
            raise InputError(f"a transaction's type is up to {TYPE_MAX}, not {max(types)}")
        self.types, self.held = types, held
        self.successes.reserve(len(types))
        self.totals.reserve(len(types))
        self.logs.reserve(len(types))
        return 0

    cdef int add(self, bint succeeded, uint64_t gas_used, const uint8_t* logs, uint64_t size) except -1:
        cdef Span span
        cdef uint64_t before = 0 if self.totals.empty() else self.totals.back()
        if gas_used > UINT64_MAX - before:
            raise InputError("the gas that the transactions of a block use is below 2**64 in all")
        span.data, span.size = logs, size
        self.successes.push_back(succeeded)
        self.totals.push_back(before + gas_used)
        self.logs.push_back(span)
        return 0

    def __len__(self):
        return <Py_ssize_t>self.totals.size()

    def __reduce__(self):
        rows = [self.at(place) for place in range(len(self))]
        successes = bytes(row[1] for row in rows)
        return ReceiptColumns, (self.types, successes, [row[3] for row in rows], [row[4] for row in rows])

    def at(self, Py_ssize_t place) -> tuple[int, bool, int, int, bytes]:
        """Type, success, gas used up to and with it, gas used by it, flat logs."""
        place = range(len(self))[place]
        cdef uint64_t before = self.totals[place - 1] if place != 0 else 0
        logs = bytes_at(self.logs[place].data, self.logs[place].size)
        return (
            self.types[place], self.successes[place] != 0, self.totals[place], self.totals[place] - before, logs
        )

    def mentioning(self, bytes needle) -> list[int]:
        """The places of the transactions in whose logs these bytes stand."""
        cdef Bytes wanted = view_of(needle)
        cdef size_t place
        cdef list found = []
        for place in range(self.logs.size()):
            if memmem(self.logs[place].data, self.logs[place].size, wanted.data(), wanted.size()) != NULL:
                found.append(place)
        return found

    def encode(self, uint32_t workers=1, state_roots=None):
        """The receipts, encoded by so many threads where they are many: see `EncodedReceipts`.

        ``state_roots`` are those that receipts before Byzantium have in place of a status.

        Raises:
            InputError: logs do not follow their layout, or the roots are not as many of 32 bytes.
        """
        cdef EncodedReceipts encoded = EncodedReceipts()
        cdef list roots = None if state_roots is None else [bytes_of(each, "state root") for each in state_roots]
        encoded.columns, encoded.roots = self, roots
        self.encode_into(encoded.done, workers, roots, KEPT_MAX)
        return encoded

    cdef int encode_into(
        self, receipt_list.BlockReceipts& done, uint32_t workers, list roots, uint64_t kept_max
    ) except -1:
        cdef size_t count = self.totals.size(), place
        cdef LargeArray[ReceiptInput] inputs
        cdef ReceiptInput* input
        cdef Status status
        if roots is not None and (<size_t>len(roots) != count or any(len(each) != HASH_SIZE for each in roots)):
            raise InputError(f"{count} receipts have as many state roots of {HASH_SIZE} bytes, not {brief(roots)}")
        if count != 0 and inputs.extend(count) == NULL:
            raise MemoryError
        for place in range(count):
            input = inputs.data() + place
            input.type = self.types[place]
            input.outcome = view_of(roots[place]) if roots is not None else Bytes(&ONE, self.successes[place])
            input.cumulative_gas_used = self.totals[place]
            input.logs = Bytes(self.logs[place].data, self.logs[place].size)
        with nogil:
            status = receipt_list.encode_receipts(inputs.data(), count, workers, kept_max, done)
        if status == Status.BadInput:
            raise InputError(f"the logs of transaction {done.bad_index} do not follow their layout")
        if status != Status.Ok:
            raise MemoryError
        return 0

    def __eq__(self, other):
        cdef ReceiptColumns theirs
        if not isinstance(other, ReceiptColumns):
            return NotImplemented
        theirs = <ReceiptColumns>other
        if self.types != theirs.types or self.successes != theirs.successes or self.totals != theirs.totals:
            return False
        return all(self.at(place) == theirs.at(place) for place in range(len(self)))


cdef class EncodedReceipts:
    """The receipts of a block as the receipts trie has them, their root, and the block's Bloom filter."""

    cdef ReceiptColumns columns
    cdef list roots
    cdef receipt_list.BlockReceipts done

    @property
    def encodings(self):
        """Of each receipt, as a list of bytes. Those of a large block are made anew."""
        cdef receipt_list.BlockReceipts again
        if self.is_dropped():
            self.columns.encode_into(again, 1, self.roots, UINT64_MAX)
            return listed(again)
        return listed(self.done)

    def encode(self):
        """All of them as one RLP list, each a string."""
        cdef receipt_list.BlockReceipts again
        if self.is_dropped():
            self.columns.encode_into(again, 1, self.roots, UINT64_MAX)
            return list_of(again)
        return list_of(self.done)

    cdef bint is_dropped(self) noexcept:
        """Whether the encodings were too long to be kept."""
        return self.done.encodings.size() == 0 and self.done.ends.size() != 0

    @property
    def root(self):
        """The root that the header names, 32 bytes."""
        return bytes_at(self.done.root, HASH_SIZE)

    @property
    def bloom(self):
        """The Bloom filter over all logs, 256 bytes."""
        return bytes_at(self.done.bloom, BLOOM_SIZE)


cdef list listed(receipt_list.BlockReceipts& done):
    cdef list found = []
    cdef uint64_t index
    for index in range(done.ends.size()):
        each = encoding_at(done, index)
        found.append(bytes_at(each.data(), each.size()))
    return found


cdef Bytes encoding_at(receipt_list.BlockReceipts& done, uint64_t index) noexcept nogil:
    cdef uint64_t begin = 0 if index == 0 else done.ends[index - 1]
    return Bytes(done.encodings.data() + begin, done.ends[index] - begin)


cdef bytes list_of(receipt_list.BlockReceipts& done):
    cdef uint64_t index, payload = 0
    cdef bytes encoding
    cdef uint8_t* out
    for index in range(done.ends.size()):
        payload += string_size(encoding_at(done, index))
    encoding = PyBytes_FromStringAndSize(NULL, list_size(payload))
    out = put_list_header(<uint8_t*>PyBytes_AS_STRING(encoding), payload)
    with nogil:
        for index in range(done.ends.size()):
            out = put_string(out, encoding_at(done, index))
    return encoding


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
    return <bytes>value  # of a class made from bytes, too


cdef Bytes view_of(bytes data) noexcept:
    return Bytes(<const uint8_t*>PyBytes_AS_STRING(data), <uint64_t>PyBytes_GET_SIZE(data))


cdef bytes bytes_at(const uint8_t* data, uint64_t size):
    return PyBytes_FromStringAndSize(<const char*>data, size)
