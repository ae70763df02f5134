"""Imports point down only, in the order that docs/layers.md draws for each folder."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from tests.layers import PACKAGE, Import, Place, diagrams, imports, module_name, sources

LAYERS = diagrams()
STORE = "blockstm._native.engine.mvmemory.store"


def may_import(layers: dict[str, Place], importer: str, imported: str) -> bool:
    """Whether a diagram lets one of its names import another."""
    above, below = layers[importer], layers[imported]
    return above == below or above.row < below.row


def steps(module: str) -> list[tuple[str, str]]:
    """A module's way down: each folder with the name in it, the package's own name being ''."""
    parts = module.split(".")[1:] or ["__init__"]
    return [(".".join(parts[:depth]), name) for depth, name in enumerate(parts)]


def parting(importer: str, imported: str) -> tuple[str, str, str]:
    """The folder where the ways to two modules part, and the names that they take there."""
    above, below = importer.split(".")[1:], imported.split(".")[1:]
    depth = 0
    while depth < min(len(above), len(below)) and above[depth] == below[depth]:
        depth += 1
    return ".".join(above[:depth]), [*above, "__init__"][depth], [*below, "__init__"][depth]


def violations(found: list[Import]) -> list[str]:
    """One line for every import that points up or sideways."""
    lines = []  # what no diagram names is another test's to tell
    for each in found:
        folder, above, below = parting(each.importer, each.imported)
        layers = LAYERS.get(folder, {})
        if above in layers and below in layers and not may_import(layers, above, below):
            lines.append(
                f"{each.importer}:{each.line} imports {each.imported}, "
                f"but {below} is not below {above}"
            )
    return lines


def present() -> dict[str, set[str]]:
    """What the sources have: for each folder, the names in it; `__init__` is the package's own."""
    found: dict[str, set[str]] = {}
    for path in sources():
        for folder, name in steps(module_name(path)):
            found.setdefault(folder, set()).add(name)
    return {
        folder: names if folder == "" else names - {"__init__"} for folder, names in found.items()
    }


def test_every_module_stands_in_a_diagram() -> None:
    found = present()
    missing = {folder: found[folder] - set(LAYERS[folder]) for folder in LAYERS.keys() & found}
    assert not {folder: names for folder, names in missing.items() if names}


def test_every_name_in_a_diagram_is_a_module() -> None:
    found = present()
    unknown = {folder: set(names) - found.get(folder, set()) for folder, names in LAYERS.items()}
    assert not {folder: names for folder, names in unknown.items() if names}


def test_every_folder_of_the_native_core_has_a_diagram() -> None:
    native = {folder for folder in present() if folder.split(".")[0] == "_native"}
    assert native - LAYERS.keys() == set()


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    assert not violations(imports(path))


def test_the_scheduler_does_not_know_the_store() -> None:
    assert not may_import(LAYERS["_native.engine"], "scheduler", "mvmemory")
    assert not may_import(LAYERS["_native.engine"], "mvmemory", "scheduler")


def test_the_engine_and_the_evm_know_nothing_of_each_other() -> None:
    assert not may_import(LAYERS["_native"], "engine", "evm")
    assert not may_import(LAYERS["_native"], "evm", "engine")


MVMEMORY = "_native/engine/mvmemory"


@pytest.mark.parametrize(
    ("file", "text", "imported"),
    [
        ("errors.py", "def late():\n    from blockstm import executor", "blockstm.executor"),
        ("errors.py", "from . import executor as entry", "blockstm.executor"),
        ("errors.py", "import importlib\nimportlib.import_module('blockstm.cli')", "blockstm.cli"),
        ("vm/x.py", "from ..executor import Executor", "blockstm.executor"),
        ("_native/engine/scheduler.pxd", f"from {STORE} cimport Store", STORE),
        ("_native/engine/scheduler.pyx", f"cdef f():\n    pass\ncimport {STORE}", STORE),
        (f"{MVMEMORY}/interner.pyx", "from .store cimport (\n    Store)", STORE),
        (f"{MVMEMORY}/interner.pxd", "from . cimport store", STORE),
        ("testing/x.py", "import blockstm.insight", "blockstm.insight"),
        ("_native/evm/x.hpp", '#include "engine/mvmemory/store.hpp"', STORE),
        ("_native/state/x.pxd", 'cdef extern from "engine/mvmemory/store.hpp":', STORE),
        (
            "_native/evm/forks/gas.cpp",
            '  #  include "evm/run/memory.hpp"',
            "blockstm._native.evm.run.memory",
        ),
    ],
)
def test_an_import_that_points_up_is_found(
    file: str, text: str, imported: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "blockstm"
    store = f"{MVMEMORY}/store.pxd"
    for each in ("errors.py", "executor.py", "vm/x.py", "testing/x.py", store, file):
        (package / each).parent.mkdir(parents=True, exist_ok=True)
        (package / each).touch()
    (package / file).write_text(textwrap.dedent(text))
    monkeypatch.setattr("tests.layers.PACKAGE", package)
    found = imports(package / file)
    assert imported in {each.imported for each in found}
    assert violations(found)
