"""The one table of other people's functions; see libraries.hpp.

A module that calls them says `use_libraries(shared_libraries())` when it is imported.
"""

cdef extern from "crypto/libraries.hpp" namespace "blockstm" nogil:
    cdef cppclass Libraries:
        pass

    cdef enum class Library:
        Blst
        Gmp

    void use_libraries(const Libraries* table) noexcept
    void* function_place(Libraries& table, Library library, const char* symbol) noexcept
    const char* const* function_names(Library library) noexcept
    bint prepare(Libraries& table, Library library) noexcept


cdef const Libraries* shared_libraries() noexcept nogil
