"""The baseline of the benchmarks: a plain sequential loop over a hash map.

It runs any VM of the C table without the GIL, as simply as can be: no conditions, no versions, no
threads; reads and writes go straight to one hash map, and a log of old values undoes the writes
of a transaction that reverts. Benchmarks compare the engine with it.

It keeps to the table's contract but for one thing: bytes that `get` gives out are those in the
map, so they are good until the next call of the view, not until the end of the run. Compiled
kernels copy them at once.

Threads: a `PlainLoop` is for one thread at a time.
"""
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memset

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_BAD_NUMBER, BLOCKSTM_FAILED, BLOCKSTM_INVALID, BLOCKSTM_NO_MEMORY,
    BLOCKSTM_NUMBERS_I64, BLOCKSTM_NUMBERS_U256, BLOCKSTM_OK, BLOCKSTM_REVERTED, BLOCKSTM_SUCCESS,
    BLOCKSTM_VM_ABI_VERSION, BLOCKSTM_VM_ADMITS, BLOCKSTM_VM_CAPSULE, BLOCKSTM_VM_NEEDS_GIL,
    BLOCKSTM_VM_SIZE_MIN, BLOCKSTM_VM_WRAPS, blockstm_bytes, blockstm_location, blockstm_number, blockstm_refusal,
    blockstm_view, blockstm_view_api, blockstm_vm,
)
from blockstm._native.base.table cimport (
    ABSENT_SIZE, INLINE_SIZE, TABLE_OK, Entry, entry_has_value, entry_value, table_copy,
    table_drop, table_free, table_init, table_intern, table_put,
)
from blockstm._native.lab.whole cimport add_int64, add_signed, compare_signed
from blockstm._native.state.memory_state cimport MemoryState

from blockstm.errors import InputError, InternalError
from blockstm.types import Outcome, Status

cdef enum:
    FIRST_UNDO = 64
    GAS_MAX = 0x7FFFFFFFFFFFFFFF


# ---- the log of old values


cdef int32_t reserve(
    void** place, uint64_t* capacity, uint64_t wanted, uint64_t item_size
) noexcept nogil:
    """Room for `wanted` items behind a pointer; gives OK or NO_MEMORY."""
    cdef void* grown
    if wanted <= capacity[0]:
        return BLOCKSTM_OK
    wanted = max(wanted, 2 * capacity[0] + FIRST_UNDO)
    grown = realloc(place[0], wanted * item_size)
    if grown == NULL:
        return BLOCKSTM_NO_MEMORY
    place[0] = grown
    capacity[0] = wanted
    return BLOCKSTM_OK


cdef int32_t remember_long(Loop* loop, Undo* undo, const Entry* entry) noexcept nogil:
    cdef uint64_t end = loop.undo_bytes_size + entry.value_size
    if reserve(<void**>&loop.undo_bytes, &loop.undo_bytes_capacity, end, 1) != BLOCKSTM_OK:
        return BLOCKSTM_NO_MEMORY
    memcpy(loop.undo_bytes + loop.undo_bytes_size, entry_value(entry), entry.value_size)
    undo.value = loop.undo_bytes_size
    loop.undo_bytes_size = end
    return BLOCKSTM_OK


cdef inline int32_t remember(Loop* loop, uint32_t number) noexcept nogil:
    """Log the value of an entry that is about to change."""
    cdef const Entry* entry = &loop.table.entries[number]
    cdef Undo* undo
    if loop.undo_count == loop.undo_capacity and reserve(
        <void**>&loop.undo, &loop.undo_capacity, loop.undo_count + 1, sizeof(Undo)
    ) != BLOCKSTM_OK:
        return BLOCKSTM_NO_MEMORY
    undo = &loop.undo[loop.undo_count]
    undo.entry, undo.size, undo.value = number, entry.value_size, entry.value
    if entry.value_size > INLINE_SIZE and entry_has_value(entry):
        if remember_long(loop, undo, entry) != BLOCKSTM_OK:
            return BLOCKSTM_NO_MEMORY
    loop.undo_count += 1
    return BLOCKSTM_OK


cdef void take_back(Loop* loop) noexcept nogil:
    """Undo every write of the transaction; needs no memory: the old values had room."""
    cdef const Undo* undo
    cdef const uint8_t* data
    while loop.undo_count:
        loop.undo_count -= 1
        undo = &loop.undo[loop.undo_count]
        if undo.size == ABSENT_SIZE:
            table_drop(&loop.table, undo.entry)
            continue
        data = <const uint8_t*>&undo.value
        if undo.size > INLINE_SIZE:
            data = loop.undo_bytes + undo.value
        table_put(&loop.table, undo.entry, data, undo.size)


