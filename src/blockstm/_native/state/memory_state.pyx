"""A state in native memory: exact byte keys to byte values, read by workers without the GIL.

Threads: any thread may read, and change, a `MemoryState`; a change excludes readers for as long
as it takes to copy bytes. Workers read it without any lock, which is safe because a state that
a block runs on is *pinned*: the executor holds a pin from before the block until after it, and
meanwhile every change is refused.
"""
from collections.abc import ItemsView, KeysView, Mapping, ValuesView

cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_New, PyCapsule_SetContext
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp.vector cimport vector
from posix.unistd cimport getpid

from blockstm._native.base.chunks cimport LargeVector, chunk_store, use_chunks
from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_OK, BLOCKSTM_PREFETCH_CAPSULE, BLOCKSTM_STATE_CAPSULE, BLOCKSTM_STATE_HASHED,
    BLOCKSTM_STATE_LASTS, BLOCKSTM_VM_ABI_VERSION, blockstm_bytes, blockstm_prefetch, blockstm_state,
)
from blockstm._native.base.codec cimport Codec, codec_named
from blockstm._native.base.packed cimport Change, PackedWrites
from blockstm._native.base.pins cimport Pinned, pin_on
from blockstm._native.base.table cimport (
    TABLE_NO_MEMORY, TABLE_OK, Entry, Table, entry_has_value, entry_key, entry_value, table_bytes_to_put,
    table_copy, table_drop, table_find, table_free, table_init, table_intern, table_prefetch, table_put,
    table_reserve, table_reserve_bytes, table_size,
)

from blockstm.errors import InputError, UsageError
from blockstm.messages import brief, kind_of
from blockstm.types import DELETED

ctypedef void (*Destructor)(object) noexcept

cdef enum:
    SPARSE_COUNT = 1024  # entries below which dead keys are not worth a copy
    SPARSE_BYTES = 1 << 16

use_chunks(chunk_store())


cdef int32_t read_state(
    void* context, const uint8_t* key, uint64_t size, blockstm_bytes* value
) noexcept nogil:
    """`blockstm_state.read`: the table is not written while the state is pinned."""
    cdef const Table* table = <const Table*>context
    cdef int64_t number = table_find(table, key, size)
    cdef const Entry* entry
    if number < 0:
        return BLOCKSTM_ABSENT
    entry = &table.entries[number]
    if not entry_has_value(entry):
        return BLOCKSTM_ABSENT
    value.data, value.size = entry_value(entry), entry.value_size
    return BLOCKSTM_OK


cdef void prefetch_state(
    void* context, const uint8_t* key, uint64_t size, uint32_t step, uint64_t* memo
) noexcept nogil:
    """`blockstm_prefetch.prefetch`, likewise."""
    table_prefetch(<const Table*>context, key, size, step, memo)


cdef void drop_owner(object capsule) noexcept:
    Py_DECREF(<object>PyCapsule_GetContext(capsule))


