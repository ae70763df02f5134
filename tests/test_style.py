"""What the house style says of every file and a machine can see."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_LINES = 600
MAX_NATIVE_COLUMNS = 120  # a Cython signature ends in `noexcept nogil`
FOLDERS = (".ci", "bench", "docs", "examples", "src", "tests")
NATIVE = {".pyx", ".pxd", ".h", ".hpp", ".cpp", ".inc"}
CODE = {".py", ".pyi"} | NATIVE
TEXT = CODE | {".md", ".toml", ".yml", ""}

MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/")


def files(endings: set[str]) -> list[Path]:
    """The project's own text files with one of these endings; what was built is left out."""
    return sorted(path for path in _all_files() if path.suffix in endings)


def _all_files() -> Iterator[Path]:
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.name[0] != ".")
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            hidden = any(part in {"__pycache__"} or "egg-info" in part for part in path.parts)
            if path.is_file() and not hidden:
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_two_test_modules_have_one_name() -> None:
    """Pytest imports a module by its file's name alone: of two it would collect the first."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", files(CODE), ids=name)
def test_a_file_is_one_noun(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", files(NATIVE), ids=name)
def test_native_lines_fit(path: Path) -> None:
    """The Python files are ruff's to check."""
    lines = enumerate(path.read_text().splitlines(), 1)
    long = [(number, line) for number, line in lines if len(line) > MAX_NATIVE_COLUMNS]
    # Cython reads the list of a module's sources from one line.
    assert [number for number, line in long if not line.startswith("# distutils:")] == []


@pytest.mark.parametrize("path", files(TEXT), ids=name)
def test_no_path_of_one_machine(path: Path) -> None:
    assert MACHINE_PATH.findall(path.read_text()) == []


@pytest.mark.parametrize("path", files({".py"}), ids=name)
def test_a_python_file_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", files({".py", ".pyx"}), ids=name)
def test_every_ignore_carries_its_reason(path: Path) -> None:
    bare = [
        line
        for line in path.read_text().splitlines()
        if re.search(r"#\s*(?:type:\s*ignore|noqa)\b", line) and len(line.split("# ")) < 3
    ]
    if path == Path(__file__):
        bare = [line for line in bare if "re.search" not in line]
    assert bare == []


def environment_reads(path: Path) -> list[int]:
    """The lines of a Python file that look at environment variables."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]


@pytest.mark.parametrize(
    "path",
    # The command line is a process of its own and may look around.
    [path for path in sorted((ROOT / "src").rglob("*.py")) if "cli" not in path.parts],
    ids=name,
)
def test_environment_variables_are_not_read_implicitly(path: Path) -> None:
    assert environment_reads(path) == []