# ---- the functions of the view


cdef int32_t view_locate(
    blockstm_view* view, const uint8_t* key, uint64_t size, blockstm_location* location
) noexcept nogil:
    cdef int64_t entry = table_intern(&(<Loop*>view).table, key, size)
    if entry < 0:
        return BLOCKSTM_NO_MEMORY
    location[0] = <blockstm_location>entry
    return BLOCKSTM_OK


cdef int32_t view_get(
    blockstm_view* view, blockstm_location location, blockstm_bytes* value
) noexcept nogil:
    cdef const Entry* entry = &(<Loop*>view).table.entries[location]
    if not entry_has_value(entry):
        return BLOCKSTM_ABSENT
    value.data, value.size = entry_value(entry), entry.value_size
    return BLOCKSTM_OK


cdef int32_t view_expect(
    blockstm_view* view, blockstm_location location, const uint8_t* data, uint64_t size, int32_t* holds
) noexcept nogil:
    cdef const Entry* entry = &(<Loop*>view).table.entries[location]
    holds[0] = (entry_has_value(entry) and entry.value_size == size
                and memcmp(entry_value(entry), data, size) == 0)
    return BLOCKSTM_OK


cdef inline int32_t set_value(
    Loop* loop, blockstm_location location, const uint8_t* data, uint64_t size
) noexcept nogil:
    if remember(loop, location) != BLOCKSTM_OK:
        return BLOCKSTM_NO_MEMORY
    if table_put(&loop.table, location, data, size) != TABLE_OK:
        return BLOCKSTM_NO_MEMORY
    return BLOCKSTM_OK


cdef int32_t view_put(
    blockstm_view* view, blockstm_location location, const uint8_t* data, uint64_t size
) noexcept nogil:
    return set_value(<Loop*>view, location, data, size)


cdef int32_t view_remove(blockstm_view* view, blockstm_location location) noexcept nogil:
    cdef Loop* loop = <Loop*>view
    if remember(loop, location) != BLOCKSTM_OK:
        return BLOCKSTM_NO_MEMORY
    table_drop(&loop.table, location)
    return BLOCKSTM_OK


cdef inline uint64_t number_size(const Loop* loop) noexcept nogil:
    return 8 if loop.numbers == BLOCKSTM_NUMBERS_I64 else 32


cdef inline bint read_number(
    const Loop* loop, blockstm_location location, blockstm_number* number
) noexcept nogil:
    """The number at a location, 0 where there is no value; false where it is none."""
    cdef const Entry* entry = &loop.table.entries[location]
    number.limb[0] = number.limb[1] = number.limb[2] = number.limb[3] = number.negative = 0
    if not entry_has_value(entry):
        return True
    if entry.value_size != number_size(loop):
        return False
    memcpy(number.limb, entry_value(entry), number_size(loop))
    return True


cdef inline bint sum_of(
    const Loop* loop, const blockstm_number* left, const blockstm_number* right,
    blockstm_number* total
) noexcept nogil:
    """total = left + right, with a sign; false where not even that can hold it."""
    if loop.numbers == BLOCKSTM_NUMBERS_I64:
        return not add_int64(
            <int64_t>left.limb[0], <int64_t>right.limb[0], <int64_t*>&total.limb[0]
        )
    return not add_signed(left, right, total)


cdef inline bint is_below(
    const Loop* loop, const blockstm_number* left, const blockstm_number* right
) noexcept nogil:
    if loop.numbers == BLOCKSTM_NUMBERS_I64:
        return <int64_t>left.limb[0] < <int64_t>right.limb[0]
    return compare_signed(left, right) < 0


cdef inline int32_t set_number(
    Loop* loop, blockstm_location location, const blockstm_number* number
) noexcept nogil:
    if loop.numbers == BLOCKSTM_NUMBERS_U256 and number.negative:
        return BLOCKSTM_BAD_NUMBER
    return set_value(loop, location, <const uint8_t*>number.limb, number_size(loop))


cdef int32_t view_add(
    blockstm_view* view, blockstm_location location, const blockstm_number* delta
) noexcept nogil:
    cdef Loop* loop = <Loop*>view
    cdef blockstm_number value, total
    if not read_number(loop, location, &value) or not sum_of(loop, &value, delta, &total):
        return BLOCKSTM_BAD_NUMBER
    return set_number(loop, location, &total)