cdef class MemoryState(Pinned):
    """A mapping in native memory from which native transactions read without the GIL.

    Args:
        items: what it holds at first: a mapping or (key, value) pairs.
        keys, values: how Python objects are bytes: ``"int64"`` (int), ``"uint256"`` (int),
            ``"bytes32"`` (bytes of length 32) or ``"bytes"`` (bytes of any length). They must
            be those of the VM.

    It compares and reads like the dict of its items, in the order in which its keys came, and is
    only changed by `apply`. Looking up a key that cannot be one is an error, not "absent".

    Raises:
        InputError: a key or a value is of the wrong kind or out of range.

    Thread-safety: see the module; reads and changes may come from any thread.

    >>> state = MemoryState({1: 10})
    >>> state.apply({1: 5, 2: 7})
    >>> dict(state)
    {1: 5, 2: 7}
    """

    def __cinit__(self, items=(), *, keys="int64", values="int64"):
        table_init(&self.table)
        self.key_codec = codec_named(keys)
        self.value_codec = codec_named(values)
        self.abi.abi_version = BLOCKSTM_VM_ABI_VERSION
        self.abi.struct_size = sizeof(blockstm_state)
        self.abi.context = &self.table
        self.abi.read = read_state
        self.abi.flags = BLOCKSTM_STATE_LASTS  # pinned while a block runs
        self.ahead.abi_version = BLOCKSTM_VM_ABI_VERSION
        self.ahead.struct_size = sizeof(blockstm_prefetch)
        self.ahead.context = &self.table
        self.ahead.prefetch = prefetch_state

    def __init__(self, items=(), *, keys="int64", values="int64"):
        self.load(items)

    def __dealloc__(self):
        table_free(&self.table)

    @classmethod
    def from_arrays(cls, keys, values) -> MemoryState:
        """A state of int64 keys and values from two arrays of the same length.

        Args:
            keys, values: one-dimensional and of int64 (NumPy arrays, or anything else with a
                buffer). Of equal keys the last one counts.

        Raises:
            InputError: something else, or different lengths.
        """
        cdef MemoryState state = cls()
        cdef Py_buffer key_buffer
        cdef Py_buffer value_buffer
        open_int64(&key_buffer, keys, "keys")
        try:
            open_int64(&value_buffer, values, "values")
            try:
                fill(&state.table, &key_buffer, &value_buffer)
            finally:
                PyBuffer_Release(&value_buffer)
        finally:
            PyBuffer_Release(&key_buffer)
        return state

    # ---- reading

    def get(self, key, default=None):
        """The value at ``key``, or ``default`` where there is none."""
        cdef bytes found = self.read(self.key_codec.encode(key))
        return default if found is None else self.value_codec.decode(found)

    def __getitem__(self, key):
        cdef bytes found = self.read(self.key_codec.encode(key))
        if found is None:
            raise KeyError(key)
        return self.value_codec.decode(found)

    def __contains__(self, key) -> bool:
        return self.read(self.key_codec.encode(key)) is not None

    def __len__(self) -> int:
        cdef uint32_t live
        self.lock.lock_shared()
        live = self.table.live
        self.lock.unlock_shared()
        return live

    def __iter__(self):
        cdef unsigned long version = self.version
        cdef uint32_t number = 0
        cdef bytes key
        while True:
            number, key = key_from(self, number)
            if key is None:
                return
            if self.version != version:
                raise RuntimeError("the state changed during iteration")
            yield self.key_codec.decode(key)

    def keys(self):
        """A view of the keys, like that of a dict."""
        return KeysView(self)

    def values(self):
        """A view of the values, like that of a dict."""
        return ValuesView(self)

    def items(self):
        """A view of the (key, value) pairs, like that of a dict."""
        return ItemsView(self)

    def __eq__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(self.items()) == dict(other.items())

    __hash__ = None

    def __repr__(self) -> str:
        kinds = f"keys={self.key_codec.name!r}, values={self.value_codec.name!r}"
        return f"<MemoryState of {len(self)} items, {kinds}>"

    # ---- changing

    def apply(self, writes):
        """Set every key of ``writes`` to its value, or remove it where that is `DELETED`.

        Args:
            writes: a mapping, as in ``BlockResult.writes``, or (key, value) pairs.

        Raises:
            InputError: a key or a value is of the wrong kind; nothing was changed.
            UsageError: a block is running on this state; nothing was changed.
        """
        self.load(writes)

    def copy(self) -> MemoryState:
        """Another state with the same items."""
        cdef MemoryState copied = type(self)(
            keys=self.key_codec.name, values=self.value_codec.name
        )
        cdef int32_t status
        with nogil:
            self.lock.lock_shared()
            status = table_copy(&copied.table, &self.table)
            self.lock.unlock_shared()
        if status != TABLE_OK:
            raise MemoryError
        copied.abi.flags = self.abi.flags
        return copied

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        return restore, (type(self), dict(self), self.key_codec.name, self.value_codec.name)

    # ---- for the executor

    def __blockstm_state__(self):
        """The capsule through which workers read; it keeps this object alive.

        A caller that reads through it calls `_pin` before, and drops the pin after.
        """
        return self.capsule(&self.abi, BLOCKSTM_STATE_CAPSULE)

    def __blockstm_prefetch__(self):
        """The capsule through which workers say what they will read; likewise."""
        return self.capsule(&self.ahead, BLOCKSTM_PREFETCH_CAPSULE)

    cdef object capsule(self, void* pointer, const char* name):
        capsule = PyCapsule_New(pointer, name, <Destructor>drop_owner)
        Py_INCREF(self)
        PyCapsule_SetContext(capsule, <void*>self)
        return capsule

    def _pin(self):
        """A pin: until it is left, or goes, the state cannot be changed. A forked child has none."""
        return pin_on(self)

    cdef void count_pins(self, long change, int pid) noexcept:
        with nogil:
            self.lock.lock()
            self.add_pins(change, pid)
            self.lock.unlock()

    def __sizeof__(self) -> int:
        """What the state holds, in bytes, native memory included."""
        cdef uint64_t size
        self.lock.lock_shared()
        size = table_size(&self.table)
        self.lock.unlock_shared()
        return object.__sizeof__(self) + size

    # ---- parts

    cdef bytes read(self, bytes key):
        """The bytes at a key, None where there are none."""
        cdef vector[uint8_t] copied  # no Python object is made under the lock
        cdef blockstm_bytes value
        cdef int32_t status
        self.lock.lock_shared()
        try:
            status = read_state(
                &self.table, <const uint8_t*>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), &value
            )
            if status == BLOCKSTM_OK:
                copied.assign(value.data, value.data + value.size)
        finally:
            self.lock.unlock_shared()
        if status != BLOCKSTM_OK:
            return None
        return PyBytes_FromStringAndSize(<const char*>copied.data(), copied.size())

    cdef load(self, items):
        cdef LargeVector[Change] changes
        cdef dict held = {}  # what the changes point into; of a key that comes twice the last value
        cdef bytes key, data
        self.abi.flags &= ~BLOCKSTM_STATE_HASHED  # nobody hashes what comes this way
        if isinstance(items, PackedWrites) and self.takes(items):
            read_packed(items, changes)
            self.write(changes)
            return
        if isinstance(items, Mapping):
            items = items.items()
        for pair in items:
            try:
                key_object, value = pair
            except (TypeError, ValueError):
                raise InputError(f"an item is a (key, value) pair, not {brief(pair)}") from None
            data = None if value is DELETED else self.value_codec.encode(value)
            held[self.key_codec.encode(key_object)] = data
        changes.reserve(len(held))
        for key, data in held.items():
            changes.push_back(change_of(key, data))
        self.write(changes)

    cdef bint takes(self, PackedWrites writes):
        """Whether the bytes of a block's writes are what this state would encode them to."""
        cdef Change change
        cdef uint32_t place
        cdef int key_size = self.key_codec.size, value_size = self.value_codec.size
        if writes.key_codec is not self.key_codec or writes.value_codec is not self.value_codec:
            return False
        for place in range(writes.count):
            change = writes.at(place)
            if key_size >= 0 and change.key_size != <uint32_t>key_size:
                return False
            if value_size >= 0 and change.value != NULL and change.value_size != <uint32_t>value_size:
                return False
        return True

    cdef write(self, LargeVector[Change]& changes):
        """Set or remove; all of it, or nothing when the state is pinned or memory runs out."""
        cdef vector[int64_t] numbers
        cdef int32_t status = TABLE_OK
        cdef size_t place
        cdef bint pinned
        numbers.resize(changes.size())
        with nogil:
            self.lock.lock()
            pinned = self.pins_in(getpid()) != 0
            if not pinned and changes.size():
                status = prepare_changes(&self.table, changes, numbers)
                if status == TABLE_OK:
                    self.version += 1
                    for place in range(changes.size()):
                        make_change_at(&self.table, &changes[place], numbers[place])
                    self.compact()
            self.lock.unlock()
        if pinned:
            raise UsageError("the state cannot be changed while a block is running on it")
        if status != TABLE_OK:
            raise MemoryError

    cdef void compact(self) noexcept nogil:
        """Leave dead keys and lost bytes behind once they outweigh the rest; under the lock."""
        cdef uint32_t dead = self.table.count - self.table.live
        cdef Table fresh
        if not (dead > SPARSE_COUNT + self.table.live or is_wasteful(&self.table)):
            return
        table_init(&fresh)
        if table_copy(&fresh, &self.table) == TABLE_OK:
            table_free(&self.table)
            self.table = fresh


