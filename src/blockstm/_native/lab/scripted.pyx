"""A native VM whose transactions are little programs: the C table driven at full speed.

For tests: it takes no lock and no GIL, so that what threads do to each other in the engine is all
there is, also where Numba cannot run (under the sanitizers). The programs are those of
`blockstm.testing.scripts`, over keys and values that are bytes to the engine.

A transaction folds everything that it looks at into 64 bits, its output: equal outputs mean
equal reads.

Threads: `execute` is called by any worker; a block is written by one thread before that and is
only read from then on.
"""
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from libcpp.vector cimport vector

from blockstm._native.abi cimport (
    BLOCKSTM_ABSENT, BLOCKSTM_BAD_NUMBER, BLOCKSTM_FAILED, BLOCKSTM_INVALID, BLOCKSTM_NUMBERS_I64,
    BLOCKSTM_OK, BLOCKSTM_REVERTED, BLOCKSTM_STOPPED, BLOCKSTM_SUCCESS, BLOCKSTM_VM_ABI_VERSION,
    BLOCKSTM_VM_CAPSULE, blockstm_bytes, blockstm_location, blockstm_number, blockstm_view,
    blockstm_vm,
)

cdef extern from *:
    """
    /* Makes the compiler compute `word`, whatever becomes of it. */
    static inline void blockstm_compute(uint64_t word) {
        volatile uint64_t kept = word;
        (void)kept;
    }
    """
    void compute "blockstm_compute"(uint64_t word) noexcept nogil

cdef enum Kind:
    GET
    PUT
    DELETE
    ADD
    AT_LEAST
    TRY_ADD
    CHARGE
    BUMP
    COPY
    FOLLOW
    BRANCH  # go to operation `jump` of the program if the value is 0 or absent
    JUMP
    REVERT
    INVALID
    RAISE
    WORK  # spin `number` times
    EXPECT

KINDS = {
    "get": GET, "put": PUT, "delete": DELETE, "add": ADD, "at_least": AT_LEAST,
    "try_add": TRY_ADD, "charge": CHARGE, "bump": BUMP, "copy": COPY, "follow": FOLLOW,
    "branch": BRANCH, "jump": JUMP, "revert": REVERT, "invalid": INVALID, "raise": RAISE,
    "work": WORK, "expect": EXPECT,
}

cdef enum:
    SEEN_NOTHING = 0x6E6F7468696E67  # what stands for "no value" in what was looked at
    SEEN_BAD_NUMBER = 0x6E756D626572

cdef uint64_t FOLD_FIRST = 0xCBF29CE484222325
cdef uint64_t FOLD_TIMES = 0x100000001B3

cdef struct Slice:
    uint64_t offset
    uint64_t size

cdef struct Operation:
    Kind kind
    bint has_lower
    bint has_upper
    Slice key
    Slice other  # the value of PUT or EXPECT, the target of COPY, the message of REVERT, INVALID, RAISE
    int64_t number
    int64_t lower
    int64_t upper
    uint64_t jump

cdef struct Program:
    const Operation* operations
    const uint64_t* starts  # of each transaction in `operations`, and the end of the last
    const uint8_t* text
    bint stubborn

cdef struct Run:
    const Program* program
    blockstm_view* view
    uint64_t seen


cdef inline void look(Run* run, uint64_t word) noexcept nogil:
    run.seen = (run.seen ^ word) * FOLD_TIMES


cdef inline void look_at_bytes(Run* run, const blockstm_bytes* value) noexcept nogil:
    cdef uint64_t place
    look(run, value.size)
    for place in range(value.size):
        look(run, value.data[place])


cdef inline int64_t as_number(const blockstm_bytes* value) noexcept nogil:
    """The number that 8 bytes are; 0 for any other size."""
    cdef int64_t number = 0
    if value.size == 8:
        memcpy(&number, value.data, 8)
    return number


cdef inline blockstm_number number_of(int64_t value) noexcept nogil:
    cdef blockstm_number number
    memset(&number, 0, sizeof(number))
    number.limb[0] = <uint64_t>value
    return number


cdef inline int32_t locate(Run* run, const Slice* key, blockstm_location* location) noexcept nogil:
    return run.view.api.locate(run.view, run.program.text + key.offset, key.size, location)


cdef int32_t read(Run* run, const Slice* key, blockstm_bytes* value) noexcept nogil:
    """Look at a location; OK, ABSENT, or a status that ends the run."""
    cdef blockstm_location location = 0
    cdef int32_t status = locate(run, key, &location)
    memset(value, 0, sizeof(blockstm_bytes))
    if status == BLOCKSTM_OK:
        status = run.view.api.get(run.view, location, value)
    if status == BLOCKSTM_OK:
        look_at_bytes(run, value)
    elif status == BLOCKSTM_ABSENT:
        look(run, SEEN_NOTHING)
    return status


cdef int32_t write(Run* run, const Slice* key, const uint8_t* data, uint64_t size) noexcept nogil:
    cdef blockstm_location location = 0
    cdef int32_t status = locate(run, key, &location)
    return run.view.api.put(run.view, location, data, size) if status == BLOCKSTM_OK else status


