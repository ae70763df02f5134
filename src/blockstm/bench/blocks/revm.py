"""The newest revm on a workload: a program in Rust, built where a checkout and cargo are.

Its sources are in ``bench/baselines/revm`` and are built into ``build/baselines/revm`` when they
are first needed, which takes minutes; with Keccak in assembler, as nodes have it. Its results are
compared with ours by a digest of everything that a block comes to.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from blockstm.bench.blocks.exported import digest_of, export
from blockstm.bench.blocks.workloads import BlockWorkload
from blockstm.errors import ConfigError
from blockstm.executor import execute_block

__all__ = ["revm_seconds", "why_no_revm"]

_ROOT = Path(__file__).parents[4]
_SOURCES = _ROOT / "bench" / "baselines" / "revm"
_BUILT = _ROOT / "build" / "baselines" / "revm"
_SECONDS = 2.0
"""How long a workload is run by revm, about."""


def why_no_revm() -> str | None:
    """Why revm cannot be run here, as a sentence without a full stop; None where it can."""
    if not _SOURCES.is_dir():
        return "revm is built from a checkout of blockstm, and this is an installed one"
    if not _program().exists() and shutil.which("cargo") is None:
        return "revm is built by cargo (https://rustup.rs), which is not on the path"
    return None


def revm_seconds(workload: BlockWorkload) -> float:
    """Seconds that revm takes for a transaction of a workload, on one thread, in the median.

    It can keep the changes of a block in its journal until the end, or commit each transaction to
    its state, which it has in memory: the way that is quicker on this workload counts.

    Raises:
        ConfigError: it cannot be run or built here, or the workload has other transactions than
            calls of type 2.
        AssertionError: it came to something else than ours.
    """
    reason = why_no_revm()
    if reason:
        raise ConfigError(reason)
    ours = execute_block(workload.steps, workload.state, workload.evm, workers=1)
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "block"
        exported.write_bytes(export(workload))
        command = [str(_built()), str(exported), _name_of(workload.evm.fork), f"{_SECONDS}"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    row = json.loads(printed)
    if (row["gas"], row["digest"]) != (ours.gas_used, digest_of(ours, workload.state).hex()):
        raise AssertionError(f"revm comes to another result than ours on {workload.name}")
    ways: list[list[float]] = [row["journal"], row["commits"]]
    return min(map(statistics.median, ways)) / len(workload.steps)


def _name_of(fork: str) -> str:
    """What revm calls a fork."""
    return fork.capitalize()


def _program() -> Path:
    return _BUILT / "release" / "revm-baseline"


def _built() -> Path:
    """The program, as its authors build theirs: optimised for this processor and at link time."""
    cargo = shutil.which("cargo")
    if cargo is not None:  # which does nothing where it has been built
        if not _program().exists():
            print("building revm, which takes some minutes", file=sys.stderr)
        command = [cargo, "build", "--release", "--locked", "--quiet", "--target-dir", str(_BUILT)]
        done = subprocess.run(command, cwd=_SOURCES, check=False)
        if done.returncode:
            raise ConfigError("revm could not be built: cargo says why above")
    return _program()
