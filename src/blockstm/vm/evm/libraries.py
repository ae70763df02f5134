"""Finds the shared libraries that the EVM calls, for the native core to load.

| library | comes with | for |
|---|---|---|
| blst | ckzg | BLS12-381, KZG point evaluation |
| GMP | gmpy2 | MODEXP |

The functions are called as C pointers, without the GIL, from any thread. What is loaded stays
loaded: the pointers live as long as the process.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder

from blockstm._native.crypto import libraries as table
from blockstm.vm.forks import BYZANTIUM, CANCUN, Fork

__all__ = ["find_libraries_of", "load_libraries", "why_missing"]


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a library, and the first fork whose precompiles call it.

    Attributes:
        bundled: where a wheel has the library by itself, seen from the package's folder, and how
            its name begins.
    """

    package: str
    module: str
    requirement: str
    since: Fork
    bundled: str = ""


def find_libraries_of(fork: Fork) -> None:
    """Find those that precompiles of a fork call. The first call loads them, which takes 0.3 ms and
    0.5 ms; most blocks call none.

    Raises:
        ImportError: a package is not installed; the message says what to do.
    """
    for name, source in _SOURCES.items():
        if source.since <= fork:
            _find(name)


def load_libraries(*names: str) -> None:
    """Load the libraries of these names, by default all of them; what is loaded already is quick.

    Raises:
        ImportError: a package is not installed, or lacks a function; the message says what to do.
    """
    for name in names or table.LIBRARIES:
        _find(name)
        if why := table.load(name):
            raise _lacks(name, why)


def why_missing() -> str:
    """What a precompile has met that found its library missing, in words that say what to do."""
    for name in table.LIBRARIES:
        if name in _FOUND and (why := table.load(name)):  # the others no block has asked for
            return str(_lacks(name, why))
    return "the EVM ran without a library that a precompile needs"


def _find(name: str) -> None:
    if name in _FOUND:
        return
    try:
        file = _file_of(_SOURCES[name])
    except ImportError as error:
        raise _lacks(name, error) from error
    table.promise(name, os.fsencode(file))
    _FOUND.add(name)


def _lacks(name: str, why: object) -> ImportError:
    source = _SOURCES[name]
    return ImportError(
        f"the EVM needs {name} from the package {source.package}, which failed with: {why}; "
        f"pip install '{source.requirement}'"
    )


def _file_of(source: Source) -> str:
    """The shared library that an extension module is, which has the symbols of what it links; where
    that comes beside it, that, as it loads in a third of the time. The module is imported only
    where no search path has it: that may take 30 ms."""
    module = source.module
    found, where = None, None
    for name in _with_packages(module):
        if sys.modules.get(name, sys) is None:  # as `import` has it
            raise ImportError(f"import of {name} halted; None in sys.modules", name=name)
        found = PathFinder.find_spec(name, where)
        where = None if found is None else found.submodule_search_locations
        if alone := _beside(where, source.bundled):
            return alone
    found = found or importlib.import_module(module).__spec__
    if found is None or not str(found.origin).endswith(tuple(EXTENSION_SUFFIXES)):
        raise ImportError(f"the module {module} has no shared library", name=module)
    return str(found.origin)


def _beside(where: Sequence[str] | None, bundled: str) -> str | None:
    """The library that comes beside a package in a folder, if it does."""
    if not bundled or not where:
        return None
    folder, _, beginning = bundled.rpartition("/")
    beside = os.path.join(where[0], folder)
    try:
        found = [name for name in os.listdir(beside) if name.startswith(beginning)]
    except OSError:
        return None
    return os.path.join(beside, found[0]) if len(found) == 1 else None


def _with_packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: depth + 1]) for depth in range(len(parts))]


_SOURCES = {
    "blst": Source("ckzg", "ckzg", "ckzg>=2.1", CANCUN),
    "gmp": Source("gmpy2", "gmpy2.gmpy2", "gmpy2>=2.2", BYZANTIUM, "../gmpy2.libs/libgmp-"),
}
_FOUND: set[str] = set()
