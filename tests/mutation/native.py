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

__all__ = ["prepare"]

SOURCES = TREE / "src"
MUTANTS = TREE / "mutants.json"
PATH = {"PYTHONPATH": str(SOURCES)}


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
        return mutants, lambda: NativeSwitches(SOURCES, len(mutants)), PATH
    sources = [NativeSource(str(path.relative_to(ROOT)), path.read_text()) for path in paths]
    mutants = NativeBuild(sources).make()
    MUTANTS.write_text(json.dumps([asdict(mutant) for mutant in mutants]))
    return mutants, lambda: NativeSwitches(SOURCES, len(mutants)), PATH
