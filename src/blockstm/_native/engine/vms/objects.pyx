"""Python VMs; see the ``.pxd``. Everything here runs with the GIL, or attached, where there is none."""
cimport cython
from cpython.exc cimport PyErr_GivenExceptionMatches
from cpython.float cimport PyFloat_CheckExact
from cpython.long cimport PyLong_AsLong, PyLong_CheckExact
# Not `+`: Cython's shortcut takes 0 + -0.0 for -0.0, where Python says 0.0.
from cpython.number cimport PyNumber_Add, PyNumber_Subtract
from cpython.object cimport Py_LT, PyObject, PyObject_RichCompareBool
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from collections.abc import Mapping
from numbers import Number

from blockstm.errors import Invalid, Revert, ViewError
from blockstm.types import DELETED, Outcome, Status
from blockstm.values import OutOfRange, plus

from blockstm._native.abi cimport (
    BLOCKSTM_BAD_NUMBER, BLOCKSTM_FAILED, BLOCKSTM_INVALID, BLOCKSTM_NO_MEMORY,
    BLOCKSTM_NUMBERS_OBJECT, BLOCKSTM_OK, BLOCKSTM_REVERTED, BLOCKSTM_STALE, BLOCKSTM_STATE_ERROR,
    BLOCKSTM_STOPPED, BLOCKSTM_SUCCESS, BLOCKSTM_VM_ABI_VERSION, BLOCKSTM_VM_NEEDS_GIL,
    blockstm_number, blockstm_view, blockstm_vm,
)
from blockstm._native.base.arena cimport Arena
from blockstm._native.base.keeping cimport keep, keep_instead, release
from blockstm._native.base.sameness cimport is_same
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.frontier cimport Admission, ExecutionResult, Frontier
from blockstm._native.engine.mvmemory.interner cimport interner_append, location_at
from blockstm._native.engine.mvmemory.locations cimport Location, key_room
from blockstm._native.engine.mvmemory.numbers cimport (
    FITS, NOT_INTEGERS, Fit, ObjectNumbers, same_payload,
)
from blockstm._native.engine.mvmemory.store cimport ReadBase, Store
from blockstm._native.engine.mvmemory.values cimport (
    PAYLOAD_ABSENT, PAYLOAD_DELTA, PAYLOAD_VALUE, Payload,
)
from blockstm._native.engine.results.object_outcomes cimport ObjectOutcomes
from blockstm._native.engine.view.accesses cimport NOT_INTEGERS_HERE, View, stop
from blockstm._native.engine.view.view cimport (
    view_add, view_at_least, view_get, view_put_word, view_remove, view_seen, view_try_add,
    view_written,
)

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() nogil
    # Without references of its own, which workers without a GIL would count in one place.
    PyObject* find_in "PyDict_GetItemWithError"(PyObject* found_in, object key) except? NULL

ctypedef int32_t (*Execute)(void* context, blockstm_view* view, int64_t index) noexcept nogil
ctypedef int (*AddObjects)(void*, uint64_t, uint64_t, uint64_t*) noexcept nogil
ctypedef bint (*SameObjects)(uint64_t, uint64_t) noexcept nogil
ctypedef Fit (*SubtractObjects)(void*, uint64_t, uint64_t, uint64_t*) noexcept nogil
ctypedef int (*CompareObjects)(uint64_t, uint64_t) noexcept nogil
ctypedef bint (*IsInteger)(uint64_t) noexcept nogil
ctypedef bint (*HoldObject)(void*, uint32_t, uint64_t) noexcept nogil

cdef object SUCCESS = Status.SUCCESS
cdef object REVERTED = Status.REVERTED
cdef object SKIPPED = Status.SKIPPED
cdef object ZERO = 0, ONE = 1, MINUS_ONE = -1
cdef object ABSENT = object()
cdef object OUT_OF_MEMORY = MemoryError("out of memory while a block was run")


class Stop(BaseException):
    """Leaves a VM whose run is over; not an Exception, so a VM's own handlers let it pass."""

# ---------------------------------------------------------------- objects as numbers
#
# These are called through pointers declared `nogil` by code that does not know Python; the worker
# holds the GIL all the while (BLOCKSTM_VM_NEEDS_GIL), so they do not take it again.


