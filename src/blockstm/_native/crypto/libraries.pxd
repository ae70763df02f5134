"""The one table of other people's functions; see libraries.hpp.

A module that calls them says `use_libraries(shared_libraries())` when it is imported.
"""

from libcpp cimport bool as cbool

cdef extern from "crypto/libraries.hpp" namespace "blockstm" nogil:
    enum:
        ERROR_BYTES

    cdef enum class Library:
        Blst
        Gmp

    cdef cppclass Libraries:
        cbool (*load)(Library library) noexcept

    void use_libraries(const Libraries* table) noexcept
    void promise_library(Libraries& table, Library library, const char* file) noexcept
    cbool load_library(Libraries& table, Library library, char* error) noexcept


cdef const Libraries* shared_libraries() noexcept nogil
