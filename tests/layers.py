"""Reads the diagrams of docs/layers.md and the imports of the sources; no test of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "blockstm"

FENCE = re.compile(r"^```layers ([\w.]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ORDER = re.compile(r"^([\w.]+): (.+)$", re.MULTILINE)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"(?P<path>[\w./]+)"', re.MULTILINE)
EXTERN = re.compile(r'^cdef extern from "(?P<path>[\w./]+)"', re.MULTILINE)
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


def diagrams() -> dict[str, dict[str, Place]]:
    """What docs/layers.md draws: for each folder, '' being the package, where its names stand."""
    drawn: dict[str, dict[str, Place]] = {}
    for folder, text in FENCE.findall((ROOT / "docs" / "layers.md").read_text()):
        if folder == "orders":
            each = {name: _order(rows) for name, rows in ORDER.findall(text)}
        else:
            each = {"" if folder == "blockstm" else folder: _boxes(text)}
        assert not drawn.keys() & each.keys(), f"{folder} is drawn twice"
        drawn |= each
    return drawn


def _boxes(text: str) -> dict[str, Place]:
    """Rows of boxes, the topmost first."""
    rows = [line.strip("│").split("│") for line in text.splitlines() if line.startswith("│")]
    return _places(rows)


def _order(text: str) -> dict[str, Place]:
    """The same on one line: ``top > left | right > bottom``."""
    return _places([row.split("|") for row in text.split(">")])


def _places(rows: list[list[str]]) -> dict[str, Place]:
    places: dict[str, Place] = {}
    for row, cells in enumerate(rows):
        for cell, names in enumerate(cells):
            for entry in names.split():
                assert entry not in places, f"{entry} stands twice in one diagram"
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

    for match in EXTERN.finditer(text):
        if match["path"].endswith(".hpp"):
            yield _header(match["path"]), text.count("\n", 0, match.start()) + 1


def _includes(text: str, importer: str) -> Iterator[tuple[str, int]]:
    for match in INCLUDE.finditer(text):
        yield _header(match["path"]), text.count("\n", 0, match.start()) + 1


def _header(path: str) -> str:
    """``evm/block.hpp`` is relative to the native core; the C table is its `abi`."""
    name = "abi" if path.endswith("vm_abi.h") else path.removesuffix(".hpp").replace("/", ".")
    return f"blockstm._native.{name}"


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
