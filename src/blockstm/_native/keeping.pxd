"""Keeping Python objects alive, and what they raise, from code that cannot raise.

An exception that leaves a function which is `noexcept` is lost, and what the function gives is 0, which
mostly means that all is well. So such a function has its work done by another, to which it lends a status:
at first it says that memory has run out, and only what has been done says otherwise. In there nothing
returns out of an `except`: without memory an exception has no traceback, which Cython does not expect there.
"""

cdef extern from "Python.h":
    # As in C, without the look for an error that Cython adds.
    int append_or_fail "PyList_Append"(object listed, object value) noexcept
    void forget_error "PyErr_Clear"() noexcept


cdef inline bint keep(list kept, object value) noexcept:
    """Whether the list keeps ``value`` alive from now on; false where memory has run out."""
    if append_or_fail(kept, value) == 0:
        return True
    forget_error()
    return False
