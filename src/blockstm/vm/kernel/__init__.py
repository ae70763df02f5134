"""Kernels: transactions that Numba compiles from Python and workers run without the GIL.

::

    @blockstm.kernel
    def pay(view, tx):
        if not view.at_least(tx.source, tx.amount):
            raise blockstm.Revert("insufficient funds")
        view.add(tx.source, -tx.amount)
        view.add(tx.target, tx.amount)

    dtype = [("source", "i8"), ("target", "i8"), ("amount", "i8")]
    blockstm.execute_block(numpy.array(payments, dtype), state, pay)

A kernel is a function of a view and one record of a structured NumPy array, in the part of Python
that Numba compiles. The view has the methods of `blockstm.types.View`. A record is a copy: what a
kernel does to it ends with the run. See `kernel` for keys, values and errors.

Imports point down::

    record_kernel     the decorator, and the native VM it makes
    compiling         from a Python function to machine code
    entry             the C functions of a compiled kernel
    lowering          the code that a view's methods become
    python_reference  the same function, run by Python on any view
    viewtype          how Numba types the view
    table             the C table of a view, as LLVM sees it
    words             32 bytes as a kernel sees them
"""

from blockstm.vm.kernel.record_kernel import Kernel, kernel
from blockstm.vm.kernel.words import minus

__all__ = ["Kernel", "kernel", "minus"]
