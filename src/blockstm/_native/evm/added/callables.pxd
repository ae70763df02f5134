"""What opcodes and precompiles of the embedder's own have in common, as callables and as tables in capsules."""
from libc.stdint cimport uint32_t, uint64_t


cdef class Raised:
    """What the callables of one block have raised, by what the native core knows it by.

    A callable leaves an error with the GIL; in a build of Python without one, a dict keeps itself.
    """
    cdef dict errors

    # The error; a MemoryError where there was none to keep it.
    cdef object error(self, uint64_t known_as)


cdef class Callable:
    """A callable of Python behind a C table, and where it leaves what it raises."""
    cdef object target
    cdef Raised raised

    # Keeps an error that ends the block, and gives what the native core knows it by: 0 where there was no memory.
    # ``rule``: how the callable fails in place of what means something to a block.
    cdef uint64_t keep(self, object error, str rule) noexcept


# Refuses a table of another ABI, and one without its function. ``what``: an opcode, a precompile. Tables from
# ``abi_oldest`` on do for ``abi_wanted``.
cdef int check_table(
    str what, uint32_t abi_version, uint32_t struct_size, bint has_run, uint32_t abi_wanted, uint32_t abi_oldest,
    size_t size_wanted
) except -1
# The gas that a callable says it has used: an int of any size.
cdef object checked_gas(str what, gas)
