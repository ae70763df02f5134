"""Native VMs; see the ``.pxd``."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport UINT64_MAX, int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from libcpp.atomic cimport memory_order_acquire, memory_order_relaxed

from collections.abc import Mapping

from blockstm.errors import InputError
from blockstm.types import DELETED, Outcome, Status

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_NO_MEMORY, BLOCKSTM_NUMBERS_I64, BLOCKSTM_NUMBERS_U256,
    BLOCKSTM_OK, BLOCKSTM_REVERTED, BLOCKSTM_STATE_CAPSULE, BLOCKSTM_STATE_ERROR,
    BLOCKSTM_SUCCESS, BLOCKSTM_VM_ABI_VERSION, BLOCKSTM_VM_CAPSULE,
    blockstm_bytes, blockstm_state, blockstm_vm,
)
from blockstm._native.arena cimport Arena, arena_take
from blockstm._native.buffers cimport buffer_free, buffer_take
from blockstm._native.codec import at_key
from blockstm._native.context cimport Context
from blockstm._native.frontier cimport Answer, Frontier, frontier_outcome
from blockstm._native.interner cimport location_at
from blockstm._native.locations cimport Location, location_key
from blockstm._native.numbers cimport same_payload
from blockstm._native.packed cimport PackedWrites
from blockstm._native.pages cimport prefetch
from blockstm._native.store cimport Store
from blockstm._native.values cimport (
    INLINE_SIZE, PAYLOAD_ABSENT, PAYLOAD_VALUE, Payload, payload_data,
)
from blockstm._native.slots cimport View

cdef enum:
    VALUE_SIZE_MAX = 0x7fffffff

cdef object SUCCESS = Status.SUCCESS
cdef object REVERTED = Status.REVERTED
cdef object SKIPPED = Status.SKIPPED

# ---------------------------------------------------------------- reading the state


cdef int fill(Payload* base, const uint8_t* data, uint64_t size, Arena* arena) noexcept nogil:
    """Make ``base`` the value of these bytes, copied."""
    cdef uint8_t* copied
    if size > VALUE_SIZE_MAX:
        return BLOCKSTM_STATE_ERROR
    base.kind = PAYLOAD_VALUE
    base.size = <uint32_t>size
    if size == 8:
        memcpy(base.word, data, 8)
        return BLOCKSTM_OK
    if size <= INLINE_SIZE:
        memcpy(base.word, data, size)
        return BLOCKSTM_OK
    copied = <uint8_t*>arena_take(arena, size)
    if copied == NULL:
        return BLOCKSTM_NO_MEMORY
    memcpy(copied, data, size)
    base.word[0] = <uint64_t>copied
    return BLOCKSTM_OK


cdef int read_native(void* context, void* reader, Location* location, Arena* arena,
                     Payload* base) noexcept nogil:
    """From a state that is a C table itself."""
    cdef const blockstm_state* state = <const blockstm_state*>context
    cdef blockstm_bytes value
    cdef int32_t status = state.read(state.context, location_key(location), location.key_size, &value)
    if status == BLOCKSTM_ABSENT:
        base.kind = PAYLOAD_ABSENT
        base.size = 0
        return BLOCKSTM_OK
    if status != BLOCKSTM_OK:
        return BLOCKSTM_NO_MEMORY if status == BLOCKSTM_NO_MEMORY else BLOCKSTM_STATE_ERROR
    return fill(base, value.data, value.size, arena)


cdef int read_python(void* context, void* reader, Location* location, Arena* arena,
                     Payload* base) noexcept nogil:
    """From a mapping or StateReader; the GIL is taken, once per location and block."""
    with gil:
        return read_with_gil(<NativeContext>context, <View*>reader, location, arena, base)


cdef int read_with_gil(NativeContext context, View* view, Location* location, Arena* arena,
                       Payload* base) noexcept:
    cdef bytes value
    try:
        value = context.read_value(location)
    except BaseException as error:
        context.kept.append(error)
        view.error = <uint64_t><PyObject*>error
        return BLOCKSTM_STATE_ERROR
    if value is None:
        base.kind = PAYLOAD_ABSENT
        base.size = 0
        return BLOCKSTM_OK
    return fill(base, <const uint8_t*>PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), arena)


cdef const blockstm_vm* checked_vm(object capsule) except NULL:
    cdef const blockstm_vm* vm = <const blockstm_vm*>PyCapsule_GetPointer(capsule, BLOCKSTM_VM_CAPSULE)
    if vm.abi_version != BLOCKSTM_VM_ABI_VERSION or vm.struct_size < sizeof(blockstm_vm):
        raise InputError(
            f"the VM was built for ABI {vm.abi_version} with a table of {vm.struct_size} bytes; "
            f"this engine has ABI {BLOCKSTM_VM_ABI_VERSION} and {sizeof(blockstm_vm)} bytes")
    if vm.numbers != BLOCKSTM_NUMBERS_I64 and vm.numbers != BLOCKSTM_NUMBERS_U256:
        raise InputError(f"a native VM's numbers are I64 or U256, not {vm.numbers}")
    return vm


cdef const blockstm_state* checked_state(object capsule) except NULL:
    cdef const blockstm_state* state = <const blockstm_state*>PyCapsule_GetPointer(
        capsule, BLOCKSTM_STATE_CAPSULE)
    if state.abi_version != BLOCKSTM_VM_ABI_VERSION or state.struct_size < sizeof(blockstm_state):
        raise InputError(f"the state was built for ABI {state.abi_version}, not {BLOCKSTM_VM_ABI_VERSION}")
    return state


# ---------------------------------------------------------------- a block of a native VM


cdef class NativeContext(Context):
    """A block of native transactions on a native or a Python state."""

    def __init__(self, block, state):
        self.block = block
        self.state = state
        self.kept = []
        self.decode_key = block.keys.decode
        self.encode_value = at_key(block.values, "encode")
        self.vm = checked_vm(block.vm)
        memset(&self.numbers, 0, sizeof(self.numbers))
        self.numbers.domain = self.vm.numbers
        self.numbers.one.limb[0] = 1
        self.numbers.minus_one.limb[0] = 1
        self.numbers.minus_one.negative = 1
        if self.vm.numbers == BLOCKSTM_NUMBERS_I64:
            self.numbers.minus_one.limb[0] = UINT64_MAX
            self.numbers.minus_one.negative = 0
        if hasattr(state, "__blockstm_state__"):
            self.state_capsule = state.__blockstm_state__()
            self.native_state = checked_state(self.state_capsule)
            self.read_base = read_native
            self.read_context = <void*>self.native_state
        else:
            self.state_get = state.get
            self.state_is_mapping = isinstance(state, Mapping)
            self.read_base = read_python
            self.read_context = <void*>self

    cdef bytes read_value(self, Location* location):
        """The state's value, encoded; None where there is none."""
        key = self.decode_key(PyBytes_FromStringAndSize(
            <const char*>location_key(location), location.key_size))
        value = self.state_get(key)
        if value is None:
            if self.state_is_mapping and key in self.state:
                raise InputError(f"the state holds None at {key!r}, which has no encoding")
            return None
        return self.encode_value(key, value)

    cdef tuple outcome(self, int32_t index, const Answer* answer):
        output = PyBytes_FromStringAndSize(<const char*>answer.output, answer.output_size)
        if answer.status == BLOCKSTM_SUCCESS:
            return SUCCESS, self.block.value(output), None, answer.gas
        status = REVERTED if answer.status == BLOCKSTM_REVERTED else SKIPPED
        return status, None, self.block.error(index, answer.status, output), answer.gas

    cdef object outcomes(self, const Frontier* frontier, int32_t count):
        cdef NativeOutcomes outcomes = NativeOutcomes.__new__(NativeOutcomes)
        outcomes.block = self.block
        outcomes.copy(frontier, count)
        return outcomes

    cdef object writes(self, Frontier* frontier):
        cdef NativeWrites writes = NativeWrites.__new__(NativeWrites)
        writes.copy(self, frontier)
        return writes

    cdef object key(self, uint32_t location):
        cdef const Location* at = location_at(&self.store.interner, location)
        return self.decode_key(PyBytes_FromStringAndSize(<const char*>location_key(at), at.key_size))

    cdef object delta_error(self, Frontier* frontier):
        key = self.key(frontier.failed_location)
        if frontier.below != NULL and frontier.below.kind == PAYLOAD_VALUE and frontier.below.size != (
                8 if self.numbers.domain == BLOCKSTM_NUMBERS_I64 else INLINE_SIZE):
            return TypeError(f"the value at {key!r} is not a number")
        return OverflowError(f"the sum at {key!r} leaves the range of numbers")

    cdef object exception(self, int32_t index, const Answer* answer):
        if answer.value:
            return <object><PyObject*>answer.value
        return self.block.error(index, answer.status, PyBytes_FromStringAndSize(
            <const char*>answer.output, answer.output_size))

