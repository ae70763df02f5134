"""Every package opens with a contents page, and its modules import in the order that it lists.

A page is the docstring of an ``__init__.py``: below "Imports point down::" a line for each module
or folder, which may import the ones below it. So no circle of imports can be; an import within a
function is no way around that, and says why it is not at the top.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.layers import PACKAGE, imports

HEADING = "Imports point down::"
LINE = re.compile(r"^    (\w+)  +\S", re.MULTILINE)


def is_python(path: Path) -> bool:
    return "_native" not in path.relative_to(PACKAGE).parts


PAGES = sorted(p for p in PACKAGE.rglob("__init__.py") if p.parent != PACKAGE and is_python(p))
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if is_python(path))


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def listed(page: Path) -> list[str]:
    """What a contents page lists, top to bottom."""
    text = ast.get_docstring(ast.parse(page.read_text()), clean=False) or ""
    return LINE.findall(text.partition(HEADING)[2])


def members(folder: Path) -> set[str]:
    """The modules and folders of a package."""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in folder.glob("*/__init__.py")}


def upward(page: Path) -> list[str]:
    """One line for every import within a package that its page does not allow."""
    package = ".".join(page.parent.relative_to(PACKAGE.parent).parts)
    order = listed(page)
    lines = []
    for path in sorted(page.parent.rglob("*.py")):
        if path == page:
            continue
        for each in imports(path):
            if each.imported == package:
                lines.append(f"{name(path)}:{each.line} imports the page of its own package")
            elif each.imported.startswith(f"{package}."):
                above, below = (
                    whole.removeprefix(f"{package}.").split(".")[0]
                    for whole in (each.importer, each.imported)
                )
                if order.index(above) > order.index(below):
                    lines.append(f"{name(path)}:{each.line}: {below} is listed above {above}")
    return lines


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_lists_every_module_once(page: Path) -> None:
    assert sorted(listed(page)) == sorted(members(page.parent))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_imports_of_a_package_point_down_its_page(page: Path) -> None:
    assert upward(page) == []


def late_imports(text: str) -> Iterator[int]:
    """The lines of imports that are not at the top, and that no comment explains.

    Imports in a row share the comment of the first, on its line or on the one above. One for the
    type checker alone needs none.
    """
    lines = text.splitlines()
    module = ast.parse(text)
    for block in _blocks(module):
        explained = False
        for before, node in zip([None, *block], block, strict=False):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            own = lines[node.lineno - 1 : node.end_lineno]
            explained = (isinstance(before, ast.Import | ast.ImportFrom) and explained) or any(
                "#" in line for line in (lines[node.lineno - 2].lstrip()[:1], *own)
            )
            if not explained:
                yield node.lineno


def _blocks(module: ast.Module) -> Iterator[list[ast.stmt]]:
    """The blocks of statements inside functions."""
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                for part in ("body", "orelse", "finalbody"):
                    block = getattr(node, part, None)
                    if isinstance(block, list):
                        yield block


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_an_import_within_a_function_says_why(path: Path) -> None:
    assert sorted(set(late_imports(path.read_text()))) == []


def test_an_unexplained_import_is_found() -> None:
    text = """
import sys

def first():
    import json  # start-up time
    import os
    if json:
        import re
    return os, re

def second():
    # an optional extra
    import numpy

    return numpy
"""
    assert set(late_imports(text)) == {8}


def test_an_import_up_a_page_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "blockstm"
    files = {
        "vm/__init__.py": f'"""VMs.\n\n{HEADING}\n\n    evm    runs\n    forks  rules\n"""\n',
        "vm/evm/__init__.py": f'"""EVM.\n\n{HEADING}\n\n    steps  runs\n"""\n',
        "vm/evm/steps.py": "from blockstm.vm import forks\n",
        "vm/forks.py": "def late():\n    from blockstm.vm.evm.steps import Step\n",
    }
    for path, text in files.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(text)
    monkeypatch.setattr("tests.layers.PACKAGE", package)
    monkeypatch.setitem(globals(), "PACKAGE", package)
    assert upward(package / "vm" / "__init__.py") == ["vm/forks.py:2: evm is listed above forks"]
    (package / "vm/evm/steps.py").write_text("from blockstm.vm.evm import Step\n")
    assert upward(package / "vm" / "evm" / "__init__.py") == [
        "vm/evm/steps.py:1 imports the page of its own package"
    ]
