"""When two Python values are the same to the engine: as `blockstm.values.same_value` has it."""
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport Py_EQ, PyObject_RichCompareBool
from libc.string cimport memcmp

cdef extern from "Python.h":
    int PyBytes_CheckExact(object) noexcept
    int PyTuple_CheckExact(object) noexcept
    int PyUnicode_CheckExact(object) noexcept

cdef enum:
    COMPARED_DEPTH = 500  # of tuples in tuples


cdef inline bint is_same(object left, object right, int depth) noexcept:
    """Calls nobody's code and takes no memory; where it would go too deep, two values are taken to differ."""
    cdef double left_float, right_float
    cdef Py_ssize_t place
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if PyLong_CheckExact(left) or PyUnicode_CheckExact(left) or PyBytes_CheckExact(left):
        return PyObject_RichCompareBool(left, right, Py_EQ)
    if PyFloat_CheckExact(left):
        left_float, right_float = PyFloat_AS_DOUBLE(left), PyFloat_AS_DOUBLE(right)
        return memcmp(&left_float, &right_float, sizeof(double)) == 0
    if not PyTuple_CheckExact(left) or len(<tuple>left) != len(<tuple>right) or depth == COMPARED_DEPTH:
        return False
    for place in range(len(<tuple>left)):
        if not is_same((<tuple>left)[place], (<tuple>right)[place], depth + 1):
            return False
    return True