# ---------------------------------------------------------------- what comes out

# How far ahead memory is asked for that another worker wrote: far enough for it to arrive.
cdef enum:
    LOCATIONS_AHEAD = 16
    VALUES_AHEAD = 8
    OUTPUTS_AHEAD = 12
    PART = 1 << 12                 # writes that one worker copies at a time


cdef inline void look_ahead(Store* store, const Frontier* frontier, uint32_t place) noexcept nogil:
    """Ask for what the next steps of a walk over the written locations will look at."""
    cdef const Location* location
    if place + LOCATIONS_AHEAD >= frontier.written_count:
        return
    prefetch(location_at(&store.interner, frontier.written[place + LOCATIONS_AHEAD]))
    location = location_at(&store.interner, frontier.written[place + VALUES_AHEAD])
    prefetch(location.committed.load(memory_order_relaxed))  # only to ask for it
    prefetch(location.base.load(memory_order_relaxed))



cdef class NativeOutcomes(Outcomes):
    """The outcomes of a block; each `Outcome` is made when it is asked for."""

    cdef void copy(self, const Frontier* frontier, int32_t count) except *:
        cdef Answer answer
        cdef int32_t index
        cdef uint64_t size = 0, any_gas = 0
        self.count = count
        self.statuses = <uint8_t*>buffer_take(count + 1)
        if self.statuses == NULL:
            raise MemoryError
        if frontier.all_plain:
            memset(self.statuses, BLOCKSTM_SUCCESS, count)
            return
        for index in range(count):
            answer = frontier_outcome(frontier, index)
            self.statuses[index] = <uint8_t>answer.status
            any_gas |= answer.gas
            size += answer.output_size
        if any_gas:
            self.gas = <uint64_t*>buffer_take(count * sizeof(uint64_t))
            if self.gas == NULL:
                raise MemoryError
            for index in range(count):
                self.gas[index] = frontier_outcome(frontier, index).gas
        if size:
            self.copy_outputs(frontier, size)

    cdef void copy_outputs(self, const Frontier* frontier, uint64_t size) except *:
        cdef Answer answer
        cdef uint64_t end = 0
        cdef int32_t index
        self.ends = <uint64_t*>buffer_take(self.count * sizeof(uint64_t))
        self.output = <uint8_t*>buffer_take(size)
        if self.ends == NULL or self.output == NULL:
            raise MemoryError
        for index in range(self.count):
            if index + OUTPUTS_AHEAD < self.count and not frontier.plain[index + OUTPUTS_AHEAD]:
                prefetch(frontier.outcome[index + OUTPUTS_AHEAD].output)
            answer = frontier_outcome(frontier, index)
            if answer.output_size:
                memcpy(self.output + end, answer.output, answer.output_size)
            end += answer.output_size
            self.ends[index] = end

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

    cdef object at(self, int32_t index):
        cdef uint64_t begin = 0, end = 0
        cdef uint64_t gas = self.gas[index] if self.gas != NULL else 0
        cdef int32_t status = self.statuses[index]
        if self.ends != NULL:
            begin = self.ends[index - 1] if index else 0
            end = self.ends[index]
        output = PyBytes_FromStringAndSize(<const char*>self.output + begin, end - begin)
        if status == BLOCKSTM_SUCCESS:
            return Outcome(index, SUCCESS, self.block.value(output), None, gas)
        return Outcome(index, REVERTED if status == BLOCKSTM_REVERTED else SKIPPED, None,
                       self.block.error(index, status, output), gas)