cdef inline bint is_number(object value):
    return PyLong_CheckExact(value) or PyFloat_CheckExact(value) or isinstance(value, Number)


cdef int add_objects(void* owner, uint64_t value, uint64_t delta, uint64_t* result) noexcept:
    cdef int status = BLOCKSTM_BAD_NUMBER
    add_into(<BoundPythonVm>owner, value, delta, result, &status)
    return status


cdef void add_into(BoundPythonVm vm, uint64_t value, uint64_t delta, uint64_t* result,
                   int* status) noexcept:
    """Where it fails the same sum is done again, and raises, where the error counts."""
    cdef object left = ZERO if value == 0 else <object><PyObject*>value
    cdef object total = None, failure = OUT_OF_MEMORY
    cdef bint added = False
    try:
        if PyLong_CheckExact(left) or is_number(left):
            total = PyNumber_Add(left, <object><PyObject*>delta)
            added = True
    except BaseException as error:
        failure = error
        vm.give_up_on(error)
    if added and vm.keep_for_run(total, vm.workers):
        result[0] = <uint64_t><PyObject*>total
        status[0] = BLOCKSTM_OK
        return
    with cython.critical_section(vm):
        vm.failed_sum = failure


cdef bint same_objects(uint64_t left, uint64_t right) noexcept:
    return left == right or is_same(<object><PyObject*>left, <object><PyObject*>right, 0)


cdef Fit subtract_objects(void* owner, uint64_t left, uint64_t right, uint64_t* difference) noexcept:
    """Out of memory: NOT_INTEGERS, so that the caller reads the value instead."""
    cdef Fit fit = NOT_INTEGERS
    if PyLong_CheckExact(<object><PyObject*>left) and PyLong_CheckExact(<object><PyObject*>right):
        subtract_into(<BoundPythonVm>owner, left, right, difference, &fit)
    return fit


cdef void subtract_into(BoundPythonVm vm, uint64_t left, uint64_t right, uint64_t* difference,
                        Fit* fit) noexcept:
    cdef object result = None
    try:
        result = PyNumber_Subtract(<object><PyObject*>left, <object><PyObject*>right)
    except BaseException:
        pass
    if result is not None and vm.keep_for_run(result, vm.workers):
        difference[0] = <uint64_t><PyObject*>result
        fit[0] = FITS


cdef int compare_objects(uint64_t value, uint64_t number) noexcept:
    cdef object left = ZERO if value == 0 else <object><PyObject*>value
    cdef object right = ZERO if number == 0 else <object><PyObject*>number
    if PyObject_RichCompareBool(left, right, Py_LT):
        return -1
    return PyObject_RichCompareBool(right, left, Py_LT)


cdef bint is_integer(uint64_t value) noexcept:
    return PyLong_CheckExact(<object><PyObject*>value)


cdef bint hold_object(void* owner, uint32_t location, uint64_t value) noexcept:
    cdef BoundPythonVm vm = <BoundPythonVm>owner
    cdef list held = vm.held
    while <uint32_t>len(held) <= location:
        if not keep(held, None):
            return False
    if not keep_instead(held, location, <object><PyObject*>value if value else None, vm.passing,
                        vm.passed):
        return False
    vm.passed += 1
    return True

# ---------------------------------------------------------------- a block of a Python VM


cdef int32_t execute_object(void* context, blockstm_view* view, int64_t index) noexcept:
    cdef int32_t status = BLOCKSTM_STOPPED
    (<View*>view).fault = BLOCKSTM_NO_MEMORY  # until it is known otherwise
    (<BoundPythonVm>context).execute(<View*>view, <int32_t>index, &status)
    return status


cdef int read_object(void* context, void* reader, Location* location, Arena* arena,
                     Payload* base) noexcept nogil:
    with gil:
        return told_by_state(<BoundPythonVm>context, <View*>reader, location, base)


cdef int told_by_state(BoundPythonVm vm, View* view, Location* location, Payload* base) noexcept:
    cdef int status = BLOCKSTM_NO_MEMORY
    read_into(vm, view, location, base, &status)
    return status


