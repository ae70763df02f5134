# distutils: sources = src/blockstm/_native/crypto/library_table.cpp
"""Fills the table of libraries with the addresses that Python finds; see ``libraries.hpp``."""
from libc.stdint cimport uintptr_t

cdef Libraries TABLE

LIBRARIES = ("blst", "gmp")


cdef const Libraries* shared_libraries() noexcept nogil:
    return &TABLE


def functions(library: str) -> tuple[str, ...]:
    """The symbols that a library must have."""
    cdef const char* const* name = function_names(_number(library))
    cdef list found = []
    while name[0] != NULL:
        found.append(name[0].decode())
        name += 1
    return tuple(found)


def install(library: str, addresses: dict[str, int]) -> bool:
    """Write the addresses of `functions` into the table and set the library up.

    False if the library refuses to be set up. Not to be called twice for one library, nor by two
    threads at once: ``blockstm.vm.evm.libraries`` sees to that.
    """
    cdef Library number = _number(library)
    cdef uintptr_t address
    for name in functions(library):
        address = addresses[name]
        (<uintptr_t*>function_place(TABLE, number, name.encode()))[0] = address
    return prepare(TABLE, number)


cdef Library _number(str library) except *:
    return <Library><int>LIBRARIES.index(library)
