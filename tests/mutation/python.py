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
    switches = PythonSwitches(len(mutants), lambda: _refresh(trees))  # with it they can be loaded
    return mutants, lambda: switches, {}


def listed(paths: Sequence[Path]) -> list[Mutant]:
    """The mutants of these sources."""
    return [
        mutant
        for path in paths
        for mutant in switched(str(path.relative_to(ROOT)), path.read_text(), 0)[1]
    ]


def _refresh(trees: dict[str, tuple[Path, ast.Module]]) -> None:
    """Compute the constants of loaded modules once more, also where others have imported them."""
    for name, (path, tree) in trees.items():
        if name not in sys.modules:
            continue
        names = vars(sys.modules[name])
        before = dict(names)
        constants = ast.Module([each for each in tree.body if _is_constant(each)], [])
        flags = annotations.compiler_flag  # so that they are not evaluated
        exec(compile(constants, str(path), "exec", flags), names)
        changed = [key for key in before if names[key] is not before[key]]
        for module in list(sys.modules.values()):
            holder = getattr(module, "__dict__", {})
            for key in changed:
                if holder is not names and holder.get(key) is before[key]:
                    holder[key] = names[key]


def _is_constant(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else ()
    if isinstance(statement, ast.AnnAssign):
        targets = (statement.target,)
    return any(isinstance(each, ast.Name) and not each.id.startswith("__") for each in targets)


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
