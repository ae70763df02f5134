"""The decorator and the object it makes: a native VM over record transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

from blockstm._native.base.codec import codec_named
from blockstm._native.vm.record_block import RecordBlock, RecordCode
from blockstm.errors import InputError
from blockstm.extras import need
from blockstm.locks import lock_for_forks
from blockstm.messages import brief
from blockstm.types import View
from blockstm.vm.kernel.python_reference import python_reference

__all__ = ["Kernel", "kernel"]

Function = Callable[[Any, Any], Any]
Keys = Literal["int64", "bytes32"]
Values = Literal["int64", "uint256", "bytes32"]

KEYS = ("int64", "bytes32")
VALUES = ("int64", "uint256", "bytes32")

# Numba is imported, and compiles, in one thread at a time.
_COMPILING = lock_for_forks()


@overload
def kernel(function: Function, /) -> Kernel: ...
@overload
def kernel(
    *, keys: Keys = "int64", values: Values = "int64", cache: bool = False
) -> Callable[[Function], Kernel]: ...
def kernel(
    function: Function | None = None,
    /,
    *,
    keys: Keys = "int64",
    values: Values = "int64",
    cache: bool = False,
) -> Kernel | Callable[[Function], Kernel]:
    """Make a function of (view, record) a VM that runs as machine code, without the GIL.

    Args:
        function: takes a view and one record; returns an int, bool, float or None, which is the
            outcome's value. It is compiled when it is first needed, once per dtype of records.
        keys: what keys are. ``"int64"``: integers. ``"bytes32"``: 32 bytes, in a record a field of
            4 uint64 or 32 uint8, in the kernel that field or a tuple of 4 uint64 words, the least
            significant first; in the state ``bytes``.
        values: what values are. ``"int64"``: integers. ``"uint256"``: numbers from 0 to
            2**256-1, in the kernel tuples of 4 words as above, in the state ints; a delta or a
            bound is an integer, four words, or ``minus(words)``. ``"bytes32"``: as for keys; such
            values are no numbers. (Where nothing is there and no default is given, ``get`` gives
            None as in Python, but compiled code can ask of an optional tuple only whether it
            is None.)
        cache: keep the machine code beside the source file (Numba's cache) for the next process.

    Errors: ``raise Revert(...)`` and ``raise Invalid(...)`` do what they do in any VM; whatever
    else is raised is this transaction's error. An error whose arguments are constants is cheap;
    one with computed arguments takes the GIL each time. A sum that leaves the range of values
    raises OverflowError; int64 arithmetic in the kernel itself wraps around, as compiled code does.

    Raises:
        InputError: no function, no such keys or values, or (when it is first used) a function or
            a dtype that does not compile.
        ImportError: Numba is missing (when it is first used).

    Thread-safety: a kernel may be used from any thread.
    """

    def make(function: Function) -> Kernel:
        return Kernel(function, keys=keys, values=values, cache=cache)

    return make if function is None else make(function)


class Kernel:
    """A native VM over the records of a structured NumPy array; made by `kernel`.

    Attributes:
        function: what was decorated.
        python: the same as a Python VM: slow, for tests and for reading.
        keys, values: what keys and values are.
    """

    def __init__(
        self, function: Function, *, keys: str = "int64", values: str = "int64", cache: bool = False
    ) -> None:
        if not callable(function):
            raise InputError(f"a kernel is made from a function, not {type(function).__name__}")
        if keys not in KEYS:
            raise InputError(f"keys is one of {', '.join(KEYS)}, not {brief(keys)}")
        if values not in VALUES:
            raise InputError(f"values is one of {', '.join(VALUES)}, not {brief(values)}")
        self.function = function
        self.keys = keys
        self.values = values
        self.python: Callable[[View, Any], Any] = python_reference(function, keys, values)
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        self._cache = cache
        self._codes: dict[Any, RecordCode] = {}

    def compile(self, dtype: Any) -> RecordCode:
        """Compile for the records of a dtype now; does nothing if that was done before.

        Raises:
            InputError: the dtype is none of records, or the function does not compile for it.
            ImportError: Numba is missing.
        """
        with _COMPILING:
            compiling, numpy = need_numba()
            try:
                dtype = numpy.dtype(dtype)
            except TypeError as error:
                raise InputError(f"no dtype: {brief(dtype)}") from error
            code: RecordCode | None = self._codes.get(dtype)
            if code is None:
                code = compiling.compile_kernel(
                    self.function, dtype, self.keys, self.values, self._cache
                )
                self._codes[dtype] = code
        return code

    def __blockstm_bind__(self, transactions: Any) -> RecordBlock:
        """The transactions of one block with the code that runs them, for the executor.

        Args:
            transactions: a one-dimensional array of records, or a list of its records.

        Raises:
            InputError: something else.
        """
        _, numpy = need_numba()

        records = record_array(transactions, numpy)
        return RecordBlock(
            self.compile(records.dtype) if len(records) else RecordCode(0, 0, "none", None),
            records,
            codec_named(self.keys),
            codec_named(self.values),
            u256=self.values != "int64",
        )

    def __repr__(self) -> str:
        return f"<kernel {self.__qualname__}, keys={self.keys!r}, values={self.values!r}>"


def record_array(transactions: Any, numpy: Any) -> Any:
    """A block as a one-dimensional array of records.

    Raises:
        InputError: it is none.
    """
    if isinstance(transactions, list | tuple):
        dtypes = {getattr(each, "dtype", None) for each in transactions}
        if not all(isinstance(each, numpy.void) for each in transactions) or len(dtypes) > 1:
            raise InputError("a list of a kernel's transactions holds NumPy records of one dtype")
        return numpy.array(list(transactions), *dtypes)
    if not isinstance(transactions, numpy.ndarray):
        kind = type(transactions).__name__
        raise InputError(f"a kernel's transactions are a structured NumPy array, not {kind}")
    if transactions.ndim != 1:
        raise InputError(f"transactions are an array of one dimension, not {transactions.ndim}")
    if transactions.dtype.names is None:
        raise InputError(f"transactions are records, not {transactions.dtype}")
    return transactions


def need_numba() -> tuple[Any, Any]:
    """The compiler and NumPy, imported when they are first needed.

    Raises:
        MissingExtra: one of them is missing; says what to install.
    """
    with _COMPILING:
        need("numba", "a kernel")
        import numpy  # an optional extra, as Numba

        from blockstm.vm.kernel import compiling  # needs both
    return compiling, numpy
