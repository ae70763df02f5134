# distutils: sources = src/blockstm/_native/trie/trie.cpp src/blockstm/_native/trie/neighbours.cpp src/blockstm/_native/trie/node.cpp src/blockstm/_native/trie/node_store.cpp src/blockstm/_native/trie/refresher.cpp src/blockstm/_native/trie/accounts.cpp src/blockstm/_native/crypto/keccak.cpp
"""Tries that change, over a store of encoded nodes; see ``trie.hpp`` and ``accounts.hpp``.

Threads: any thread may use any object; those over one store take turns. What is long (`Trie.update`,
`Accounts.apply`, roots) runs without the GIL. No Python object is touched while a store is locked.
"""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy
from libcpp cimport bool as cbool
from posix.unistd cimport getpid

from blockstm._native.trie cimport core
from blockstm._native.base.array cimport Array
from blockstm._native.base.byte_view cimport ByteView as Bytes
from blockstm._native.base.chunks cimport chunk_store, use_chunks
from blockstm._native.base.pins cimport Pinned, pin_on
from blockstm._native.trie.core cimport HASH_SIZE, KEY_SIZE_MAX, KeccakTask, Status

from blockstm.cores import usable_cores
from blockstm.errors import DecodeError, InputError, MissingNode, UsageError
from blockstm.messages import brief

cdef extern from "base/threads.hpp" namespace "blockstm" nogil:
    const uint64_t SHARED_MIN

cdef enum:
    ADDRESS_SIZE = 20
    WORD_SIZE = 32
    KECCAK_RATE = 136

cdef bytes EMPTY_ROOT = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")

use_chunks(chunk_store())


cdef class NodeStore:
    """Encoded nodes by their hash: what a trie that is opened by its root finds its nodes in.

    Args:
        nodes: encodings, in any order; what is no node is refused when a trie comes to it.
        source: where others are read by the way to them: it has ``__blockstm_nodes__()``, a capsule
            "blockstm.nodes" with a NodeSource, and ``error(hash, is_unreadable, is_missing)``.
    """

    cdef core.NodeStore nodes
    cdef object source
    cdef list held  # the encodings, which the native store points into

    def __cinit__(self):
        self.nodes.set_chunks(chunk_store())

    def __init__(self, nodes=(), source=None):
        self.source, self.held = source, []
        if source is not None:
            self.nodes.set_source(
                <core.NodeSource*>PyCapsule_GetPointer(source.__blockstm_nodes__(), "blockstm.nodes")
            )
        self.add(nodes)

    def add(self, nodes, others=()):
        """Keep more nodes, and say what the hashes of others are, which are computed by the way.

        Raises:
            InputError: one is not bytes.
        """
        cdef tuple held = tuple(nodes)
        cdef list hashes = [PyBytes_FromStringAndSize(NULL, HASH_SIZE) for _ in others]
        cdef Array[Bytes] views
        cdef Array[KeccakTask] tasks
        cdef KeccakTask task
        cdef uint64_t blocks = len(held), before, after
        cdef uint32_t threads
        cdef cbool is_kept
        if held and views.extend(len(held)) == NULL:
            raise MemoryError
        for place, node in enumerate(held):
            views[place] = view_of(bytes_of(node, "node"))
        for other, hash in zip(others, hashes):
            view = view_of(bytes_of(other, "code"))
            task.data, task.size = view.data(), view.size()
            task.out = <uint8_t*>PyBytes_AS_STRING(hash)
            blocks += task.size // KECCAK_RATE
            if not tasks.push(task):
                raise MemoryError
        threads = usable_cores() if blocks >= SHARED_MIN else 1  # to count the cores reads files
        with cython.critical_section(self):
            self.held.append(held)
        with nogil:
            self.nodes.lock()
            before = self.nodes.count()
            is_kept = self.nodes.add_all(views, core.span[KeccakTask](tasks.data(), tasks.size()), threads)
            after = self.nodes.count()
            self.nodes.unlock()
        if before == after:  # all were there
            with cython.critical_section(self):
                self.held = [each for each in self.held if each is not held]
        if not is_kept:
            raise MemoryError
        return hashes

    def __len__(self):
        self.lock()
        cdef uint64_t count = self.nodes.count()
        self.nodes.unlock()
        return <Py_ssize_t>count

    def __contains__(self, hash):
        cdef bytes ours = bytes_of(hash, "hash", HASH_SIZE)
        cdef Bytes encoding
        self.lock()
        cdef cbool is_there = self.nodes.find(view_of(ours).data(), encoding)
        self.nodes.unlock()
        return is_there

    cdef void lock(self) noexcept:
        """Waits for the lock without the GIL, and for the GIL without the lock, so that no thread that has
        one of them waits for the other; a fork does, too (fork_locks.hpp)."""
        while not self.nodes.try_lock():
            with nogil:
                self.nodes.lock()
                self.nodes.unlock()

    cdef void unlock(self, uint8_t* blamed) noexcept nogil:
        """Copies the key that an error is about, before another thread can change it."""
        memcpy(blamed, self.nodes.space().blamed, HASH_SIZE)
        self.nodes.unlock()

    cdef object error_of(self, Status status, const uint8_t* blamed):
        """The exception for a status that is not Ok."""
        cdef bytes hash = bytes_at(blamed, HASH_SIZE)
        if status == Status.BadInput:
            return InputError("the records of accounts do not follow their layout")
        if status == Status.OutOfMemory:
            return MemoryError()
        if self.source is not None:
            return self.source.error(hash, status == Status.Unreadable, status == Status.Missing)
        if status == Status.Missing:
            return MissingNode(f"the node 0x{hash.hex()} is not in the store", hash)
        place = f"node 0x{hash.hex()}"
        return DecodeError(f"{place}: it is not what a trie has there", place)


