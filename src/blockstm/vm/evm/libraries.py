"""Finds the shared libraries that the EVM calls, and hands their addresses to the native core.

| library | comes with | for |
|---|---|---|
| blst | ckzg | BLS12-381, KZG point evaluation |
| GMP | gmpy2 | MODEXP |

The functions are called as C pointers, without the GIL, from any thread. What is loaded stays
loaded: the pointers live as long as the process.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from blockstm._native.crypto import libraries as table
from blockstm.locks import lock_for_forks

__all__ = ["load_libraries"]

Addresses = dict[str, int]


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a library."""

    package: str
    module: str
    requirement: str
    addresses: Callable[[ModuleType, tuple[str, ...]], Addresses]


def load_libraries(*names: str) -> None:
    """Load the libraries of these names, by default all of them; what is loaded already is quick.

    Raises:
        ImportError: a package is not installed, or lacks a function; the message says what to do.
    """
    missing = [name for name in names or table.LIBRARIES if name not in _LOADED]
    if not missing:
        return
    with _LOCK:
        for name in missing:
            if name not in _LOADED:
                _load(name)


def _load(name: str) -> None:
    source = _SOURCES[name]
    try:
        module = importlib.import_module(source.module)
        addresses = source.addresses(module, table.functions(name))
    except (ImportError, OSError, AttributeError) as error:
        raise ImportError(
            f"the EVM needs {name} from the package {source.package}, which failed with: {error}; "
            f"pip install '{source.requirement}'"
        ) from error
    if not table.install(name, addresses):
        raise ImportError(
            f"{name} from the package {source.package} refuses to be set up; "
            f"pip install '{source.requirement}'"
        )
    _LOADED.add(name)


def _from_extension(module: ModuleType, names: tuple[str, ...]) -> Addresses:
    """An extension module is a shared library: its symbols, and those of what it links."""
    if module.__file__ is None:
        raise ImportError(
            f"the module {module.__name__} has no shared library", name=module.__name__
        )
    return _from_library(ctypes.CDLL(module.__file__), names)


def _from_library(library: ctypes.CDLL, names: tuple[str, ...]) -> Addresses:
    _KEPT.append(library)
    return {name: _address(getattr(library, name)) for name in names}


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


_SOURCES = {
    "blst": Source("ckzg", "ckzg", "ckzg>=2.1", _from_extension),
    "gmp": Source("gmpy2", "gmpy2.gmpy2", "gmpy2>=2.2", _from_extension),
}
_LOCK = lock_for_forks()
_LOADED: set[str] = set()
_KEPT: list[Any] = []