cdef int32_t prepare_changes(Table* table, const LargeVector[Change]& changes, vector[int64_t]& numbers) noexcept nogil:
    cdef const Change* change
    cdef uint64_t bytes_wanted = 0
    cdef size_t place
    for place in range(changes.size()):
        change = &changes[place]
        if change.value == NULL:
            numbers[place] = table_find(table, change.key, change.key_size)
            continue
        numbers[place] = table_intern(table, change.key, change.key_size)
        if numbers[place] < 0 or change.value_size > VALUE_SIZE_MAX:
            return TABLE_NO_MEMORY
        bytes_wanted += table_bytes_to_put(table, <uint32_t>numbers[place], change.value_size)
    return table_reserve_bytes(table, bytes_wanted)


cdef void make_change_at(Table* table, const Change* change, int64_t number) noexcept nogil:
    if change.value != NULL:
        table_put(table, <uint32_t>number, change.value, change.value_size)
    elif number >= 0:
        table_drop(table, <uint32_t>number)


cdef int32_t make_change(Table* table, const Change* change) noexcept nogil:
    """Set or remove one value; TABLE_OK or TABLE_NO_MEMORY."""
    cdef int64_t number
    if change.value == NULL:
        number = table_find(table, change.key, change.key_size)
        if number >= 0:
            table_drop(table, <uint32_t>number)
        return TABLE_OK
    number = table_intern(table, change.key, change.key_size)
    if number < 0:
        return <int32_t>number
    return table_put(table, <uint32_t>number, change.value, change.value_size)


