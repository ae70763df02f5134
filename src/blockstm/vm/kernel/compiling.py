"""From a Python function and the dtype of its transactions to machine code.

Imported only where Numba is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.core import errors
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.extending import overload

from blockstm._native.vm.record_block import RecordCode
from blockstm.errors import InputError
from blockstm.messages import brief, did_you_mean
from blockstm.vm.kernel import entry
from blockstm.vm.kernel.viewtype import KernelViewType, is_words
from blockstm.vm.kernel.words import minus

__all__ = ["compile_kernel", "record_type"]


@overload(minus)
def minus_in_kernels(words: Any) -> Any:
    """`minus` of a tuple or of an array inside a kernel."""

    def build(words: Any) -> Any:
        return (
            np.uint64(words[0]),
            np.uint64(words[1]),
            np.uint64(words[2]),
            np.uint64(words[3]),
            np.uint64(1),
        )

    is_array = isinstance(words, numba.types.Array) and words.dtype == numba.types.uint64
    return build if is_words(words) or is_array else None


def record_type(dtype: np.dtype[Any]) -> Any:
    """Numba's type of one transaction.

    Raises:
        InputError: not a structured dtype, or a field that compiled code cannot read.
    """
    if not isinstance(dtype, np.dtype) or dtype.names is None:
        raise InputError(f"transactions are records: a structured dtype, not {brief(dtype)}")
    if dtype.hasobject:
        raise InputError(f"a record of a kernel cannot hold Python objects: {dtype}")
    try:
        return numba.from_dtype(dtype)
    except (errors.NumbaError, NotImplementedError, ValueError, TypeError) as error:
        raise InputError(f"a kernel cannot read records of {dtype}: {error}") from error


def _missing_field(error: Exception, dtype: np.dtype[Any]) -> str | None:
    """The error for a bare KeyError of Numba: the kernel reads a field that the records lack."""
    fields = dtype.names or ()
    if not isinstance(error, KeyError) or len(error.args) != 1 or error.args[0] in fields:
        return None
    name = error.args[0]
    return (
        f"it reads the field {brief(name)}, and the records have {', '.join(fields)}"
        f"{did_you_mean(name, fields)}"
    )


@global_compiler_lock
def compile_kernel(
    function: Callable[..., Any], dtype: np.dtype[Any], keys: str, values: str, cache: bool
) -> RecordCode:
    """Compile ``function(view, record)``.

    Raises:
        InputError: the dtype is none of records, or the function does not compile.
    """
    view, record = KernelViewType(keys, values), record_type(dtype)
    dispatcher = numba.njit(
        boundscheck=True,  # an index past the end is an IndexError, not a read past the end
        cache=cache,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
    )(function)
    name = function.__qualname__
    try:
        dispatcher.compile((view, record))
    except Exception as error:  # Numba's own, but a missing field is a KeyError
        words = _missing_field(error, dtype) or str(error)
        raise InputError(f"kernel {name} does not compile for {dtype}: {words}") from error
    compiled = dispatcher.overloads[view, record]
    returns = entry.returns_of(compiled.signature.return_type)
    if returns is None:
        kind = compiled.signature.return_type
        raise InputError(f"kernel {name} returns an int, bool, float or None, not {kind}")
    context = cpu_target.target_context
    run, raise_error, library = entry.build(context, compiled, dtype.itemsize)
    return RecordCode(run, raise_error, returns, (dispatcher, library))