cdef inline uint32_t part_end(const Frontier* frontier, uint32_t part) noexcept nogil:
    cdef uint32_t end = (part + 1) * PART
    return end if end < frontier.written_count else frontier.written_count


cdef void measure_part(void* argument, uint32_t number) noexcept nogil:
    """Which writes of a part say something else than the state did, and how long they are."""
    cdef Copying* copying = <Copying*>argument
    cdef const Frontier* frontier = copying.frontier
    cdef WritesPart* part = &copying.part[number]
    cdef const Location* location
    cdef const Payload* value
    cdef uint32_t place
    memset(part, 0, sizeof(WritesPart))
    for place in range(number * PART, part_end(frontier, number)):
        look_ahead(copying.store, frontier, place)
        location = location_at(&copying.store.interner, frontier.written[place])
        value = location.committed.load(memory_order_acquire)
        copying.kept[place] = not same_payload(
            &copying.store.numbers, value, location.base.load(memory_order_acquire))
        if not copying.kept[place]:
            continue
        part.count += 1
        part.key_size += location.key_size
        part.value_size += value.size if value.kind == PAYLOAD_VALUE else 0
        part.uneven |= location.key_size != 8 or value.size != 8
        part.any_deleted |= value.kind == PAYLOAD_ABSENT


cdef void copy_part(void* argument, uint32_t number) noexcept nogil:
    """Copy the writes of a part to where it begins."""
    cdef Copying* copying = <Copying*>argument
    cdef const Frontier* frontier = copying.frontier
    cdef WritesPart at = copying.part[number]
    cdef const Location* location
    cdef const Payload* value
    cdef uint32_t place, size
    for place in range(number * PART, part_end(frontier, number)):
        look_ahead(copying.store, frontier, place)
        if not copying.kept[place]:
            continue
        location = location_at(&copying.store.interner, frontier.written[place])
        value = location.committed.load(memory_order_acquire)
        size = value.size if value.kind == PAYLOAD_VALUE else 0
        memcpy(copying.key_bytes + at.key_size, location_key(location), location.key_size)
        memcpy(copying.value_bytes + at.value_size, payload_data(value), size)
        at.key_size += location.key_size
        at.value_size += size
        if copying.key_ends != NULL:
            copying.key_ends[at.count] = at.key_size
            copying.value_ends[at.count] = at.value_size
            copying.deleted[at.count] = value.kind == PAYLOAD_ABSENT
        at.count += 1


