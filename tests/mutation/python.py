"""Mutants of the Python sources. No test of its own."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

from tests.mutation.mutant import Mutant
from tests.mutation.python_source import switched
from tests.mutation.switches import PythonSwitches, Switches

__all__ = ["listed", "prepare"]

ROOT = Path(__file__).parents[2]


def prepare(
    paths: Sequence[Path], again: bool
) -> tuple[list[Mutant], Callable[[], Switches], dict[str, str]]:
    """Have these sources loaded with mutants in them.

    Args:
        paths: the sources.
        again: means nothing here.

    Returns:
        The mutants, what turns them on, and the environment to load the library in.
    """
    mutants: list[Mutant] = []
    trees: dict[str, tuple[Path, ast.Module]] = {}
    for path in paths:
        tree, found = switched(str(path.relative_to(ROOT)), path.read_text(), len(mutants))
        mutants += found
        trees[".".join(path.relative_to(ROOT / "src").with_suffix("").parts)] = path, tree
    sys.meta_path.insert(0, _Finder(trees))
    PythonSwitches(len(mutants))  # so that the modules can be loaded
    return mutants, _switches, {}


def listed(paths: Sequence[Path]) -> list[Mutant]:
    """The mutants of these sources."""
    return [
        mutant
        for path in paths
        for mutant in switched(str(path.relative_to(ROOT)), path.read_text(), 0)[1]
    ]


def _switches() -> Switches:
    import builtins

    return builtins.__mutant__.__self__  # type: ignore[attr-defined,no-any-return]  # made by `prepare`


class _Finder(MetaPathFinder):
    """Finds the modules that have mutants before anybody else does."""

    def __init__(self, trees: dict[str, tuple[Path, ast.Module]]) -> None:
        self.trees = trees

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name not in self.trees:
            return None
        source, tree = self.trees[name]
        return spec_from_file_location(name, source, loader=_Loader(name, str(source), tree))


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self.tree = tree

    def get_code(self, fullname: str) -> Any:
        return compile(self.tree, self.path, "exec")
