"""Builds a shared library of this package's EVM, for hosts that speak EVMC.

``python -m blockstm.vm.evmc.build [-o FILE]``, or ``blockstm evmc build [-o FILE]``. A C++20
compiler is all that it needs: the sources are part of every installation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from blockstm.cores import usable_cores
from blockstm.errors import EvmcError
from blockstm.kinds import path_of
from blockstm.messages import brief
from blockstm.whole_files import replacing

__all__ = ["LIBRARY_NAME", "build", "main"]

LIBRARY_NAME: Final = "libblockstm_evmc.so"

_PACKAGE: Final = Path(__file__).parents[2]
_NATIVE: Final = _PACKAGE / "_native"
_SOURCES: Final = (
    "guest/*.cpp",
    "base/**/*.cpp",
    "crypto/keccak.cpp",
    "evm/compile/*.cpp",
    "evm/forks/*.cpp",
    "evm/run/interpreter.cpp",
    "evm/run/machine.cpp",
    "evm/run/state_gas.cpp",
    "evm/run/instructions/system.cpp",
)
_INCLUDED: Final = (_NATIVE / "guest" / "shadow", _PACKAGE / "include", _NATIVE)
_FLAGS: Final = ("-std=c++20", "-fPIC", "-fvisibility=hidden", "-DNDEBUG", "-pthread")
_OPTIMISED: Final = ("-O3", "-fno-tree-slp-vectorize")


def build(
    path: str | os.PathLike[str] = LIBRARY_NAME,
    *,
    compiler: str = "c++",
    flags: Sequence[str] = _OPTIMISED,
) -> Path:
    """Build the library; where it lies.

    It exports ``evmc_create_blockstm_evmc`` and ``evmc_create``, speaks EVMC's ABI 12, has the
    rules from Frontier to Osaka, and leaves precompiles to its host. It takes about a minute of
    one core.

    Args:
        path: of the library.
        compiler: a C++20 compiler for this machine, by name or path.
        flags: for it, after what it cannot do without.

    Raises:
        EvmcError: this installation lacks the sources, or there is no such compiler, or it fails:
            what it wrote is in the message.
        OSError: the library cannot be written.
    """
    sources = list(_sources())
    target = path_of(path, "a library").absolute()
    with tempfile.TemporaryDirectory() as folder:

        def compiled(numbered: tuple[int, Path]) -> str:
            number, source = numbered
            made = str(Path(folder, f"{number}.o"))
            included = [f"-I{each}" for each in _INCLUDED]
            _run([compiler, *_FLAGS, *flags, _version(), *included, "-c", str(source), "-o", made])
            return made

        with ThreadPoolExecutor(usable_cores()) as pool:
            objects = list(pool.map(compiled, enumerate(sources)))
        library = str(Path(folder, LIBRARY_NAME))
        _run([compiler, "-shared", "-pthread", *objects, "-o", library])
        _put(Path(library), target)
    return target


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; the exit status: 0 it was built, 2 it could not be."""
    parser = ArgumentParser(prog="python -m blockstm.vm.evmc.build", description=build.__doc__)
    parser.add_argument("-o", "--output", default=LIBRARY_NAME, metavar="FILE")
    parser.add_argument("--compiler", default="c++", metavar="C++")
    args = parser.parse_args(argv)
    try:
        print(build(args.output, compiler=args.compiler))
    except (EvmcError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _sources() -> Iterator[Path]:
    """The files to be compiled."""
    for pattern in _SOURCES:
        found = sorted(_NATIVE.glob(pattern))
        if not found:
            raise EvmcError(
                f"this installation of blockstm lacks the sources _native/{pattern}: install it "
                "from a wheel or a source distribution"
            )
        yield from found


def _put(library: Path, target: Path) -> None:
    """Copy a library to its place at once: processes that have an older one loaded keep that."""
    with replacing(target, mode=0o755) as unfinished:
        unfinished.write_bytes(library.read_bytes())


def _version() -> str:
    try:
        return f'-DBLOCKSTM_VERSION="{version("blockstm")}"'
    except PackageNotFoundError as error:
        raise EvmcError(
            "this installation of blockstm has no metadata, and so no version: install it from a "
            "wheel or a source distribution"
        ) from error


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise EvmcError(
            f"{brief(command[0])} cannot be run: {error.strerror}; name a C++20 compiler"
        ) from error
    if done.returncode:
        raise EvmcError(
            f"{brief(command[0])} has failed with status {done.returncode}:\n{done.stderr[-4000:]}"
        )


if __name__ == "__main__":
    sys.exit(main())