cdef int32_t remove(Run* run, const Slice* key) noexcept nogil:
    cdef blockstm_location location = 0
    cdef int32_t status = locate(run, key, &location)
    return run.view.api.remove(run.view, location) if status == BLOCKSTM_OK else status


cdef int32_t add_at(Run* run, const uint8_t* key, uint64_t size, int64_t delta) noexcept nogil:
    cdef blockstm_location location = 0
    cdef blockstm_number number = number_of(delta)
    cdef int32_t status = run.view.api.locate(run.view, key, size, &location)
    return run.view.api.add(run.view, location, &number) if status == BLOCKSTM_OK else status


cdef int32_t at_least(Run* run, const Operation* operation) noexcept nogil:
    cdef blockstm_location location = 0
    cdef blockstm_number bound = number_of(operation.number)
    cdef int32_t holds = 0
    cdef int32_t status = locate(run, &operation.key, &location)
    if status == BLOCKSTM_OK:
        status = run.view.api.at_least(run.view, location, &bound, &holds)
    if status == BLOCKSTM_OK:
        look(run, holds != 0)
    return status


cdef int32_t try_add(Run* run, const Operation* operation) noexcept nogil:
    cdef blockstm_location location = 0
    cdef blockstm_number delta = number_of(operation.number)
    cdef blockstm_number lower = number_of(operation.lower)
    cdef blockstm_number upper = number_of(operation.upper)
    cdef int32_t done = 0
    cdef int32_t status = locate(run, &operation.key, &location)
    if status == BLOCKSTM_OK:
        status = run.view.api.try_add(
            run.view,
            location,
            &delta,
            &lower if operation.has_lower else NULL,
            &upper if operation.has_upper else NULL,
            &done,
        )
    if status == BLOCKSTM_OK:
        look(run, done != 0)
    return status


cdef int32_t expect(Run* run, const Operation* operation) noexcept nogil:
    cdef blockstm_location location = 0
    cdef int32_t holds = 0
    cdef int32_t status = locate(run, &operation.key, &location)
    if status == BLOCKSTM_OK:
        status = run.view.api.expect(
            run.view, location, run.program.text + operation.other.offset, operation.other.size, &holds
        )
    if status == BLOCKSTM_OK:
        look(run, holds != 0)
    return status


cdef int32_t bump(Run* run, const Operation* operation) noexcept nogil:
    cdef blockstm_bytes value
    cdef int64_t total
    cdef int32_t status = read(run, &operation.key, &value)
    if status != BLOCKSTM_OK and status != BLOCKSTM_ABSENT:
        return status
    total = <int64_t>(<uint64_t>as_number(&value) + <uint64_t>operation.number)
    return write(run, &operation.key, <const uint8_t*>&total, 8)


cdef int32_t copy(Run* run, const Operation* operation) noexcept nogil:
    cdef blockstm_bytes value
    cdef int32_t status = read(run, &operation.key, &value)
    if status == BLOCKSTM_OK:
        return write(run, &operation.other, value.data, value.size)
    if status == BLOCKSTM_ABSENT:
        return remove(run, &operation.other)
    return status


cdef int32_t follow(Run* run, const Operation* operation) noexcept nogil:
    cdef blockstm_bytes value
    cdef int64_t zero = 0
    cdef int32_t status = read(run, &operation.key, &value)
    if status == BLOCKSTM_ABSENT:
        return add_at(run, <const uint8_t*>&zero, 8, operation.number)
    if status != BLOCKSTM_OK:
        return status
    return add_at(run, value.data, value.size, operation.number)


cdef int32_t branch(Run* run, const Operation* operation, uint64_t* place) noexcept nogil:
    cdef blockstm_bytes value
    cdef int32_t status = read(run, &operation.key, &value)
    if status == BLOCKSTM_ABSENT or (status == BLOCKSTM_OK and as_number(&value) == 0):
        place[0] = operation.jump
    return status


cdef int32_t work(Run* run, const Operation* operation) noexcept nogil:
    cdef uint64_t word = run.seen
    cdef int64_t turn
    for turn in range(operation.number):
        word = (word ^ <uint64_t>turn) * FOLD_TIMES
    compute(word)
    return BLOCKSTM_OK


cdef int32_t step(Run* run, const Operation* operation, uint64_t* place) noexcept nogil:
    """One operation; the status of its last view call. A branch changes ``place``."""
    cdef const uint8_t* text = run.program.text
    if operation.kind == GET or operation.kind == BRANCH:
        return branch(run, operation, place)
    if operation.kind == PUT:
        return write(run, &operation.key, text + operation.other.offset, operation.other.size)
    if operation.kind == DELETE:
        return remove(run, &operation.key)
    if operation.kind == ADD:
        return add_at(run, text + operation.key.offset, operation.key.size, operation.number)
    if operation.kind == AT_LEAST:
        return at_least(run, operation)
    if operation.kind == TRY_ADD:
        return try_add(run, operation)
    if operation.kind == CHARGE:
        return run.view.api.charge(run.view, <uint64_t>operation.number)
    if operation.kind == BUMP:
        return bump(run, operation)
    if operation.kind == COPY:
        return copy(run, operation)
    if operation.kind == FOLLOW:
        return follow(run, operation)
    if operation.kind == WORK:
        return work(run, operation)
    if operation.kind == EXPECT:
        return expect(run, operation)
    place[0] = operation.jump
    return BLOCKSTM_OK


