"""Loads EVMs from shared libraries, as EVMC's own loader finds them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from blockstm._native.evm.evmc.library import EvmcLibrary
from blockstm.errors import ConfigError, EvmcError
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.vm.evmc.faults import BAD_OPTION, FAULTS
from blockstm.vm.forks import AMSTERDAM
from blockstm.vm.forks import FORKS as ALL_FORKS

__all__ = ["FORKS", "EvmcVm", "load", "load_configured"]

FORKS: Final = tuple(dict.fromkeys(each.rules for each in ALL_FORKS if each < AMSTERDAM))
"""The rules of execution that EVMC's ABI 12 has a revision for, oldest first."""

_CAPABILITIES: Final = {1: "evm1", 2: "ewasm", 4: "precompiles"}


class EvmcVm:
    """An EVM from a shared library: a ``vm`` for Ethereum blocks.

    Immutable; one object serves any number of threads and blocks at once, each thread with an
    instance of its own. The library stays loaded as long as the process lives.

    Attributes:
        path: of the library.
        name, version: as it says itself.
        capabilities: of "evm1", "ewasm" and "precompiles".
        options: name → value, as it was loaded with.
    """

    __blockstm_ethereum__: ClassVar = True

    def __init__(self, path: str, options: Mapping[str, str], library: EvmcLibrary) -> None:
        check_kind(library, EvmcLibrary, "library")
        self.path = path
        self.options = dict(options)
        self.name = library.name
        self.version = library.version
        self.capabilities = frozenset(
            word for bit, word in _CAPABILITIES.items() if library.capabilities & bit
        )
        self._library = library

    @property
    def library(self) -> EvmcLibrary:
        """Its instances, for the native core."""
        return self._library

    def __reduce__(self) -> tuple[Any, ...]:
        return load, (self.path, self.options)

    def __repr__(self) -> str:
        return f"EvmcVm({self.name!r} {self.version}, {self.path!r})"


def load(path: str | os.PathLike[str], options: Mapping[str, str] | None = None) -> EvmcVm:
    """Load an EVM from a shared library, and make its first instance.

    A library is native code with all rights of this process: load none that you do not trust.

    Args:
        path: of the library. Its function is ``evmc_create_NAME`` or, where there is none,
            ``evmc_create``: NAME is the file's without directory, "lib" and ending, with ``_`` for
            ``-``.
        options: name → value, as the library defines them: each instance is given all of them.

    Raises:
        EvmcError: there is no such library, or it has no such function, or what that gives is
            no EVM of ABI 12, or refuses an option.
        ConfigError: the path is none; the options are no mapping of strings, or have what no UTF-8
            has, or a zero byte.

    Thread-safe. Source: EVMC 12, github.com/ethereum/evmc.
    """
    given = _path(path)
    pairs = _checked({} if options is None else options)
    encoded = [(name.encode(), value.encode()) for name, value in pairs.items()]
    library = EvmcLibrary(_function(given), encoded)
    fault, option = library.open()
    if fault == BAD_OPTION:
        name = list(pairs)[option]
        raise EvmcError(
            f"{brief(given)} does not take the option {brief(name)} with {brief(pairs[name])}: it "
            "has none of this name, or not with this value"
        )
    if fault:
        raise EvmcError(f"{brief(given)} has no EVM for this version: {FAULTS[fault]}")
    loaded = EvmcVm(given, pairs, library)
    if "evm1" not in loaded.capabilities:
        raise EvmcError(
            f"{brief(given)}, {brief(loaded.name)}, says that it does not run the EVM's code"
        )
    return loaded


def load_configured(configuration: str) -> EvmcVm:
    """Load what ``PATH[,name[=value]...]`` names, as tools that speak EVMC write it.

    Raises:
        EvmcError, ConfigError: see `load`.
    """
    if not isinstance(configuration, str):
        raise ConfigError(
            f"what names an EVMC library is PATH[,name[=value]...], not {brief(configuration)}"
        )
    path, *options = configuration.split(",")
    return load(path, {name: value for name, _, value in (each.partition("=") for each in options)})


def _path(given: object) -> str:
    path = given.__fspath__() if isinstance(given, os.PathLike) else given
    if not isinstance(path, str) or "\0" in path:
        raise ConfigError(f"the path of an EVMC library is a str, not {brief(given)}")
    return path


def _is_string(value: object) -> bool:
    """Whether C has it, too: in UTF-8, up to a zero byte."""
    if not isinstance(value, str) or "\0" in value:
        return False
    return not any("\ud800" <= each <= "\udfff" for each in value)


def _checked(options: Mapping[str, str]) -> dict[str, str]:
    strings = isinstance(options, Mapping) and all(
        _is_string(each) for pair in options.items() for each in pair
    )
    if not strings:
        raise ConfigError(
            "the options of an EVMC library are a mapping of strings that UTF-8 has, without zero "
            f"bytes, not {brief(options)}"
        )
    return dict(options)


def _function(path: str) -> int:
    """The address of the function that gives an instance."""
    if not os.path.isfile(path):  # which answers whatever the path is
        raise EvmcError(f"no EVMC library can be loaded from {brief(path)}: there is no such file")
    try:
        # With a directory in it: or else the system would look for it elsewhere.
        library = ctypes.CDLL(str(Path(path).absolute()))
    except OSError as error:
        raise EvmcError(f"no EVMC library can be loaded from {brief(path)}: {error}") from error
    names = list(dict.fromkeys(_function_names(path)))
    for name in names:
        function = getattr(library, name, None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value or 0
    raise EvmcError(f"{brief(path)} is no EVMC library: it exports none of {', '.join(names)}")


def _function_names(path: str) -> Iterator[str]:
    stem = Path(path).name.removeprefix("lib").split(".")[0].replace("-", "_")
    if f"evmc_create_{stem}".isidentifier():
        yield f"evmc_create_{stem}"
    yield "evmc_create"
