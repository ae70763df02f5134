"""See the ``.pxd``."""
cimport cython
from cpython.buffer cimport PyBUF_READ
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from collections.abc import Mapping

from blockstm.types import DELETED, Outcome, Status

from blockstm._native.abi cimport BLOCKSTM_REVERTED, BLOCKSTM_SUCCESS
from blockstm._native.base.buffers cimport buffer_free, buffer_take
from blockstm._native.base.codec import at_key
from blockstm._native.base.packed cimport PackedWrites
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.frontier cimport Frontier
from blockstm._native.engine.results.copying cimport (
    COPY, MEASURE, Copying, Part, Sizes, await_parts, await_room, do_round, parts_fill,
    parts_needed,
)
from blockstm._native.engine.results.outcomes cimport Outcomes

cdef object SUCCESS = Status.SUCCESS
cdef object REVERTED = Status.REVERTED
cdef object SKIPPED = Status.SKIPPED


cdef tuple copy_results(BoundVm vm, object block, const Frontier* frontier, int32_t count):
    """Raises MemoryError."""
    cdef NativeOutcomes outcomes = NativeOutcomes.__new__(NativeOutcomes)
    cdef NativeWrites writes = NativeWrites.__new__(NativeWrites)
    cdef Copying copying
    cdef bint there_is_room = False
    outcomes.reader = getattr(block, "outcomes", block)
    writes.key_codec, writes.value_codec = block.keys, block.values
    writes.decode_key = block.keys.decode
    writes.decode_value = at_key(block.values, "decode")
    memset(<void*>&copying, 0, sizeof(Copying))
    copying.store = vm.store
    copying.frontier = frontier
    copying.count = count
    copying.kept = <uint8_t*>buffer_take(frontier.written_count + 1)
    copying.part = <Part*>buffer_take(parts_needed(frontier, count) * sizeof(Part))
    if copying.kept != NULL and copying.part != NULL:
        copying.parts = parts_fill(copying.part, frontier, count)
        if copying.parts > 1:
            vm.parallel_for(vm.pool, copy_share, &copying)
        else:  # nobody is woken for nothing
            copy_share(&copying, 0)
        there_is_room = copying.ready.observe() > 0
    buffer_free(copying.kept)
    buffer_free(copying.part)
    outcomes.take(&copying)
    writes.take(&copying)
    if not there_is_room:
        raise MemoryError
    return outcomes, writes


cdef void copy_share(void* argument, int32_t worker) noexcept nogil:
    """What each worker does."""
    cdef Copying* copying = <Copying*>argument
    do_round(copying, worker, MEASURE)
    if worker == 0:
        await_parts(copying, copying.parts)
        copying.ready.publish(1 if make_room(copying) else -1)
    if await_room(copying) > 0:
        do_round(copying, worker, COPY)


cdef bint make_room(Copying* copying) noexcept nogil:
    """Room for everything, and where each part begins; false where memory has run out."""
    cdef uint64_t words = sizeof(uint64_t)
    cdef Sizes total = add_up(copying)
    copying.writes = total.writes
    copying.statuses = <uint8_t*>buffer_take(copying.count + 1)
    copying.key_bytes = <uint8_t*>buffer_take(total.key + 1)
    copying.value_bytes = <uint8_t*>buffer_take(total.value + 1)
    if copying.statuses == NULL or copying.key_bytes == NULL or copying.value_bytes == NULL:
        return False
    if copying.any_gas:
        copying.gas = <uint64_t*>buffer_take(copying.count * words)
        if copying.gas == NULL:
            return False
    if total.output:
        copying.ends = <uint64_t*>buffer_take(copying.count * words)
        copying.output = <uint8_t*>buffer_take(total.output)
        if copying.ends == NULL or copying.output == NULL:
            return False
    if copying.uneven:
        copying.key_ends = <uint64_t*>buffer_take((total.writes + 1) * words)
        copying.value_ends = <uint64_t*>buffer_take((total.writes + 1) * words)
        copying.deleted = <uint8_t*>buffer_take(total.writes + 1)
        return copying.key_ends != NULL and copying.value_ends != NULL and copying.deleted != NULL
    return True


cdef Sizes add_up(Copying* copying) noexcept nogil:
    """Each part's sizes become where it begins; how much there is in all."""
    cdef Sizes total, sizes
    cdef uint32_t place
    memset(&total, 0, sizeof(Sizes))
    for place in range(copying.parts):
        sizes = copying.part[place].sizes
        copying.part[place].sizes = total
        total.output += sizes.output
        total.key += sizes.key
        total.value += sizes.value
        total.writes += sizes.writes
        copying.any_gas |= copying.part[place].any_gas
        copying.uneven |= copying.part[place].uneven
        copying.any_deleted |= copying.part[place].any_deleted
    return total


