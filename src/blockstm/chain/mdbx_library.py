"""Finds libmdbx and hands the addresses of its functions to the native store.

The package ``libmdbx`` (the extra ``blockstm[chain]``) brings the shared library. Its functions are
called as C pointers, without the GIL; what is loaded stays loaded as long as the process.
"""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path

from blockstm._native.store.database import functions, install
from blockstm.extras import need
from blockstm.locks import lock_for_forks

__all__ = ["load_mdbx"]

_LOCK = lock_for_forks()
_LOADED: list[ctypes.CDLL] = []


def load_mdbx() -> None:
    """Load the library; what is loaded already is quick.

    Raises:
        MissingExtra: the package is not installed.
        ImportError: it has no library, or this lacks a function.
    """
    if _LOADED:
        return
    with _LOCK:
        if not _LOADED:
            library = _library()
            install(_addresses(library))
            _LOADED.append(library)


def _library() -> ctypes.CDLL:
    need("chain", "a chain on disk")
    spec = find_spec("mdbx")
    places = spec.submodule_search_locations if spec is not None else None
    path = Path(*(places or [])[:1], "lib", "libmdbx.so")
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(
            f"the package libmdbx has no library at {path}: {error}; pip install 'blockstm[chain]'"
        ) from error


def _addresses(library: ctypes.CDLL) -> dict[str, int]:
    try:
        pointers = {name: getattr(library, name) for name in functions()}
    except AttributeError as error:
        raise ImportError(
            f"the package libmdbx is too old: {error}; pip install -U 'blockstm[chain]'"
        ) from error
    return {name: ctypes.cast(each, ctypes.c_void_p).value or 0 for name, each in pointers.items()}