cdef class NativeWrites(PackedWrites):
    """What a block wrote: key → value, decoded when first asked for; a mapping."""

    cdef void copy(self, NativeContext context, Frontier* frontier) except *:
        cdef uint32_t parts = frontier.written_count // PART + 1
        cdef Copying copying
        self.key_codec, self.value_codec = context.block.keys, context.block.values
        self.decode_key = context.decode_key
        self.decode_value = at_key(context.block.values, "decode")
        copying.store = context.store
        copying.frontier = frontier
        copying.kept = <uint8_t*>buffer_take(frontier.written_count + 1)
        copying.part = <WritesPart*>buffer_take(parts * sizeof(WritesPart))
        try:
            if copying.kept == NULL or copying.part == NULL:
                raise MemoryError
            context.together(context.crew, measure_part, &copying, parts)
            self.make_room(&copying, parts)
            context.together(context.crew, copy_part, &copying, parts)
        finally:
            buffer_free(copying.kept)
            buffer_free(copying.part)

    cdef void make_room(self, Copying* copying, uint32_t parts) except *:
        """Where each part begins, and memory for all of them."""
        cdef uint64_t key_size = 0, value_size = 0
        cdef uint32_t place
        cdef WritesPart measured
        for place in range(parts):
            measured = copying.part[place]
            copying.part[place].count = self.count
            copying.part[place].key_size = key_size
            copying.part[place].value_size = value_size
            self.count += measured.count
            key_size += measured.key_size
            value_size += measured.value_size
            self.uneven |= measured.uneven
            self.any_deleted |= measured.any_deleted
        self.key_bytes = copying.key_bytes = <uint8_t*>buffer_take(key_size + 1)
        self.value_bytes = copying.value_bytes = <uint8_t*>buffer_take(value_size + 1)
        if self.key_bytes == NULL or self.value_bytes == NULL:
            raise MemoryError
        copying.key_ends = copying.value_ends = NULL
        copying.deleted = NULL
        if self.uneven:
            self.key_ends = copying.key_ends = <uint64_t*>buffer_take((self.count + 1) * sizeof(uint64_t))
            self.value_ends = copying.value_ends = <uint64_t*>buffer_take((self.count + 1) * sizeof(uint64_t))
            self.deleted = copying.deleted = <uint8_t*>buffer_take(self.count + 1)
            if self.key_ends == NULL or self.value_ends == NULL or self.deleted == NULL:
                raise MemoryError

    cdef dict as_dict(self):
        cdef uint32_t place
        cdef uint64_t key_end = 0, value_end = 0
        cdef dict decoded
        if self.decoded is not None:
            return self.decoded
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
        self.decoded = decoded
        return decoded

    @property
    def is_decoded(self):
        """Whether somebody has asked for the writes as Python objects, which are kept from then on."""
        return self.decoded is not None

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