cdef class Trie:
    """A Merkle Patricia trie from keys of at most 255 bytes to values, which are not empty.

    A method that comes to a node which is not in the store raises `MissingNode`, to one which is
    none `DecodeError`; the trie is then as it was. A key or value that is not bytes, or a key that
    is too long, is an `InputError`.

    Args:
        root: of the trie; by default an empty one.
        store: where its nodes are found; by default none are there, and none are needed.
    """

    cdef readonly NodeStore store
    cdef core.Trie trie

    def __cinit__(self, root=EMPTY_ROOT, NodeStore store=None):
        cdef bytes ours = bytes_of(root, "root", HASH_SIZE)
        cdef uint8_t blamed[HASH_SIZE]
        cdef Status status
        self.store = NodeStore() if store is None else store
        self.store.lock()
        status = self.trie.open(self.store.nodes.space(), view_of(ours).data())
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)

    def __dealloc__(self):
        if self.store is not None:
            self.store.lock()
            self.trie.drop(self.store.nodes.space())
            self.store.nodes.unlock()

    def copy(self):
        """Another trie with the same entries, in no time: what both have in common they share."""
        cdef Trie copied = Trie.__new__(Trie, EMPTY_ROOT, self.store)
        self.store.lock()
        copied.trie = self.trie.copy()
        self.store.nodes.unlock()
        return copied

    def get(self, key, default=None):
        """The value at ``key``, ``default`` where there is none."""
        cdef bytes ours = key_of(key)
        cdef uint8_t blamed[HASH_SIZE]
        cdef Array[uint8_t] found
        cdef Bytes value
        self.store.lock()
        cdef Status status = self.trie.get(self.store.nodes.space(), view_of(ours), value)
        status = keep(found, value) if status == Status.Ok else status
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)
        return bytes_at(found.data(), found.size()) if found.size() else default

    def set(self, key, value):
        """Put ``value`` at ``key``; an empty one removes the key."""
        cdef bytes ours = key_of(key)
        cdef bytes put = bytes_of(value, "value")
        cdef uint8_t blamed[HASH_SIZE]
        self.store.lock()
        cdef Status status = self.trie.set(self.store.nodes.space(), view_of(ours), view_of(put))
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)

    def delete(self, key):
        """Remove ``key``; one that is not there is fine."""
        self.set(key, b"")

    def update(self, entries):
        """`set` every key of a dictionary, removals last. What fails leaves those before it set."""
        cdef list held = [
            (key_of(key), bytes_of(value, "value"))
            for key, value in sorted(entries.items(), key=is_removal)
        ]
        cdef Array[Bytes] views
        cdef uint8_t blamed[HASH_SIZE]
        cdef Status status = Status.Ok
        cdef uint64_t place = 0
        for key, value in held:
            if not views.push(view_of(key)) or not views.push(view_of(value)):
                raise MemoryError
        with nogil:
            self.store.nodes.lock()
            while place < views.size() and status == Status.Ok:
                status = self.trie.set(self.store.nodes.space(), views[place], views[place + 1])
                place += 2
            self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)

    def root(self):
        """The root, 32 bytes; only what changed since the last one is hashed."""
        cdef uint8_t out[HASH_SIZE]
        cdef uint8_t blamed[HASH_SIZE]
        cdef Status status
        with nogil:
            self.store.nodes.lock()
            status = self.trie.root(self.store.nodes.space(), out)
            self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)
        return bytes_at(out, HASH_SIZE)

    def prove(self, key):
        """The encodings of the nodes from the top to ``key``: a proof of its value or absence."""
        cdef bytes ours = key_of(key)
        cdef uint8_t blamed[HASH_SIZE]
        cdef Array[uint8_t] encodings
        cdef Array[uint64_t] sizes
        self.store.lock()
        cdef Status status = self.trie.prove(self.store.nodes.space(), view_of(ours), encodings, sizes)
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)
        return pieces(encodings, sizes)

    def after(self, key):
        """The next key behind ``key``, which need not be there, and its value; None at the end."""
        return self._neighbour(key, True)

    def before(self, key):
        """The next key before ``key``, which need not be there, and its value; None at the start."""
        return self._neighbour(key, False)

    def items(self):
        """The entries in the order of their keys; what is set meanwhile may be among them."""
        value = self.get(b"")
        entry = None if value is None else (b"", value)
        if entry is None:
            entry = self.after(b"")
        while entry is not None:
            yield entry
            entry = self.after(entry[0])

    cdef object _neighbour(self, object key, bint is_behind):
        cdef bytes ours = key_of(key)
        cdef uint8_t blamed[HASH_SIZE]
        cdef uint8_t found[KEY_SIZE_MAX]
        cdef uint64_t found_size = 0
        cdef Array[uint8_t] held
        cdef Bytes value
        self.store.lock()
        cdef Status status = self.trie.neighbour(
            self.store.nodes.space(), view_of(ours), is_behind, found, found_size, value
        )
        status = keep(held, value) if status == Status.Ok else status
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)
        if not held.size():
            return None
        return bytes_at(found, found_size), bytes_at(held.data(), held.size())


