"""Imports point down only, in the order that docs/layers.md draws."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from tests.layers import PACKAGE, Import, Place, diagram, imports, module_name, sources

PACKAGE_LAYERS = diagram("package")
NATIVE_LAYERS = diagram("native")
STORE = "blockstm._native.store"


def may_import(layers: dict[str, Place], importer: str, imported: str) -> bool:
    """Whether the diagram lets one of its names import another."""
    above, below = layers[importer], layers[imported]
    return above == below or above.row < below.row


def room(module: str) -> str:
    """The name in the package diagram that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def native_room(module: str) -> str | None:
    """The name in the native diagram; None outside ``_native`` and for the package itself."""
    parts = module.split(".")
    inner = parts[2] if parts[1:2] == ["_native"] and len(parts) > 2 else None
    return None if inner == "__init__" else inner


def violations(found: list[Import]) -> list[str]:
    """One line for every import that points up or sideways."""
    lines = []  # what no diagram names is another test's to tell
    for each in found:
        pairs = [(PACKAGE_LAYERS, room(each.importer), room(each.imported))]
        inner = native_room(each.importer), native_room(each.imported)
        if inner[0] is not None and inner[1] is not None:
            pairs.append((NATIVE_LAYERS, *inner))  # type: ignore[arg-type]  # both checked
        lines += [
            f"{each.importer}:{each.line} imports {each.imported}, but {below} is not below {above}"
            for layers, above, below in pairs
            if above in layers and below in layers and not may_import(layers, above, below)
        ]
    return lines


def test_every_module_stands_in_a_diagram() -> None:
    modules = [module_name(path) for path in sources()]
    places = {room(module): PACKAGE_LAYERS for module in modules}
    places |= {inner: NATIVE_LAYERS for module in modules if (inner := native_room(module))}
    assert [name for name, layers in places.items() if name not in layers] == []


def test_every_name_in_a_diagram_is_a_module() -> None:
    modules = [module_name(path) for path in sources()]
    assert {room(module) for module in modules} >= set(PACKAGE_LAYERS)
    assert {native_room(module) for module in modules} >= set(NATIVE_LAYERS)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    assert not violations(imports(path))


def test_the_scheduler_does_not_know_the_store() -> None:
    assert not may_import(NATIVE_LAYERS, "scheduler", "store")
    assert not may_import(NATIVE_LAYERS, "store", "scheduler")


@pytest.mark.parametrize(
    ("file", "text", "imported"),
    [
        ("errors.py", "def late():\n    from blockstm import executor", "blockstm.executor"),
        ("errors.py", "from . import executor as door", "blockstm.executor"),
        ("errors.py", "import importlib\nimportlib.import_module('blockstm.cli')", "blockstm.cli"),
        ("vm/x.py", "from ..executor import Executor", "blockstm.executor"),
        ("_native/scheduler.pxd", "from blockstm._native.store cimport Store", STORE),
        ("_native/scheduler.pyx", "cdef f():\n    pass\ncimport blockstm._native.store", STORE),
        ("_native/scheduler.pyx", "from .store cimport (\n    Store)", STORE),
        ("_native/scheduler.pxd", "from . cimport store", STORE),
        ("testing/x.py", "import blockstm.insight", "blockstm.insight"),
        ("_native/evm/x.hpp", '#include "store.hpp"', STORE),
        ("_native/crypto/x.cpp", '  #  include "evm/u256.hpp"', "blockstm._native.evm.u256"),
    ],
)
def test_an_import_that_points_up_is_found(
    file: str, text: str, imported: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "blockstm"
    for each in ("errors.py", "executor.py", "vm/x.py", "testing/x.py", "_native/store.pxd", file):
        (package / each).parent.mkdir(parents=True, exist_ok=True)
        (package / each).touch()
    (package / file).write_text(textwrap.dedent(text))
    monkeypatch.setattr("tests.layers.PACKAGE", package)
    found = imports(package / file)
    assert imported in {each.imported for each in found}
    assert violations(found)
