"""What opcodes and precompiles of the embedder's own have in common; see the ``.pxd``."""
from cpython.bool cimport PyBool_Check
from cpython.object cimport PyObject

from blockstm.errors import InputError, Invalid, Revert
from blockstm.messages import brief


cdef class Raised:
    def __cinit__(self):
        self.errors = {}

    cdef object error(self, uint64_t known_as):
        error = self.errors.get(known_as)
        return MemoryError("there was no memory for what an added callable raised") if error is None else error


cdef class Callable:
    cdef uint64_t keep(self, object error, str rule) noexcept:
        cdef uint64_t known_as = 0
        try:
            if isinstance(error, (Revert, Invalid)):  # which mean something to a block
                error = InputError(f"{rule}, not by {brief(error)}")
            known_as = <uint64_t><PyObject*>error
            self.raised.errors[known_as] = error
        except BaseException:
            known_as = 0
        return known_as


cdef int check_table(
    str what, uint32_t abi_version, uint32_t struct_size, bint has_run, uint32_t abi_wanted, uint32_t abi_oldest,
    size_t size_wanted
) except -1:
    if not abi_oldest <= abi_version <= abi_wanted or struct_size < size_wanted:
        raise InputError(
            f"{what} was built for ABI {abi_version} with a table of {struct_size} bytes; this library has ABI "
            f"{abi_wanted} and asks for {size_wanted} bytes")
    if not has_run:
        raise InputError(f"the table of {what} has no function run: it is NULL")
    return 0


cdef object checked_gas(str what, gas):
    if not isinstance(gas, int) or PyBool_Check(gas) or gas < 0:
        raise InputError(f"the gas that {what} has used is an int of 0 or more, not {brief(gas)}")
    return gas