cdef class NativeOutcomes(Outcomes):
    """The outcomes of a block; each `Outcome` is made when it is asked for."""

    cdef void take(self, const Copying* copying):
        """From here on the buffers belong to this object."""
        self.count = copying.count
        self.statuses, self.gas = copying.statuses, copying.gas
        self.ends, self.output = copying.ends, copying.output

    def __dealloc__(self):
        buffer_free(self.ends)
        buffer_free(self.output)

    def outputs(self):
        """What each run left as its output, as a list of bytes."""
        cdef uint64_t begin = 0
        cdef int32_t index
        if self.ends == NULL:
            return [b""] * self.count
        listed = []
        for index in range(self.count):
            listed.append(PyBytes_FromStringAndSize(
                <const char*>self.output + begin, self.ends[index] - begin))
            begin = self.ends[index]
        return listed

    def flat_outputs(self):
        """What all runs left as their output, one behind the other, and where each ends, as unsigned words of 64
        bits: views that are good while this object is there."""
        cdef uint64_t words = sizeof(uint64_t)
        if self.ends == NULL:
            return memoryview(b""), memoryview(bytes(self.count * words)).cast("Q")
        return (
            PyMemoryView_FromMemory(<char*>self.output, self.ends[self.count - 1], PyBUF_READ),
            PyMemoryView_FromMemory(<char*>self.ends, self.count * words, PyBUF_READ).cast("Q"),
        )

    cdef object at(self, int32_t index):
        cdef uint64_t begin = 0, end = 0
        cdef uint64_t gas = self.gas[index] if self.gas != NULL else 0
        cdef int32_t status = self.statuses[index]
        if self.ends != NULL:
            begin = self.ends[index - 1] if index else 0
            end = self.ends[index]
        output = PyBytes_FromStringAndSize(<const char*>self.output + begin, end - begin)
        if status == BLOCKSTM_SUCCESS:
            return Outcome(index, SUCCESS, self.reader.value(output), None, gas)
        return Outcome(index, REVERTED if status == BLOCKSTM_REVERTED else SKIPPED, None,
                       self.reader.error(index, status, output), gas)


cdef class NativeWrites(PackedWrites):
    """What a block wrote: key → value, decoded when first asked for; a mapping."""

    cdef void take(self, const Copying* copying):
        """From here on the buffers belong to this object."""
        self.count = copying.writes
        self.uneven, self.any_deleted = copying.uneven, copying.any_deleted
        self.key_bytes, self.value_bytes = copying.key_bytes, copying.value_bytes
        self.key_ends, self.value_ends = copying.key_ends, copying.value_ends
        self.deleted = copying.deleted

    cdef dict as_dict(self):
        cdef uint32_t place
        cdef uint64_t key_end = 0, value_end = 0
        cdef dict decoded = self.known()
        if decoded is not None:
            return decoded
        decoded = {}
        for place in range(self.count):
            key = self.decode_key(PyBytes_FromStringAndSize(
                <const char*>self.key_bytes + key_end, self.key_end(place) - key_end))
            value = DELETED
            if not self.any_deleted or not self.deleted[place]:
                value = self.decode_value(key, PyBytes_FromStringAndSize(
                    <const char*>self.value_bytes + value_end, self.value_end(place) - value_end))
            decoded[key] = value
            key_end, value_end = self.key_end(place), self.value_end(place)
        with cython.critical_section(self):
            if self.decoded is None:  # no other thread was faster
                self.decoded = decoded
            return self.decoded

    cdef dict known(self):
        """What was decoded before; else None."""
        with cython.critical_section(self):
            return self.decoded

    @property
    def is_decoded(self):
        """Whether the writes have been asked for as Python objects, which are kept from then on."""
        return self.known() is not None

    def packed(self):
        """(keys, values) as bytes, one after another in canonical order, without decoding.

        Raises ValueError where a key was deleted, as that has no bytes.
        """
        if self.any_deleted:
            raise ValueError("a block that deletes keys has no packed writes")
        if self.count == 0:
            return b"", b""
        return (
            PyBytes_FromStringAndSize(<const char*>self.key_bytes, self.key_end(self.count - 1)),
            PyBytes_FromStringAndSize(<const char*>self.value_bytes, self.value_end(self.count - 1)))

    def encoded_with_keys_of(self, uint64_t size):
        """Encoded key → encoded value, of the keys that have this size, without decoding the others; what was deleted
        is left out."""
        cdef uint32_t place
        cdef uint64_t key_end = 0, value_end = 0
        cdef dict found = {}
        for place in range(self.count):
            if self.key_end(place) - key_end == size and not (self.any_deleted and self.deleted[place]):
                key = PyBytes_FromStringAndSize(<const char*>self.key_bytes + key_end, size)
                found[key] = PyBytes_FromStringAndSize(
                    <const char*>self.value_bytes + value_end, self.value_end(place) - value_end)
            key_end, value_end = self.key_end(place), self.value_end(place)
        return found

    def __len__(self):
        return self.count

    def __iter__(self):
        return iter(self.as_dict())

    def __getitem__(self, key):
        return self.as_dict()[key]

    def __contains__(self, key):
        return key in self.as_dict()

    def get(self, key, default=None):
        """The written value at ``key``, or ``default``."""
        return self.as_dict().get(key, default)

    def keys(self):
        """The written keys in canonical order."""
        return self.as_dict().keys()

    def values(self):
        """The written values in canonical order."""
        return self.as_dict().values()

    def items(self):
        """The written keys and values in canonical order."""
        return self.as_dict().items()

    def __eq__(self, other):
        if isinstance(other, NativeWrites):
            return self.as_dict() == (<NativeWrites>other).as_dict()
        if isinstance(other, Mapping):
            return self.as_dict() == dict(other)
        return NotImplemented

    def __repr__(self):
        return repr(self.as_dict())

    def __reduce__(self):
        return dict, (self.as_dict(),)


Mapping.register(NativeWrites)