cdef class AccountTries(Pinned):
    """The tries of a state, behind one root: accounts by address, slots by number.

    Errors are those of `Trie`.

    Args:
        root: of the state; by default one without accounts.
        store: where nodes are found; by default none are there, and none are needed.
    """

    cdef readonly NodeStore store
    cdef core.Accounts accounts
    cdef void* shown[2]

    def __cinit__(self, root=EMPTY_ROOT, NodeStore store=None, AccountTries shared=None):
        cdef bytes ours = bytes_of(root, "root", HASH_SIZE)
        cdef uint8_t blamed[HASH_SIZE]
        cdef Status status = Status.Ok
        self.store = NodeStore() if store is None else store
        self.store.lock()
        if shared is None:
            status = self.accounts.open(self.store.nodes, view_of(ours).data())
        else:
            status = Status.Ok if self.accounts.share(shared.accounts) else Status.OutOfMemory
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)

    def __dealloc__(self):
        if self.store is not None:
            self.store.lock()
            self.accounts.drop()
            self.store.nodes.unlock()

    def __blockstm_tries__(self):
        """A capsule of the native tries and their store, which this object must outlive."""
        self.shown[0], self.shown[1] = &self.accounts, &self.store.nodes
        return PyCapsule_New(self.shown, "blockstm.tries", NULL)

    def _pin(self):
        """A pin: until it is left, or goes, these tries cannot be changed; copies of them can."""
        return pin_on(self)

    cdef void count_pins(self, long change, int pid) noexcept:
        self.store.lock()
        self.add_pins(change, pid)
        self.store.nodes.unlock()

    def copy(self):
        """The same state once more, in no time: what both have in common they share."""
        return AccountTries.__new__(AccountTries, EMPTY_ROOT, self.store, self)

    def account(self, address):
        """Nonce, balance, storage root and code hash; None where there is no account."""
        cdef bytes ours = bytes_of(address, "address", ADDRESS_SIZE)
        cdef uint8_t blamed[HASH_SIZE]
        cdef core.Account account
        cdef cbool exists = False
        self.store.lock()
        cdef Status status = self.accounts.account(view_of(ours).data(), account, exists)
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)
        if not exists:
            return None
        return (
            account.nonce,
            int.from_bytes(bytes_at(account.balance, WORD_SIZE), "big"),
            bytes_at(account.storage_root, HASH_SIZE),
            bytes_at(account.code_hash, HASH_SIZE),
        )

    def slot(self, address, slot):
        """The value at a slot, 0 where there is none."""
        cdef bytes ours = bytes_of(address, "address", ADDRESS_SIZE)
        cdef bytes place = word_of(slot)
        cdef uint8_t blamed[HASH_SIZE]
        cdef uint8_t value[WORD_SIZE]
        self.store.lock()
        cdef Status status = self.accounts.slot(view_of(ours).data(), view_of(place).data(), value)
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)
        return int.from_bytes(bytes_at(value, WORD_SIZE), "big")

    def apply(self, records, uint32_t workers=1):
        """Take over changes given as the flat records of ``account.hpp``; see `Records`.

        What fails leaves all as it was. ``workers`` threads share what is much, where all nodes are
        in memory.

        Raises:
            UsageError: a block is running on this state.
        """
        cdef bytes ours = bytes_of(records, "record")
        cdef Bytes view = view_of(ours)
        cdef uint8_t blamed[HASH_SIZE]
        cdef Status status = Status.Ok
        cdef bint is_pinned
        with nogil:
            self.store.nodes.lock()
            is_pinned = self.pins_in(getpid()) != 0
            if not is_pinned:
                status = self.accounts.apply(view, workers)
            self.store.unlock(blamed)
        if is_pinned:
            raise UsageError("the state cannot be changed while a block is running on it")
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)

    def root(self, uint32_t workers=1):
        """The state root, 32 bytes; only what changed since the last one is hashed, by ``workers``
        threads where that is much."""
        cdef uint8_t out[HASH_SIZE]
        cdef uint8_t blamed[HASH_SIZE]
        cdef Status status
        with nogil:
            self.store.nodes.lock()
            status = self.accounts.root(workers, out)
            self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)
        return bytes_at(out, HASH_SIZE)

    def prove(self, address, slot=None):
        """The encodings of the nodes from the top to an account, or to a slot of it (EIP-1186)."""
        cdef bytes ours = bytes_of(address, "address", ADDRESS_SIZE)
        cdef bytes place = None if slot is None else word_of(slot)
        cdef uint8_t blamed[HASH_SIZE]
        cdef Array[uint8_t] encodings
        cdef Array[uint64_t] sizes
        cdef const uint8_t* at = view_of(ours).data()
        cdef Status status
        self.store.lock()
        if place is None:
            status = self.accounts.prove(at, encodings, sizes)
        else:
            status = self.accounts.prove_slot(at, view_of(place).data(), encodings, sizes)
        self.store.unlock(blamed)
        if status != Status.Ok:
            raise self.store.error_of(status, blamed)
        return pieces(encodings, sizes)


