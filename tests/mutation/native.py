"""Mutants of the C++ sources. No test of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.mutation.mutant import Mutant
from tests.mutation.native_build import ROOT, TREE, NativeBuild
from tests.mutation.native_source import NativeSource
from tests.mutation.switches import NativeSwitches, Switches

__all__ = ["listed", "prepare"]

BUILT = TREE / "src"
MUTANTS = TREE / "mutants.json"
PATH = {"PYTHONPATH": str(BUILT)}


def prepare(
    paths: Sequence[Path], again: bool
) -> tuple[list[Mutant], Callable[[], Switches], dict[str, str]]:
    """Build the library with mutants of these sources.

    Args:
        paths: the sources.
        again: leave the build as it is, and take the mutants that are in it.

    Returns:
        The mutants, what turns them on once it is loaded, and the environment to load it in.
    """
    if again:
        mutants = [Mutant(**each) for each in json.loads(MUTANTS.read_text())]
    else:
        mutants = NativeBuild(sources(paths)).make()
        MUTANTS.write_text(json.dumps([asdict(mutant) for mutant in mutants]))
    count = 1 + max((mutant.number for mutant in mutants), default=0)
    return mutants, lambda: NativeSwitches(BUILT, count), PATH


def listed(paths: Sequence[Path]) -> list[Mutant]:
    """The mutants of these sources, also those that the compiler would refuse."""
    return [mutant for source in sources(paths) for mutant in source.with_switches(0)[1]]


def sources(paths: Sequence[Path]) -> list[NativeSource]:
    return [NativeSource(str(path.relative_to(ROOT)), path.read_text()) for path in paths]