cdef void read_into(BoundPythonVm vm, View* view, Location* location, Payload* base,
                    int* status) noexcept:
    """See keeping.pxd for what ``status`` says."""
    cdef PyObject* key
    cdef object value = None
    cdef bint failed = False
    memcpy(&key, key_room(location), sizeof(key))
    try:
        value = vm.read_state(<object>key)
    except BaseException as error:
        failed = True
        vm.give_up_on(error)
        if keep(vm.kept, error):
            view.error = <uint64_t><PyObject*>error
            status[0] = BLOCKSTM_STATE_ERROR
    if failed or not keep(vm.kept, value):
        return
    base.kind = PAYLOAD_ABSENT if value is ABSENT else PAYLOAD_VALUE
    base.size = 0 if value is ABSENT else 8
    base.word[0] = <uint64_t><PyObject*>value
    status[0] = BLOCKSTM_OK


cdef bint admit_object(void* context, int32_t index, Arena* arena, ExecutionResult* refused) noexcept nogil:
    with gil:
        return (<BoundPythonVm>context).admits(index, refused)


cdef bint count_object(void* context, int32_t index, ExecutionResult* result) noexcept nogil:
    with gil:
        return (<BoundPythonVm>context).counts(index, result)


cdef class BoundPythonVm(BoundVm):
    """A block of Python transactions: a callable, a list, and a mapping or StateReader."""

    def __init__(self, callable, list transactions, state):
        make_admission = getattr(callable, "__blockstm_admission__", None)
        if make_admission is not None:
            self.capacity = make_admission()
            self.admission = Admission(admit_object, count_object, <void*>self)
        self.callable = callable
        self.transactions = transactions
        self.state = state
        self.state_is_dict = type(state) is dict
        self.state_is_mapping = isinstance(state, Mapping)
        self.state_get = state.get
        self.locations = {}
        self.kept, self.passing, self.held, self.shared = [], [], [], []
        self.fill_tables()

    def __dealloc__(self):
        free(self.keeping)

    cdef void enter(self, Store* store, int32_t workers):
        BoundVm.enter(self, store, workers)
        free(self.keeping)
        self.workers = workers
        self.keeping = <Keeping*>calloc(workers + 1, sizeof(Keeping))
        if self.keeping == NULL:
            raise MemoryError
        self.keep_anew([])

    cdef int keep_anew(self, list common) except -1:
        """Keep nothing of any run but what is in ``common``."""
        cdef list lists = [[] for _ in range(self.workers)]
        cdef int32_t worker
        lists.append(common)
        for worker in range(self.workers + 1):
            self.keeping[worker].listed = <PyObject*>lists[worker]
            self.keeping[worker].bytes.prepare(0)
        self.shared, lists = lists, self.shared  # destructors run
        return 0

    cdef void fill_tables(self):
        self.table.abi_version = BLOCKSTM_VM_ABI_VERSION
        self.table.struct_size = sizeof(blockstm_vm)
        self.table.numbers = BLOCKSTM_NUMBERS_OBJECT
        self.table.flags = BLOCKSTM_VM_NEEDS_GIL
        self.table.context = <void*>self
        self.table.execute = <Execute><void*>execute_object
        self.number_table.context = <void*>self
        self.number_table.add = <AddObjects><void*>add_objects
        self.number_table.same = <SameObjects><void*>same_objects
        self.number_table.subtract = <SubtractObjects><void*>subtract_objects
        self.number_table.compare = <CompareObjects><void*>compare_objects
        self.number_table.is_integer = <IsInteger><void*>is_integer
        self.number_table.hold = <HoldObject><void*>hold_object
        self.called = &self.table
        self.read_base = read_object
        self.read_context = <void*>self
        memset(&self.numbers, 0, sizeof(self.numbers))
        self.numbers.domain = BLOCKSTM_NUMBERS_OBJECT
        self.numbers.objects = &self.number_table
        self.numbers.one.limb[0] = <uint64_t><PyObject*>ONE
        self.numbers.minus_one.limb[0] = <uint64_t><PyObject*>MINUS_ONE

    cdef object read_state(self, object key):
        if self.state_is_dict:
            return item_in(<dict>self.state, key, ABSENT)
        if self.state_is_mapping:
            return self.state_get(key, ABSENT)
        value = self.state_get(key)
        return ABSENT if value is None else value

    cdef uint32_t locate(self, object key, View* view) except? 0xffffffff:
        cdef PyObject* found = find_in(<PyObject*>self.locations, key)  # borrowed: none is ever removed
        cdef uint32_t location
        cdef Location* fresh
        cdef PyObject* pointer = <PyObject*>key
        if found != NULL:
            return <uint32_t>PyLong_AsLong(<object>found)
        fresh = interner_append(&self.store.interner, &view.ids, 1, &location)  # nothing is listed of objects
        if fresh == NULL:
            view.fault = BLOCKSTM_NO_MEMORY
            raise Stop
        fresh.key_size = sizeof(pointer)
        memcpy(key_room(fresh), &pointer, sizeof(pointer))
        keep_on(view, self.kept, key)
        try:
            # Another thread may have been faster; then its location counts and ours stays unused.
            return <uint32_t>PyLong_AsLong(self.locations.setdefault(key, location))
        except MemoryError:
            stop(view, BLOCKSTM_NO_MEMORY)
            raise

    cdef void execute(self, View* view, int32_t index, int32_t* status) noexcept:
        """See keeping.pxd for what ``status`` says, and the view's fault, which says more."""
        cdef PythonView python_view = None
        cdef object value = None
        cdef int32_t ended = BLOCKSTM_STOPPED
        try:
            python_view = PythonView.__new__(PythonView)
        except BaseException:  # out of memory
            pass
        if python_view is None:
            return
        if self.store.exclusive:
            release(self.passing, self.passed)
            self.passed = 0
        view.fault = BLOCKSTM_OK
        python_view.view = view
        python_view.of = <void*>self
        python_view.thread = PyThread_get_thread_ident()
        try:
            value = self.callable(python_view, self.transactions[index])
            ended = BLOCKSTM_SUCCESS
        except BaseException as error:
            value = error
            ended = self.failure(error)
        python_view.view = NULL
        if view.fault or (value is not None and not keep(self.kept, value)):
            stop(view, view.fault or BLOCKSTM_NO_MEMORY)
            return
        if value is not None:
            view.value = <uint64_t><PyObject*>value
        status[0] = ended

    cdef int reclaim(self, const Frontier* frontier) except -1:
        cdef list final = []
        cdef uint32_t place
        cdef const Payload* value
        for place in range(frontier.written_count):
            value = location_at(&self.store.interner, frontier.written[place]).committed.read_plain()
            if value.kind == PAYLOAD_VALUE:
                final.append(<object><PyObject*>value.word[0])
        return self.keep_anew(final)

    cdef int32_t failure(self, object error) noexcept:
        """By its type, as `except` does: an exception has no say in what it is."""
        if PyErr_GivenExceptionMatches(error, Revert):
            return BLOCKSTM_REVERTED
        if PyErr_GivenExceptionMatches(error, Invalid):
            return BLOCKSTM_INVALID
        if PyErr_GivenExceptionMatches(error, KeyboardInterrupt):
            self.give_up_on(error)
        return BLOCKSTM_FAILED

    cdef bint admits(self, int32_t index, ExecutionResult* refused) noexcept:
        cdef object error = None
        cdef bint admitted = False
        refused.status = BLOCKSTM_FAILED  # until it is known otherwise
        refused.value = 0
        try:
            error = self.capacity.refusal(self.transactions[index])
            admitted = error is None
            refused.status = BLOCKSTM_INVALID
        except BaseException as raised:
            error = raised
        if not admitted:
            self.keep_error(error, refused)
        return admitted

    cdef bint counts(self, int32_t index, ExecutionResult* result) noexcept:
        cdef object refusal = OUT_OF_MEMORY
        cdef bint counted = False
        try:
            status, value, error, gas = self.outcome(index, result)
            self.capacity.count(self.transactions[index], Outcome(index, status, value, error, gas))
            counted = True
        except BaseException as raised:
            refusal = raised
        if not counted:
            result.status = BLOCKSTM_FAILED
            self.keep_error(refusal, result)
        return counted

    cdef void keep_error(self, object error, ExecutionResult* result) noexcept:
        """Without memory to keep the error, `exception` returns a MemoryError instead."""
        result.value = <uint64_t><PyObject*>error if keep(self.kept, error) else 0

    cdef tuple outcome(self, int32_t index, const ExecutionResult* result):
        value = <object><PyObject*>result.value if result.value else None
        if result.status == BLOCKSTM_SUCCESS:
            return SUCCESS, value, None, result.gas
        return REVERTED if result.status == BLOCKSTM_REVERTED else SKIPPED, None, value, result.gas

    cdef tuple results(self, const Frontier* frontier, int32_t count):
        return ObjectOutcomes.of(frontier, count), self.writes(frontier)

    cdef dict writes(self, const Frontier* frontier):
        cdef dict result = {}
        cdef uint32_t place
        cdef Location* location
        cdef const Payload* value
        for place in range(frontier.written_count):
            location = location_at(&self.store.interner, frontier.written[place])
            value = location.committed.observe()
            if same_payload(&self.numbers, value, location.base.observe()):
                continue
            result[self.key(frontier.written[place])] = (
                <object><PyObject*>value.word[0] if value.kind == PAYLOAD_VALUE else DELETED)
        return result

    cdef object key(self, uint32_t location):
        cdef PyObject* key
        memcpy(&key, key_room(location_at(&self.store.interner, location)), sizeof(key))
        return <object>key

    cdef object delta_error(self, Frontier* frontier):
        cdef const Payload* below = frontier.below
        value = <object><PyObject*>below.word[0] if below.kind == PAYLOAD_VALUE else ZERO
        try:
            plus(value, <object><PyObject*>frontier.delta.word[0])
        except OutOfRange as error:
            return error.at(self.key(frontier.failed_location))
        except BaseException as error:
            return error
        if self.failed_sum is not None:
            return self.failed_sum
        return ArithmeticError("a sum failed once and succeeded when done again")

    cdef object exception(self, int32_t index, const ExecutionResult* result):
        return <object><PyObject*>result.value if result.value else OUT_OF_MEMORY