def is_removal(entry):
    """Whether an entry's value is empty: such keys are set last, when fewer branches collapse."""
    return not entry[1]


cdef bytes bytes_of(object value, str what, Py_ssize_t size=-1):
    if not isinstance(value, bytes):
        raise InputError(f"a {what} is bytes, not {type(value).__name__}")
    if size >= 0 and len(value) != size:
        raise InputError(f"a {what} has {size} bytes, not {len(value)}")
    return <bytes>value  # of a class made from bytes, too


cdef bytes key_of(object key):
    if len(bytes_of(key, "key")) > KEY_SIZE_MAX:
        raise InputError(f"a key has at most {KEY_SIZE_MAX} bytes, not {len(key)}")
    return <bytes>key


cdef bytes word_of(object number):
    try:
        return number.to_bytes(WORD_SIZE, "big")
    except (AttributeError, TypeError):
        raise InputError(f"a slot is an int, not {type(number).__name__}") from None
    except OverflowError:
        raise InputError(f"a slot is from 0 to 2**256-1, not {brief(number)}") from None


cdef Bytes view_of(bytes data) noexcept:
    return Bytes(<const uint8_t*>PyBytes_AS_STRING(data), <uint64_t>PyBytes_GET_SIZE(data))


cdef bytes bytes_at(const uint8_t* data, uint64_t size):
    return PyBytes_FromStringAndSize(<const char*>data, size)


cdef Status keep(Array[uint8_t]& kept, Bytes value) noexcept nogil:
    """A copy, since the next change may move what ``value`` looks at."""
    cdef uint8_t* place = kept.extend(value.size())
    if value.size() != 0 and place == NULL:
        return Status.OutOfMemory
    if value.size() != 0:
        memcpy(place, value.data(), value.size())
    return Status.Ok


cdef list pieces(Array[uint8_t]& encodings, Array[uint64_t]& sizes):
    cdef list found = []
    cdef uint64_t index, start = 0
    for index in range(sizes.size()):
        found.append(bytes_at(encodings.data() + start, sizes[index]))
        start += sizes[index]
    return found