cdef void read_packed(PackedWrites writes, LargeVector[Change]& changes) except *:
    """The changes that a block's writes are; they point into them."""
    cdef uint32_t place
    changes.reserve(writes.count)
    for place in range(writes.count):
        changes.push_back(writes.at(place))


cdef Change change_of(bytes key, bytes data) noexcept:
    """``data`` at ``key``, or nothing; valid as long as both."""
    cdef Change change
    change.key, change.key_size = <const uint8_t*>PyBytes_AS_STRING(key), <uint32_t>PyBytes_GET_SIZE(key)
    change.value = NULL
    change.value_size = 0
    if data is not None:
        change.value = <const uint8_t*>PyBytes_AS_STRING(data)
        change.value_size = <uint32_t>PyBytes_GET_SIZE(data)
    return change


cdef bint is_wasteful(const Table* table) noexcept nogil:
    return table.wasted > SPARSE_BYTES and 2 * table.wasted > table.chunks_size


cdef tuple key_from(MemoryState state, uint32_t number):
    """The number after, and the key of, the first entry from `number` on that has a value."""
    cdef vector[uint8_t] copied
    cdef const Entry* entry
    cdef bint found = False
    state.lock.lock_shared()
    try:
        while number < state.table.count and not found:
            entry = &state.table.entries[number]
            number += 1
            if entry_has_value(entry):
                copied.assign(entry_key(entry), entry_key(entry) + entry.key_size)
                found = True
    finally:
        state.lock.unlock_shared()
    if not found:
        return number, None
    return number, PyBytes_FromStringAndSize(<const char*>copied.data(), copied.size())


cdef int open_int64(Py_buffer* buffer, array, str name) except -1:
    """Open a buffer of native int64 in one dimension."""
    cdef bytes form
    if not PyObject_CheckBuffer(array):
        raise InputError(f"{name} is an array of int64, not {kind_of(array)}")
    try:
        PyObject_GetBuffer(array, buffer, PyBUF_FORMAT | PyBUF_STRIDES)
    except (BufferError, TypeError, ValueError) as error:  # as NumPy has none for times
        raise InputError(f"{name} is an array of int64; the buffer of {kind_of(array)} is not: {error}") from error
    form = buffer.format if buffer.format != NULL else b"B"
    if buffer.ndim != 1 or buffer.itemsize != 8 or buffer.suboffsets != NULL or (
            form.lstrip(b"@=<") not in (b"l", b"q")):
        text = (f"{name} is a one-dimensional array of int64, not {buffer.ndim}-dimensional "
                f"with items {brief(form.decode('ascii', 'replace'))}")
        PyBuffer_Release(buffer)
        raise InputError(text)
    return 0


cdef inline Py_ssize_t count_in(const Py_buffer* buffer) noexcept:
    return buffer.shape[0] if buffer.shape != NULL else buffer.len // buffer.itemsize


cdef inline Py_ssize_t step_in(const Py_buffer* buffer) noexcept:
    """ctypes leaves it out where items stand side by side."""
    return buffer.strides[0] if buffer.strides != NULL else buffer.itemsize


cdef int fill(Table* table, Py_buffer* keys, Py_buffer* values) except -1:
    """Load two int64 buffers into a table that no other thread knows yet."""
    cdef Py_ssize_t count = count_in(keys), key_step = step_in(keys), value_step = step_in(values)
    cdef Py_ssize_t place
    cdef int64_t number
    cdef int32_t status = TABLE_OK
    if count_in(values) != count:
        raise InputError(f"keys and values differ in length: {count} and {count_in(values)}")
    with nogil:
        status = table_reserve(table, count)
        for place in range(count):
            if status != TABLE_OK:
                break
            number = table_intern(table, <uint8_t*>keys.buf + place * key_step, 8)
            status = <int32_t>number if number < 0 else table_put(
                table, <uint32_t>number, <uint8_t*>values.buf + place * value_step, 8
            )
    if status != TABLE_OK:
        raise MemoryError
    return 0


def restore(cls, items, keys, values) -> MemoryState:
    """A pickled state."""
    return cls(items, keys=keys, values=values)


Mapping.register(MemoryState)