cdef int32_t view_at_least(
    blockstm_view* view, blockstm_location location, const blockstm_number* bound, int32_t* holds
) noexcept nogil:
    cdef Loop* loop = <Loop*>view
    cdef blockstm_number value
    if not read_number(loop, location, &value):
        return BLOCKSTM_BAD_NUMBER
    holds[0] = not is_below(loop, &value, bound)
    return BLOCKSTM_OK


cdef bint is_within(
    const Loop* loop, const blockstm_number* value, const blockstm_number* delta, bint fits,
    const blockstm_number* total, const blockstm_number* lower, const blockstm_number* upper,
) noexcept nogil:
    """Whether lower <= value + delta <= upper; no bounds reach beyond what a number can hold."""
    if not fits or (loop.numbers == BLOCKSTM_NUMBERS_U256 and total.negative):
        return False
    if lower != NULL and is_below(loop, total, lower):
        return False
    return upper == NULL or not is_below(loop, upper, total)


cdef int32_t view_try_add(
    blockstm_view* view, blockstm_location location, const blockstm_number* delta,
    const blockstm_number* lower, const blockstm_number* upper, int32_t* done,
) noexcept nogil:
    cdef Loop* loop = <Loop*>view
    cdef blockstm_number value, total
    cdef bint fits
    if not read_number(loop, location, &value):
        return BLOCKSTM_BAD_NUMBER
    fits = sum_of(loop, &value, delta, &total)
    done[0] = is_within(loop, &value, delta, fits, &total, lower, upper)
    if not done[0]:
        return BLOCKSTM_OK
    return set_number(loop, location, &total) if fits else BLOCKSTM_BAD_NUMBER


cdef int32_t view_charge(blockstm_view* view, uint64_t gas) noexcept nogil:
    cdef Loop* loop = <Loop*>view
    loop.gas = GAS_MAX if gas > GAS_MAX - loop.gas else loop.gas + gas
    return BLOCKSTM_OK


cdef int32_t view_output(
    blockstm_view* view, const uint8_t* data, uint64_t size
) noexcept nogil:
    cdef Loop* loop = <Loop*>view
    if reserve(<void**>&loop.output, &loop.output_capacity, size, 1) != BLOCKSTM_OK:
        return BLOCKSTM_NO_MEMORY
    memcpy(loop.output, data, size)
    loop.output_size = size
    return BLOCKSTM_OK


cdef int32_t view_poll(blockstm_view* view) noexcept nogil:
    return BLOCKSTM_OK


cdef uint32_t view_state_flags(blockstm_view* view) noexcept nogil:
    return 0


cdef blockstm_view_api plain_api() noexcept:
    cdef blockstm_view_api api
    api.abi_version = BLOCKSTM_VM_ABI_VERSION
    api.struct_size = sizeof(blockstm_view_api)
    api.locate = view_locate
    api.get = view_get
    api.put = view_put
    api.remove = view_remove
    api.add = view_add
    api.at_least = view_at_least
    api.try_add = view_try_add
    api.charge = view_charge
    api.output = view_output
    api.expect = view_expect
    api.poll = view_poll
    api.prefetch = NULL
    api.locate_fields = NULL
    api.state_flags = view_state_flags
    api.ask = NULL
    return api


cdef int32_t refuse(Loop* loop, const blockstm_refusal* refusal) noexcept nogil:
    cdef int32_t written = view_output(&loop.view, refusal.data, refusal.size)
    return BLOCKSTM_INVALID if written == BLOCKSTM_OK else BLOCKSTM_FAILED


cdef inline int32_t run_one(Loop* loop, const blockstm_vm* vm, int64_t index) noexcept nogil:
    """Run a transaction and keep or undo what it wrote; its status."""
    cdef int32_t status
    cdef blockstm_refusal refusal
    cdef bint admits = vm.flags & BLOCKSTM_VM_ADMITS
    loop.view.index = index
    loop.undo_count = loop.undo_bytes_size = loop.output_size = loop.gas = 0
    if admits and vm.admit(vm.context, index, &loop.tally, &refusal) != BLOCKSTM_SUCCESS:
        return refuse(loop, &refusal)
    status = vm.execute(vm.context, &loop.view, index)
    if status != BLOCKSTM_SUCCESS:
        take_back(loop)
    if admits and status <= BLOCKSTM_REVERTED:
        vm.count(vm.context, index, loop.output, loop.output_size, &loop.tally)
    return status