# ---------------------------------------------------------------- the view of a Python VM


cdef inline int check_number(str what, object value) except -1:
    if not is_number(value):
        raise TypeError(f"{what} must be a number, not {type(value).__name__}")
    return 0


cdef inline int keep_on(View* view, list kept, object value) except -1:
    """Keep an object alive, or end the run, whatever the VM makes of the exception."""
    if keep(kept, value):
        return 0
    stop(view, BLOCKSTM_NO_MEMORY)
    raise Stop


cdef inline uint32_t locate_in(void* vm, object key, View* view) except? 0xffffffff:
    return (<BoundPythonVm>vm).locate(key, view)


cdef inline int keep_on_run(View* view, void* vm, object value) except -1:
    """The same for as long as the run may read it."""
    if (<BoundPythonVm>vm).keep_for_run(value, view.worker):
        return 0
    stop(view, BLOCKSTM_NO_MEMORY)
    raise Stop


@cython.final
@cython.freelist(64)
cdef class PythonView:
    """What a running Python transaction sees; see `blockstm.types.View`."""

    def __init__(self):
        raise TypeError("views are made by the engine")

    cdef View* open(self) except NULL:
        if self.view == NULL:
            raise ViewError("this view belongs to a transaction that has ended")
        if self.thread != PyThread_get_thread_ident():
            raise ViewError("a view may only be used in the thread that runs its transaction")
        if self.view.stopping.peek():
            self.view.fault = self.view.fault or BLOCKSTM_STALE
        if self.view.fault:
            raise Stop
        return self.view

    @property
    def index(self):
        return self.open().public_part.index

    def get(self, key, default=None):
        cdef View* view = self.open()
        cdef const Payload* value
        cdef uint32_t location = locate_in(self.of, key, view)
        cdef int status = view_get(view, location, &value)
        if status == BLOCKSTM_OK:
            return <object><PyObject*>value.word[0] if value.kind == PAYLOAD_VALUE else default
        if status == BLOCKSTM_BAD_NUMBER:
            return self.sum_again(view, location)
        raise Stop

    def expect(self, key, value):
        found = self.get(key, ABSENT)  # what is equal in Python may not be the same: so nothing is assumed
        return found is not ABSENT and bool(found == value)

    def put(self, key, value):
        cdef View* view = self.open()
        cdef uint32_t location = locate_in(self.of, key, view)
        keep_on_run(view, self.of, value)
        if view_put_word(view, location, <uint64_t><PyObject*>value):
            raise Stop

    def delete(self, key):
        cdef View* view = self.open()
        if view_remove(view, locate_in(self.of, key, view)):
            raise Stop

    def add(self, key, delta):
        cdef View* view = self.open()
        cdef blockstm_number number
        cdef uint32_t location
        cdef int status
        if not PyLong_CheckExact(delta):
            check_number("a delta", delta)
        location = locate_in(self.of, key, view)
        keep_on_run(view, self.of, delta)
        number = number_of(delta)
        status = view_add(view, location, &number)
        if status == BLOCKSTM_BAD_NUMBER:
            self.add_again(view, location, delta)
        elif status:
            raise Stop

    def at_least(self, key, bound):
        cdef View* view = self.open()
        cdef blockstm_number number
        cdef int32_t holds = 0
        cdef int status
        if PyLong_CheckExact(bound):
            keep_on_run(view, self.of, bound)
            number = number_of(bound)
            status = view_at_least(view, locate_in(self.of, key, view), &number, &holds)
            if status == BLOCKSTM_OK:
                return holds != 0
            if status != NOT_INTEGERS_HERE and status != BLOCKSTM_BAD_NUMBER:
                raise Stop
        else:
            check_number("a bound", bound)
        return bool(self.number(key) >= bound)

    def try_add(self, key, delta, lower=None, upper=None):
        cdef View* view = self.open()
        cdef blockstm_number number, low, high
        cdef int32_t done = 0
        cdef int status
        check_number("a delta", delta)
        if lower is not None:
            check_number("a bound", lower)
        if upper is not None:
            check_number("a bound", upper)
        if (PyLong_CheckExact(delta) and (lower is None or PyLong_CheckExact(lower))
                and (upper is None or PyLong_CheckExact(upper))):
            keep_on_run(view, self.of, (delta, lower, upper))
            number, low, high = number_of(delta), number_of(lower), number_of(upper)
            status = view_try_add(
                view, locate_in(self.of, key, view), &number,
                &low if lower is not None else NULL, &high if upper is not None else NULL, &done)
            if status == BLOCKSTM_OK:
                return done != 0
            if status != NOT_INTEGERS_HERE and status != BLOCKSTM_BAD_NUMBER:
                raise Stop
        total = PyNumber_Add(self.number(key), delta)
        if (lower is not None and not lower <= total) or (upper is not None and not total <= upper):
            return False
        self.add(key, delta)
        return True

    def charge(self, gas):
        cdef View* view = self.open()
        if not isinstance(gas, int) or isinstance(gas, bool):
            raise TypeError(f"gas must be an int, not {type(gas).__name__}")
        if gas < 0 or not view.gas + gas < 1 << 63:
            raise ValueError(f"gas must be 0 or more and sum to less than 2**63, not {gas}")
        view.gas += <uint64_t>gas

    cdef object number(self, object key):
        """The number at a key, whatever kind of number; the value itself becomes the condition."""
        return plus(self.get(key, ZERO), ZERO)

    cdef object sum_again(self, View* view, uint32_t location):
        """What is seen plus the own delta could not be added: raise what Python says of it."""
        cdef const Payload* seen = view_seen(view, location)
        below = <object><PyObject*>seen.word[0] if seen.kind == PAYLOAD_VALUE else ZERO
        return plus(below, <object><PyObject*>view_written(view, location).word[0])

    cdef object add_again(self, View* view, uint32_t location, object delta):
        """The own write and a delta could not be added: raise what Python says of it."""
        cdef const Payload* own = view_written(view, location)
        if own.kind == PAYLOAD_DELTA:
            PyNumber_Add(<object><PyObject*>own.word[0], delta)
        else:
            plus(<object><PyObject*>own.word[0] if own.kind == PAYLOAD_VALUE else ZERO, delta)
        stop(view, BLOCKSTM_NO_MEMORY)  # it failed once and succeeds when done again
        raise Stop
