"""Precompiled contracts of the embedder's own; see the ``.pxd``.

A callable of Python is called by any worker, with the GIL; in a build of Python without one, by several at
the same time. A function of C in a capsule is called without.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.string cimport memcpy

from blockstm._native.base.precompile_table cimport (
    BLOCKSTM_PRECOMPILE_ABI_VERSION,
    BLOCKSTM_PRECOMPILE_CAPSULE,
    BLOCKSTM_PRECOMPILE_FAILED,
    BLOCKSTM_PRECOMPILE_RAISED,
    BLOCKSTM_PRECOMPILE_REVERTED,
    BLOCKSTM_PRECOMPILE_SUCCESS,
    blockstm_precompile_call,
    blockstm_precompile_code,
)
from blockstm._native.evm.added.callables cimport Callable, Raised, check_table, checked_gas
from blockstm._native.evm.forks.tables cimport fork_of

from blockstm.errors import InputError, PrecompileFailure
from blockstm.messages import brief, kind_of


cdef const blockstm_precompile* checked_table(object capsule) except NULL:
    cdef const blockstm_precompile* table = <const blockstm_precompile*>PyCapsule_GetPointer(
        capsule, BLOCKSTM_PRECOMPILE_CAPSULE)
    check_table("a precompile", table.abi_version, table.struct_size, table.run != NULL,
                BLOCKSTM_PRECOMPILE_ABI_VERSION, 1, sizeof(blockstm_precompile))
    return table


def is_precompile(target) -> bool:
    """Whether this can be called as a precompile; InputError where it is a capsule with a table of another ABI."""
    if PyCapsule_IsValid(target, BLOCKSTM_PRECOMPILE_CAPSULE):
        checked_table(target)
        return True
    return callable(target.run if isinstance(target, CodePrecompile) else target)


cdef class Codes:
    """The codes of the chain, for as long as one precompile runs."""

    cdef blockstm_precompile_call* of  # NULL: the precompile has run

    cdef int check(self) except -1:
        if self.of == NULL:
            raise InputError("these codes were a precompile's that has run")
        return 0

    @property
    def gas(self):
        """What the call has left."""
        self.check()
        return self.of.gas

    def read(self, address):
        """The code at an address; the call pays for the access."""
        cdef blockstm_precompile_code code
        self.check()
        if type(address) is not bytes or PyBytes_GET_SIZE(address) != 20:
            raise InputError(f"an address is 20 bytes, not {brief(address)}")
        if self.of.code(self.of, <const uint8_t*>PyBytes_AS_STRING(address), &code) != BLOCKSTM_PRECOMPILE_SUCCESS:
            raise PrecompileFailure("the gas does not last for the access, or the run is over")
        return PyBytes_FromStringAndSize(<const char*>code.data, code.size)


cdef class CodePrecompile:
    """A precompile that reads codes: ``run(input, codes)``."""

    cdef readonly object run

    def __init__(self, run):
        self.run = run


def number_at(str fork, bytes address not None) -> int:
    """The number of the precompile that a fork has at an address of 20 bytes; 0 for none."""
    cdef Address at
    if PyBytes_GET_SIZE(address) != sizeof(at):
        raise InputError(f"a precompile's address is 20 bytes, not {brief(address)}")
    memcpy(&at, PyBytes_AS_STRING(address), sizeof(at))
    return precompile_at(fork_of(fork), at)


cdef class CallablePrecompile(Callable):
    """A callable of Python behind the C table."""

    cdef bint reads_codes

    cdef object give(self, blockstm_precompile_call* call):
        """What the callable gives."""
        cdef Codes codes
        input = PyBytes_FromStringAndSize(<const char*>call.input, call.size)
        if not self.reads_codes:
            return self.target(input, call.gas)
        codes = Codes()
        codes.of = call
        try:
            return self.target(input, codes)
        finally:
            codes.of = NULL

    cdef int32_t call(self, blockstm_precompile_call* call) except -1:
        """Raises what the callable raises, or what is wrong with what it gave."""
        cdef int64_t gas_used
        cdef int32_t status
        given = self.give(call)
        if not isinstance(given, tuple) or len(given) not in (2, 3):
            raise InputError(
                f"a precompile gives (output, gas used) or (output, gas used, reverted), not {brief(given)}")
        output, gas, *rest = given
        if type(output) is not bytes:
            raise InputError(f"a precompile's output is bytes, not {kind_of(output)}")
        if checked_gas("a precompile", gas) > call.gas:
            return BLOCKSTM_PRECOMPILE_FAILED
        call.gas_used = gas
        status = call.write(call, <const uint8_t*>PyBytes_AS_STRING(output), PyBytes_GET_SIZE(output))
        if status == BLOCKSTM_PRECOMPILE_SUCCESS and rest and rest[0]:
            return BLOCKSTM_PRECOMPILE_REVERTED
        return status


cdef int32_t run_callable(void* context, blockstm_precompile_call* call) noexcept with gil:
    """`blockstm_precompile.run`."""
    cdef CallablePrecompile of = <CallablePrecompile>context
    cdef int32_t status = BLOCKSTM_PRECOMPILE_RAISED
    try:
        status = of.call(call)
    except PrecompileFailure:
        status = BLOCKSTM_PRECOMPILE_FAILED
    except BaseException as error:
        call.error = of.keep(error, "a precompile fails by a PrecompileFailure")
    return status


cdef class Precompiles:
    """Those of one block. Filled before it runs; then its workers read it, and callables leave errors.

    Args:
        fork: which one's precompiles may be moved.
        targets: address → what `is_precompile`, or the address of the fork's that is there, or None for none.
        raised: where callables leave what they raise.
    """

    def __init__(self, int fork, targets, Raised raised not None):
        self.kept, self.raised = [], raised
        for address, target in targets.items():
            self.add(<Fork>fork, address, target)

    cdef int add(self, Fork fork, bytes address, target) except -1:
        cdef Address at, source
        cdef blockstm_precompile table
        cdef CallablePrecompile wrapped
        memcpy(&at, PyBytes_AS_STRING(address), sizeof(at))
        if target is None or type(target) is bytes:
            memcpy(&source, PyBytes_AS_STRING(address if target is None else target), sizeof(source))
            if not self.added.move(at, 0 if target is None else precompile_at(fork, source)):
                raise MemoryError
            return 0
        if PyCapsule_IsValid(target, BLOCKSTM_PRECOMPILE_CAPSULE):
            table = checked_table(target)[0]
            self.kept.append(target)
        else:
            wrapped = CallablePrecompile()
            wrapped.reads_codes = isinstance(target, CodePrecompile)
            wrapped.target = target.run if wrapped.reads_codes else target
            wrapped.raised = self.raised
            self.kept.append(wrapped)
            table.context, table.run = <void*>wrapped, run_callable
        if not self.added.add(at, table):
            raise MemoryError
        return 0