cdef class PlainLoop:
    """Runs blocks one transaction after another on a copy of a `MemoryState`.

    Args:
        state: what the first block starts from; it is copied and never changed.
    """

    def __cinit__(self, MemoryState state not None):
        cdef int32_t status
        table_init(&self.loop.table)
        self.loop.api = plain_api()
        self.loop.view.api = &self.loop.api
        self.loop.view.run = 0
        self.key_codec, self.value_codec = state.key_codec, state.value_codec
        with nogil:
            state.lock.lock_shared()
            status = table_copy(&self.loop.table, &state.table)
            state.lock.unlock_shared()
        if status != TABLE_OK:
            raise MemoryError

    def __dealloc__(self):
        table_free(&self.loop.table)
        free(self.loop.undo)
        free(self.loop.undo_bytes)
        free(self.loop.output)

    def run(self, block) -> int:
        """Run the transactions of a NativeBlock; returns how many succeeded.

        Reverted and invalid ones leave nothing. The block ends at a transaction that fails
        otherwise, by raising its exception; what came before it stays.

        Raises:
            InputError: the VM needs the GIL, or its numbers are Python objects.
        """
        capsule = block.vm
        cdef const blockstm_vm* vm = self.open(capsule)
        cdef int64_t count = block.count
        cdef int64_t index = 0, done = 0
        cdef int32_t status = BLOCKSTM_SUCCESS
        with nogil:
            while index < count:
                status = run_one(&self.loop, vm, index)
                if status > BLOCKSTM_INVALID:
                    break
                done += status == BLOCKSTM_SUCCESS
                index += 1
        if index < count:
            raise self.error(block, index, status)
        return done

    def outcomes(self, block) -> list[Outcome]:
        """Like `run`, but tells what became of each transaction; invalid ones are skipped."""
        capsule = block.vm
        cdef const blockstm_vm* vm = self.open(capsule)
        cdef int64_t index
        cdef int32_t status
        cdef list outcomes = []
        for index in range(block.count):
            with nogil:
                status = run_one(&self.loop, vm, index)
            if status == BLOCKSTM_SUCCESS:
                value = block.value(self.output())
                outcomes.append(Outcome(index, Status.SUCCESS, value, None, self.loop.gas))
                continue
            error = self.error(block, index, status)
            if status == BLOCKSTM_REVERTED:
                outcomes.append(Outcome(index, Status.REVERTED, None, error, self.loop.gas))
            elif status == BLOCKSTM_INVALID:
                outcomes.append(Outcome(index, Status.SKIPPED, None, error, 0))
            else:
                raise error
        return outcomes

    def state(self) -> MemoryState:
        """A copy of the state after the blocks so far."""
        cdef MemoryState state = MemoryState(
            keys=self.key_codec.name, values=self.value_codec.name
        )
        if table_copy(&state.table, &self.loop.table) != TABLE_OK:
            raise MemoryError
        return state

    cdef const blockstm_vm* open(self, capsule) except NULL:
        cdef const blockstm_vm* vm = <const blockstm_vm*>PyCapsule_GetPointer(
            capsule, BLOCKSTM_VM_CAPSULE
        )
        if vm.abi_version != BLOCKSTM_VM_ABI_VERSION or vm.struct_size < BLOCKSTM_VM_SIZE_MIN:
            raise InputError(f"the VM was built for another table, version {vm.abi_version}")
        if vm.flags & BLOCKSTM_VM_NEEDS_GIL:
            raise InputError("a plain loop runs only VMs that do without the GIL")
        if vm.flags & BLOCKSTM_VM_WRAPS:
            raise InputError("a plain loop has no numbers that wrap")
        if vm.numbers not in (BLOCKSTM_NUMBERS_I64, BLOCKSTM_NUMBERS_U256):
            raise InputError(f"a plain loop has no numbers of kind {vm.numbers}")
        self.loop.numbers = vm.numbers
        memset(&self.loop.tally, 0, sizeof(self.loop.tally))
        return vm

    cdef bytes output(self):
        return PyBytes_FromStringAndSize(<const char*>self.loop.output, self.loop.output_size)

    cdef object error(self, block, int64_t index, int32_t status):
        if status <= 0 or status > 3:
            return InternalError(f"transaction {index} of a plain loop ended with {status}")
        return block.error(index, status, self.output())