cdef int32_t finish(
    Run* run, const uint8_t* data, uint64_t size, int32_t verdict
) noexcept nogil:
    cdef int32_t status = run.view.api.output(run.view, data, size)
    return verdict if status == BLOCKSTM_OK or run.program.stubborn else BLOCKSTM_STOPPED


cdef inline int32_t verdict_of(Kind kind) noexcept nogil:
    """How a transaction ends with this operation; SUCCESS where it goes on."""
    if kind == REVERT:
        return BLOCKSTM_REVERTED
    if kind == INVALID:
        return BLOCKSTM_INVALID
    return BLOCKSTM_FAILED if kind == RAISE else BLOCKSTM_SUCCESS


cdef int32_t execute(void* context, blockstm_view* view, int64_t index) noexcept nogil:
    """Run one transaction once. A stubborn VM does not unwind when it is told to."""
    cdef const Program* program = <const Program*>context
    cdef const Operation* operation
    cdef uint64_t place = program.starts[index]
    cdef int32_t status, verdict
    cdef Run run
    run.program, run.view, run.seen = program, view, FOLD_FIRST
    while place < program.starts[index + 1]:
        operation = &program.operations[place]
        place += 1
        verdict = verdict_of(operation.kind)
        if verdict != BLOCKSTM_SUCCESS:
            return finish(
                &run, program.text + operation.other.offset, operation.other.size, verdict
            )
        status = step(&run, operation, &place)
        if status == BLOCKSTM_BAD_NUMBER:
            look(&run, SEEN_BAD_NUMBER)
        elif status != BLOCKSTM_OK and status != BLOCKSTM_ABSENT and not program.stubborn:
            return BLOCKSTM_STOPPED
    return finish(&run, <const uint8_t*>&run.seen, 8, BLOCKSTM_SUCCESS)


cdef class ScriptedBlock:
    """The programs of a block: what `blockstm.testing.NativeScripts` binds transactions to.

    Call `append` for each operation and `end` after each transaction, then `seal`; nothing may be
    added after that.
    """

    cdef vector[Operation] operations
    cdef vector[uint64_t] starts
    cdef vector[uint8_t] text
    cdef Program program
    cdef blockstm_vm table
    cdef readonly object vm

    def __cinit__(self):
        self.starts.push_back(0)
        memset(&self.program, 0, sizeof(Program))
        memset(&self.table, 0, sizeof(blockstm_vm))

    cdef Slice keep(self, bytes data):
        cdef Slice slice
        cdef const uint8_t* first = data
        slice.offset, slice.size = self.text.size(), len(data)
        self.text.insert(self.text.end(), first, first + slice.size)
        return slice

    def append(
        self,
        str kind,
        bytes key=b"",
        bytes other=b"",
        int64_t number=0,
        lower=None,
        upper=None,
    ) -> int:
        """Add an operation to the transaction; its number, for `set_jump`."""
        cdef Operation operation
        memset(&operation, 0, sizeof(Operation))
        operation.kind = <Kind><int>KINDS[kind]
        operation.key, operation.other = self.keep(key), self.keep(other)
        operation.number = number
        operation.has_lower, operation.has_upper = lower is not None, upper is not None
        operation.lower = 0 if lower is None else lower
        operation.upper = 0 if upper is None else upper
        operation.jump = self.operations.size() + 1
        self.operations.push_back(operation)
        return self.operations.size() - 1

    def set_jump(self, uint64_t operation) -> None:
        """Let this operation lead to the one that is added next."""
        if operation >= self.operations.size():
            raise IndexError(f"there are {self.operations.size()} operations, not {operation}")
        self.operations[operation].jump = self.operations.size()

    def end(self) -> None:
        """The transaction is complete."""
        self.starts.push_back(self.operations.size())

    def seal(self, bint stubborn) -> None:
        """The block is complete: make the table."""
        self.program.operations = self.operations.data()
        self.program.starts = self.starts.data()
        self.text.push_back(0)  # also where all are empty, there is a pointer to give
        self.program.text = self.text.data()
        self.program.stubborn = stubborn
        self.table.abi_version = BLOCKSTM_VM_ABI_VERSION
        self.table.struct_size = sizeof(blockstm_vm)
        self.table.numbers = BLOCKSTM_NUMBERS_I64
        self.table.context = &self.program
        self.table.execute = execute
        self.vm = PyCapsule_New(&self.table, BLOCKSTM_VM_CAPSULE, NULL)

    @property
    def count(self) -> int:
        return self.starts.size() - 1
