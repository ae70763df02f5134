"""Keeping Python objects alive, and what they raise, from code that cannot raise.

An exception that leaves a `noexcept` function is lost, and the function returns 0, which mostly means
success. So such a function calls an inner one with a pointer to a status: the status is "out of memory"
at first, and only completed work sets it to success. The inner function never returns out of an `except`:
without memory an exception has no traceback, which Cython does not expect there.
"""
from cpython.list cimport PyList_GET_SIZE, PyList_SET_ITEM
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF

cdef extern from "Python.h":
    # As in C, without the test for an error that Cython adds.
    int append_or_fail "PyList_Append"(object listed, object value) noexcept
    PyObject* item_at "PyList_GET_ITEM"(object listed, Py_ssize_t place) noexcept
    void set_item_at "PyList_SET_ITEM"(object listed, Py_ssize_t place, PyObject* item) noexcept
    void forget_error "PyErr_Clear"() noexcept


cdef inline bint keep(list kept, object value) noexcept:
    """Whether the list keeps ``value`` alive from now on; false where memory has run out."""
    if append_or_fail(kept, value) == 0:
        return True
    forget_error()
    return False


cdef inline bint keep_at(list kept, Py_ssize_t place, object value) noexcept:
    """The same at a place that was released, or behind the last."""
    if place == PyList_GET_SIZE(kept):
        return keep(kept, value)
    Py_INCREF(value)
    PyList_SET_ITEM(kept, place, value)
    return True


cdef inline void release(list kept, Py_ssize_t count) noexcept:
    """Of the first ``count``, whose places become NULL, as lists allow: room for others. Destructors run."""
    cdef PyObject* value
    while count:
        count -= 1
        value = item_at(kept, count)
        set_item_at(kept, count, NULL)
        Py_DECREF(<object>value)


cdef inline bint keep_instead(list kept, Py_ssize_t place, object value, list passing, Py_ssize_t end) noexcept:
    """Keep ``value`` at a place, and what was there at the ``end`` of another list."""
    cdef PyObject* before = item_at(kept, place)
    if end == PyList_GET_SIZE(passing):
        if not keep(passing, <object>before):
            return False
        Py_DECREF(<object>before)
    else:
        set_item_at(passing, end, before)
    Py_INCREF(value)
    PyList_SET_ITEM(kept, place, value)
    return True
