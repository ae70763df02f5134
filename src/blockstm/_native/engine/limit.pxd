"""The limit of a block: gas, or a callable that is asked about each outcome where the block may be cut."""
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.frontier cimport Frontier


cdef class BlockLimit:
    cdef object limit  # gas, a callable, or None
    cdef object error  # what the callable has raised
    cdef BoundVm vm    # of the block

    # Have the frontier keep to it; this object outlives the block.
    cdef int set_on(self, Frontier* frontier) except -1
