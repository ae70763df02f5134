"""Reads the diagrams of docs/layers.md and the imports of the sources; no test of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "blockstm"

FENCE = re.compile(r"^```layers (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"(?P<path>[\w./]+)"', re.MULTILINE)
CIMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<base>[\w.]+)[ \t]+c?import[ \t]+(?P<names>\([^)]*\)|[^#\n]+)"
    r"|c?import[ \t]+(?P<plain>[^#\n]+))",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Place:
    """Where a name stands in a diagram: rows count from the top."""

    row: int
    cell: int


@dataclass(frozen=True)
class Import:
    """One import of one of our modules, by absolute name."""

    importer: str
    imported: str
    line: int


def diagram(name: str) -> dict[str, Place]:
    """The names of one diagram of docs/layers.md and their places."""
    diagrams = dict(FENCE.findall((ROOT / "docs" / "layers.md").read_text()))
    places: dict[str, Place] = {}
    rows = [line for line in diagrams[name].splitlines() if line.startswith("│")]
    for row, line in enumerate(rows):
        for cell, names in enumerate(line.strip("│").split("│")):
            for entry in names.split():
                assert entry not in places, f"{entry} stands twice in the diagram {name}"
                places[entry] = Place(row, cell)
    return places


def module_name(path: Path) -> str:
    """``blockstm.vm.kernel`` for src/blockstm/vm/kernel.py; packages keep their ``__init__``."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def sources() -> list[Path]:
    """Every file of the package that can import."""
    return sorted(path for path in PACKAGE.rglob("*") if path.suffix in READERS)


def imports(path: Path) -> list[Import]:
    """What a file imports of ours, wherever in the file and whether or not at run time."""
    read = READERS[path.suffix]
    importer = module_name(path)
    return [
        Import(importer, name, line)
        for name, line in read(path.read_text(), importer)
        if name.split(".")[0] == "blockstm"
    ]


def _python_imports(text: str, importer: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), importer)
            yield from ((_submodule(base, alias.name), node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and _is_import_call(node):
            yield str(node.args[0].value), node.lineno  # type: ignore[attr-defined]  # a Constant


def _is_import_call(node: ast.Call) -> bool:
    """Whether a call is ``import_module("...")`` or ``__import__("...")``."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    constant = bool(node.args) and isinstance(node.args[0], ast.Constant)
    return name in {"import_module", "__import__"} and constant


def _cython_imports(text: str, importer: str) -> Iterator[tuple[str, int]]:
    for match in CIMPORT.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        base, names, plain = match.groups()
        if plain is not None:
            yield from ((entry.split()[0], line) for entry in plain.split(",") if entry.strip())
            continue
        base = _absolute(base, importer)
        for entry in re.split(r"[(),\s]+(?:as\s+\w+)?", names):
            if entry:
                yield _submodule(base, entry), line


def _includes(text: str, importer: str) -> Iterator[tuple[str, int]]:
    """``#include "evm/u256.hpp"`` is relative to the native core; the C table is its `abi`."""
    for match in INCLUDE.finditer(text):
        name = match["path"].removesuffix(".hpp").replace("/", ".")
        line = text.count("\n", 0, match.start()) + 1
        yield "blockstm._native." + ("abi" if name.endswith("vm_abi.h") else name), line


def _absolute(name: str, importer: str) -> str:
    """Resolve a relative module name against the package of ``importer``."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    package = importer.split(".")[:-level]
    return ".".join([*package, *filter(None, [name[level:]])])


def _submodule(base: str, name: str) -> str:
    """``base.name`` where that is a module of ours, else ``base``."""
    path = PACKAGE.parent.joinpath(*base.split("."), name)
    if path.is_dir() or any(path.with_suffix(end).exists() for end in (".py", ".pyx", ".pxd")):
        return f"{base}.{name}"
    return base


READERS = {
    ".py": _python_imports,
    ".pyi": _python_imports,
    ".pyx": _cython_imports,
    ".pxd": _cython_imports,
    ".hpp": _includes,
    ".cpp": _includes,
}
"""How the imports of each kind of file are read."""
