"""Precompiled contracts of the embedder's own; see the ``.pxd``.

A callable of Python is called by any worker, with the GIL; in a build of Python without one, by several at
the same time. A function of C in a capsule is called without.
"""
from cpython.bool cimport PyBool_Check
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.string cimport memcpy

from blockstm.errors import InputError, Invalid, PrecompileFailure, Revert
from blockstm.messages import brief, kind_of


cdef const blockstm_precompile* checked_table(object capsule) except NULL:
    cdef const blockstm_precompile* table = <const blockstm_precompile*>PyCapsule_GetPointer(
        capsule, BLOCKSTM_PRECOMPILE_CAPSULE)
    if table.abi_version != BLOCKSTM_PRECOMPILE_ABI_VERSION or table.struct_size < sizeof(blockstm_precompile):
        raise InputError(
            f"the precompile was built for ABI {table.abi_version} with a table of {table.struct_size} bytes; this "
            f"library has ABI {BLOCKSTM_PRECOMPILE_ABI_VERSION} and asks for {sizeof(blockstm_precompile)} bytes")
    if table.run == NULL:
        raise InputError("a precompile's table has no function run: it is NULL")
    return table


def is_precompile(target) -> bool:
    """Whether this can be called as a precompile; InputError where it is a capsule with a table of another ABI."""
    if PyCapsule_IsValid(target, BLOCKSTM_PRECOMPILE_CAPSULE):
        checked_table(target)
        return True
    return callable(target)


cdef class Callable:
    """A callable of Python behind the C table, and where it leaves what it raises."""

    cdef object target
    cdef dict errors

    cdef int32_t call(self, blockstm_precompile_call* call) except -1:
        """Raises what the callable raises, or what is wrong with what it gave."""
        cdef int64_t gas_used
        cdef int32_t status
        given = self.target(PyBytes_FromStringAndSize(<const char*>call.input, call.size), call.gas)
        if not isinstance(given, tuple) or len(given) not in (2, 3):
            raise InputError(
                f"a precompile gives (output, gas used) or (output, gas used, reverted), not {brief(given)}")
        output, gas, *rest = given
        if type(output) is not bytes:
            raise InputError(f"a precompile's output is bytes, not {kind_of(output)}")
        if not isinstance(gas, int) or PyBool_Check(gas) or gas < 0:
            raise InputError(f"the gas that a precompile has used is an int of 0 or more, not {brief(gas)}")
        if gas > call.gas:
            return BLOCKSTM_PRECOMPILE_FAILED
        call.gas_used = gas
        status = call.write(call, <const uint8_t*>PyBytes_AS_STRING(output), PyBytes_GET_SIZE(output))
        if status == BLOCKSTM_PRECOMPILE_SUCCESS and rest and rest[0]:
            return BLOCKSTM_PRECOMPILE_REVERTED
        return status

    cdef uint64_t keep(self, object error) noexcept:
        """What the native core knows an error by; 0 where there was no memory to keep it."""
        cdef uint64_t known_as = 0
        try:
            if isinstance(error, (Revert, Invalid)):  # which mean something to a block
                error = InputError(f"a precompile fails by a PrecompileFailure, not by {brief(error)}")
            known_as = <uint64_t><PyObject*>error
            self.errors[known_as] = error
        except BaseException:
            known_as = 0
        return known_as


cdef int32_t run_callable(void* context, blockstm_precompile_call* call) noexcept with gil:
    """`blockstm_precompile.run`."""
    cdef Callable of = <Callable>context
    cdef int32_t status = BLOCKSTM_PRECOMPILE_RAISED
    try:
        status = of.call(call)
    except PrecompileFailure:
        status = BLOCKSTM_PRECOMPILE_FAILED
    except BaseException as error:
        call.error = of.keep(error)
    return status


cdef class Precompiles:
    """Those of one block. Filled before it runs; then its workers read it, and callables leave errors.

    Args:
        fork: which one's precompiles may be moved.
        targets: address → what `is_precompile`, or the address of the fork's that is there, or None for none.
    """

    def __init__(self, int fork, targets):
        self.kept, self.errors = [], {}
        for address, target in targets.items():
            self.add(<Fork>fork, address, target)

    cdef int add(self, Fork fork, bytes address, target) except -1:
        cdef Address at, source
        cdef blockstm_precompile table
        cdef Callable wrapped
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
            wrapped = Callable()
            wrapped.target, wrapped.errors = target, self.errors
            self.kept.append(wrapped)
            table.context, table.run = <void*>wrapped, run_callable
        if not self.added.add(at, table):
            raise MemoryError
        return 0

    cdef object error(self, uint64_t known_as):
        """What a callable has raised; a MemoryError where there was no room to keep it."""
        error = self.errors.get(known_as)
        return MemoryError("there was no memory for what a precompile raised") if error is None else error
