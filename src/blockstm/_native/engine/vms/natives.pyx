"""Native VMs; see the ``.pxd``."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.stdint cimport UINT64_MAX, int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from collections.abc import Mapping

from blockstm.errors import InputError
from blockstm.types import Status

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_FAILED, BLOCKSTM_NO_MEMORY, BLOCKSTM_NUMBERS_I64, BLOCKSTM_NUMBERS_U256,
    BLOCKSTM_OK, BLOCKSTM_PREFETCH_CAPSULE, BLOCKSTM_REFUSAL_MAX, BLOCKSTM_REVERTED, BLOCKSTM_STATE_CAPSULE,
    BLOCKSTM_STATE_ERROR, BLOCKSTM_STATE_LASTS, BLOCKSTM_STATE_LONG_LASTS, BLOCKSTM_STATE_SIZE_MIN, BLOCKSTM_SUCCESS,
    BLOCKSTM_VM_ABI_VERSION, BLOCKSTM_VM_ADMITS, BLOCKSTM_VM_ASKS, BLOCKSTM_VM_CAPSULE, BLOCKSTM_VM_SIZE_ADMITS,
    BLOCKSTM_VM_SIZE_MIN, BLOCKSTM_VM_SIZE_WATCHES, BLOCKSTM_VM_WATCHES,
    BLOCKSTM_VM_WRAPS, blockstm_bytes, blockstm_prefetch, blockstm_refusal, blockstm_state, blockstm_vm,
)
from blockstm._native.base.arena cimport Arena, arena_copy
from blockstm._native.base.codec import at_key
from blockstm.messages import brief, kind_of
from blockstm._native.base.keeping cimport keep
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.frontier cimport Admission, ExecutionResult, Frontier
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location, location_key
from blockstm._native.engine.mvmemory.store cimport BASE_LASTS
from blockstm._native.engine.mvmemory.values cimport (
    INLINE_SIZE, PAYLOAD_ABSENT, PAYLOAD_VALUE, Payload, payload_words,
)
from blockstm._native.engine.results.results cimport copy_results
from blockstm._native.engine.view.accesses cimport View

cdef enum:
    VALUE_SIZE_MAX = 0x7fffffff

cdef object SUCCESS = Status.SUCCESS
cdef object REVERTED = Status.REVERTED
cdef object SKIPPED = Status.SKIPPED

# ---------------------------------------------------------------- reading the state


cdef inline uint32_t flags_of(const blockstm_state* state) noexcept nogil:
    return state.flags if state.struct_size > BLOCKSTM_STATE_SIZE_MIN else 0


cdef inline bint long_lasts(uint32_t flags) noexcept nogil:
    """Whether values that are held by reference, which are longer than 32 bytes, stay."""
    return flags & (BLOCKSTM_STATE_LASTS | BLOCKSTM_STATE_LONG_LASTS) != 0


cdef inline int told(uint32_t flags) noexcept nogil:
    """Of what a key has, which only some states promise to be the same for all workers."""
    return BASE_LASTS if flags & BLOCKSTM_STATE_LASTS != 0 else BLOCKSTM_OK


cdef int fill(Payload* base, const uint8_t* data, uint64_t size, Arena* arena) noexcept nogil:
    """Make ``base`` the value of these bytes, copied unless they last as long as the block: ``arena`` is NULL."""
    if size > VALUE_SIZE_MAX:
        return BLOCKSTM_STATE_ERROR
    if size > INLINE_SIZE and arena != NULL:
        data = arena_copy(arena, data, size)
        if data == NULL:
            return BLOCKSTM_NO_MEMORY
    payload_words(base, data, size)
    return BLOCKSTM_OK


cdef int read_native(void* context, void* reader, Location* location, Arena* arena,
                     Payload* base) noexcept nogil:
    """From a state that is a C table itself. What this cannot tell, its ``get`` may, or raises why not."""
    cdef const NativeReading* reading = <const NativeReading*>context
    cdef const blockstm_state* state = reading.state
    cdef uint32_t flags = flags_of(state)
    cdef blockstm_bytes value
    cdef int32_t status = state.read(state.context, location_key(location), location.key_size, &value)
    if status == BLOCKSTM_ABSENT:
        base.kind = PAYLOAD_ABSENT
        base.size = 0
        return told(flags)
    if status == BLOCKSTM_STATE_ERROR and reading.context != NULL:
        return read_python(reading.context, reader, location, arena, base)
    if status != BLOCKSTM_OK:
        return BLOCKSTM_NO_MEMORY if status == BLOCKSTM_NO_MEMORY else BLOCKSTM_STATE_ERROR
    if long_lasts(flags):
        arena = NULL
    status = fill(base, value.data, value.size, arena)
    return told(flags) if status == BLOCKSTM_OK else status


cdef int read_python(void* context, void* reader, Location* location, Arena* arena,
                     Payload* base) noexcept nogil:
    """From a mapping or StateReader; the GIL is taken, once per location and block."""
    with gil:
        return told_by_python(<BoundNativeVm>context, <View*>reader, location, arena, base)


cdef int told_by_python(BoundNativeVm vm, View* view, Location* location, Arena* arena,
                        Payload* base) noexcept:
    cdef int status = BLOCKSTM_NO_MEMORY
    read_with_gil(vm, view, location, arena, base, &status)
    return status


cdef void read_with_gil(BoundNativeVm vm, View* view, Location* location, Arena* arena,
                        Payload* base, int* status) noexcept:
    """See keeping.pxd for what ``status`` says."""
    cdef bytes value = None
    cdef bint failed = False
    try:
        value = vm.read_value(location)
    except BaseException as error:
        failed = True
        vm.give_up_on(error)
        if keep(vm.kept, error):
            view.error = <uint64_t><PyObject*>error
            status[0] = BLOCKSTM_STATE_ERROR
    if failed:
        return
    if value is not None:
        status[0] = fill(base, <const uint8_t*>PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), arena)
        return
    base.kind = PAYLOAD_ABSENT
    base.size = 0
    status[0] = BLOCKSTM_OK


cdef uint32_t least_size(const blockstm_vm* vm) noexcept:
    """How long a table must be that has what its flags say."""
    if vm.flags & BLOCKSTM_VM_ASKS:
        return sizeof(blockstm_vm)
    if vm.flags & BLOCKSTM_VM_WATCHES:
        return BLOCKSTM_VM_SIZE_WATCHES
    return BLOCKSTM_VM_SIZE_ADMITS if vm.flags & BLOCKSTM_VM_ADMITS else BLOCKSTM_VM_SIZE_MIN


cdef bint admit_native(void* context, int32_t index, Arena* arena, ExecutionResult* refused) noexcept nogil:
    cdef Capacity* capacity = <Capacity*>context
    cdef blockstm_refusal refusal
    refusal.size = 0
    refused.status = capacity.vm.admit(capacity.vm.context, index, &capacity.tally, &refusal)
    if refused.status == BLOCKSTM_SUCCESS:
        return True
    refused.output_size = min(refusal.size, BLOCKSTM_REFUSAL_MAX)
    refused.output = arena_copy(arena, refusal.data, refused.output_size)
    if refused.output == NULL:
        refused.status = BLOCKSTM_NO_MEMORY
        refused.faulted = True
    return False


cdef bint count_native(void* context, int32_t index, ExecutionResult* result) noexcept nogil:
    cdef Capacity* capacity = <Capacity*>context
    capacity.vm.count(capacity.vm.context, index, result.output, result.output_size, &capacity.tally)
    return True


cdef bint tell_native(void* context, int32_t index, ExecutionResult* result) noexcept nogil:
    """`count_native` of a VM that watches."""
    cdef Capacity* capacity = <Capacity*>context
    if capacity.vm.flags & BLOCKSTM_VM_ADMITS:
        count_native(context, index, result)
    if capacity.vm.committed(capacity.vm.context, index) == BLOCKSTM_SUCCESS:
        return True
    result.status, result.output_size = BLOCKSTM_FAILED, 0
    return False


cdef void* pointer_in(object capsule, const char* name, str what) except NULL:
    """Raises InputError for anything but a capsule of that name."""
    if not PyCapsule_IsValid(capsule, name):
        raise InputError(f"{what} comes in a PyCapsule named {brief(name.decode())}, not as {kind_of(capsule)}")
    return PyCapsule_GetPointer(capsule, name)


cdef const blockstm_vm* checked_vm(object capsule) except NULL:
    cdef const blockstm_vm* vm = <const blockstm_vm*>pointer_in(capsule, BLOCKSTM_VM_CAPSULE, "a native VM")
    if vm.abi_version != BLOCKSTM_VM_ABI_VERSION or vm.struct_size < BLOCKSTM_VM_SIZE_MIN or (
            vm.struct_size < least_size(vm)):
        raise InputError(
            f"the VM was built for ABI {vm.abi_version} with a table of {vm.struct_size} bytes; "
            f"this engine has ABI {BLOCKSTM_VM_ABI_VERSION} and asks for {sizeof(blockstm_vm)} bytes")
    if vm.numbers != BLOCKSTM_NUMBERS_I64 and vm.numbers != BLOCKSTM_NUMBERS_U256:
        raise InputError(f"a native VM's numbers are I64 or U256, not {vm.numbers}")
    if vm.execute == NULL:
        raise InputError("a native VM's table has no function execute: it is NULL")
    if vm.flags & BLOCKSTM_VM_ADMITS and (vm.admit == NULL or vm.count == NULL):
        raise InputError("a native VM's flags say that it admits, but admit or count is NULL")
    if vm.flags & BLOCKSTM_VM_WATCHES and vm.committed == NULL:
        raise InputError("a native VM's flags say that it watches, but committed is NULL")
    if vm.flags & BLOCKSTM_VM_ASKS and vm.answer == NULL:
        raise InputError("a native VM's flags say that it asks, but answer is NULL")
    return vm


cdef const blockstm_state* checked_state(object capsule) except NULL:
    cdef const blockstm_state* state = <const blockstm_state*>pointer_in(
        capsule, BLOCKSTM_STATE_CAPSULE, "a native state")
    if state.abi_version != BLOCKSTM_VM_ABI_VERSION or state.struct_size < BLOCKSTM_STATE_SIZE_MIN:
        raise InputError(
            f"the state was built for ABI {state.abi_version} with a table of {state.struct_size} bytes; "
            f"this engine has ABI {BLOCKSTM_VM_ABI_VERSION} and asks for {BLOCKSTM_STATE_SIZE_MIN} bytes")
    if state.read == NULL:
        raise InputError("a native state's table has no function read: it is NULL")
    return state


cdef const blockstm_prefetch* checked_prefetch(object capsule) except NULL:
    cdef const blockstm_prefetch* prefetcher = <const blockstm_prefetch*>pointer_in(
        capsule, BLOCKSTM_PREFETCH_CAPSULE, "what a native state prefetches with")
    if (prefetcher.abi_version != BLOCKSTM_VM_ABI_VERSION
            or prefetcher.struct_size < sizeof(blockstm_prefetch)):
        raise InputError(
            f"what the state prefetches with was built for ABI {prefetcher.abi_version} with a table of "
            f"{prefetcher.struct_size} bytes; this engine has ABI {BLOCKSTM_VM_ABI_VERSION} and asks for "
            f"{sizeof(blockstm_prefetch)} bytes")
    if prefetcher.prefetch == NULL:
        raise InputError("a native state's table to prefetch with has no function prefetch: it is NULL")
    return prefetcher

# ---------------------------------------------------------------- a block of a native VM


cdef class BoundNativeVm(BoundVm):
    """A block of native transactions on a native or a Python state."""

    def __init__(self, block, state):
        self.block = block
        self.state = state
        self.kept = []
        self.decode_key = block.keys.decode
        self.encode_value = at_key(block.values, "encode")
        self.called = checked_vm(block.vm)
        self.capacity.vm = self.called
        if self.called.flags & BLOCKSTM_VM_ADMITS:
            self.admission = Admission(admit_native, count_native, &self.capacity)
        if self.called.flags & BLOCKSTM_VM_WATCHES:
            self.admission.count, self.admission.context = tell_native, &self.capacity
        memset(&self.numbers, 0, sizeof(self.numbers))
        self.numbers.domain = self.called.numbers
        self.numbers.wraps = self.called.flags & BLOCKSTM_VM_WRAPS
        self.numbers.one.limb[0] = 1
        self.numbers.minus_one.limb[0] = 1
        self.numbers.minus_one.negative = 1
        if self.called.numbers == BLOCKSTM_NUMBERS_I64:
            self.numbers.minus_one.limb[0] = UINT64_MAX
            self.numbers.minus_one.negative = 0
        if hasattr(state, "__blockstm_state__"):
            self.state_capsule = state.__blockstm_state__()
            self.reading.state = checked_state(self.state_capsule)
            self.reading.context = <void*>self if hasattr(state, "get") else NULL
            self.state_get = getattr(state, "get", None)
            self.state_is_mapping = isinstance(state, Mapping)
            self.read_base = read_native
            self.read_context = &self.reading
            if hasattr(state, "__blockstm_prefetch__"):
                self.prefetch_capsule = state.__blockstm_prefetch__()
                self.prefetcher = checked_prefetch(self.prefetch_capsule)
            self.state_flags = flags_of(self.reading.state)
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
                raise InputError(f"the state holds None at {brief(key)}, which has no encoding")
            return None
        return self.encode_value(key, value)

    cdef tuple outcome(self, int32_t index, const ExecutionResult* result):
        output = PyBytes_FromStringAndSize(<const char*>result.output, result.output_size)
        if result.status == BLOCKSTM_SUCCESS:
            return SUCCESS, self.block.value(output), None, result.gas
        status = REVERTED if result.status == BLOCKSTM_REVERTED else SKIPPED
        return status, None, self.block.error(index, result.status, output), result.gas

    cdef tuple results(self, const Frontier* frontier, int32_t count):
        return copy_results(self, self.block, frontier, count)

    cdef object key(self, uint32_t location):
        cdef const Location* at = location_at(&self.store.interner, location)
        return self.decode_key(PyBytes_FromStringAndSize(<const char*>location_key(at), at.key_size))

    cdef object read_error(self):
        if hasattr(self.state, "_read_error"):
            return self.state._read_error()
        return OSError("a native state could not be read")

    cdef object delta_error(self, Frontier* frontier):
        key = self.key(frontier.failed_location)
        if frontier.below != NULL and frontier.below.kind == PAYLOAD_VALUE and frontier.below.size != (
                8 if self.numbers.domain == BLOCKSTM_NUMBERS_I64 else INLINE_SIZE):
            return TypeError(f"the value at {brief(key)} is not a number")
        return OverflowError(f"the sum at {brief(key)} leaves the range of numbers")

    cdef object exception(self, int32_t index, const ExecutionResult* result):
        if result.value:
            return <object><PyObject*>result.value
        return self.block.error(index, result.status, PyBytes_FromStringAndSize(
            <const char*>result.output, result.output_size))
