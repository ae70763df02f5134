# distutils: sources = src/blockstm/_native/crypto/library_table.cpp
"""The table of libraries, which are loaded from the files that Python finds; see ``libraries.hpp``."""
from libcpp cimport bool as cbool

cdef Libraries TABLE
cdef list FILES = []  # the texts that the table points to

LIBRARIES = ("blst", "gmp")


cdef const Libraries* shared_libraries() noexcept nogil:
    return &TABLE


def promise(library: str, file: bytes) -> None:
    """Say where a library is to be loaded from by who first calls it. Safe from any thread."""
    cdef Library number = _number(library)
    FILES.append(file)
    promise_library(TABLE, number, file)


def load(library: str) -> str:
    """Load a library now; why that failed, or nothing. Safe from any thread."""
    cdef Library number = _number(library)
    cdef char[ERROR_BYTES] error
    cdef cbool loaded
    with nogil:
        loaded = load_library(TABLE, number, error)
    return "" if loaded else error.decode(errors="replace")


cdef cbool load_asked_for(Library library) noexcept nogil:
    return load_library(TABLE, library, NULL)


cdef Library _number(str library) except *:
    return <Library><int>LIBRARIES.index(library)


TABLE.load = load_asked_for
