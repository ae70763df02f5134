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
import os
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from typing import Any

from blockstm._native.crypto import libraries as table
from blockstm.locks import lock_for_forks
from blockstm.vm.forks import BYZANTIUM, CANCUN, Fork

__all__ = ["load_libraries", "load_libraries_of"]


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a library, and the first fork whose precompiles call it.

    Attributes:
        bundled: where a wheel has the library by itself, seen from the module's folder, and how its
            name begins.
    """

    package: str
    module: str
    requirement: str
    since: Fork
    bundled: str = ""


def load_libraries_of(fork: Fork) -> None:
    """Load those that precompiles of a fork call: to find both takes a fresh process 2 ms.

    Raises:
        ImportError: as `load_libraries`.
    """
    names = [name for name, source in _SOURCES.items() if source.since <= fork]
    if names:
        load_libraries(*names)


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
        library = ctypes.CDLL(_without_module(_file_of(source.module), source.bundled))
        addresses = {symbol: _address(getattr(library, symbol)) for symbol in table.functions(name)}
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
    _KEPT.append(library)
    _LOADED.add(name)


def _file_of(module: str) -> str:
    """The shared library that an extension module is, which has the symbols of what it links. The
    module is imported only where no search path has it: that may take 30 ms."""
    found, where = None, None
    for name in _with_packages(module):
        if sys.modules.get(name, sys) is None:  # as `import` has it
            raise ImportError(f"import of {name} halted; None in sys.modules", name=name)
        found = PathFinder.find_spec(name, where)
        where = None if found is None else found.submodule_search_locations
    found = found or importlib.import_module(module).__spec__
    if found is None or not found.has_location or found.origin is None:
        raise ImportError(f"the module {module} has no shared library", name=module)
    return found.origin


def _without_module(file: str, bundled: str) -> str:
    """The library that comes with a module, if it does: that alone loads in a third of the time."""
    if not bundled:
        return file
    folder, _, beginning = bundled.rpartition("/")
    where = os.path.join(os.path.dirname(file), folder)
    try:
        found = [name for name in os.listdir(where) if name.startswith(beginning)]
    except OSError:
        return file
    return os.path.join(where, found[0]) if len(found) == 1 else file


def _with_packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: depth + 1]) for depth in range(len(parts))]


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


_SOURCES = {
    "blst": Source("ckzg", "ckzg", "ckzg>=2.1", CANCUN),
    "gmp": Source("gmpy2", "gmpy2.gmpy2", "gmpy2>=2.2", BYZANTIUM, "../gmpy2.libs/libgmp-"),
}
_LOCK = lock_for_forks(is_logged_under=False)
_LOADED: set[str] = set()
_KEPT: list[ctypes.CDLL] = []
