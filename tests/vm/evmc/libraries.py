"""Shared libraries that speak EVMC, compiled once for each process. No test of its own."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import blockstm
from blockstm.vm import evmc
from blockstm.vm.evmc.build import build

__all__ = ["ours", "tiny", "tiny_library"]

INCLUDE = Path(blockstm.__file__).parent / "include"
TINY = Path(__file__).parent / "tiny.c"


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="blockstm-evmc-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def tiny_library(name: str = "tiny", *definitions: str) -> Path:
    """The EVM of tiny.c, compiled with these definitions, in a file of this name."""
    path = _folder() / f"lib{name}.so"
    defined = [f"-D{each}" for each in definitions]
    warned = ["-Wall", "-Wextra", "-Wno-unused", "-Werror"]
    command = ["cc", "-std=c11", *warned, "-shared", "-fPIC", f"-I{INCLUDE}"]
    subprocess.run([*command, *defined, str(TINY), "-o", str(path)], check=True)
    return path


@cache
def tiny() -> evmc.EvmcVm:
    """The EVM of tiny.c."""
    return evmc.load(tiny_library())


@cache
def ours() -> evmc.EvmcVm:
    """The EVM of this package, through its shared library; not optimised, which takes too long."""
    return evmc.load(build(_folder() / "libblockstm_evmc.so", flags=["-O0"]))
