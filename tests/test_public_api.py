"""What `import blockstm` offers: few names, sorted, documented, and nothing that leaks."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
from tests.layers import PACKAGE, module_name

import blockstm
from blockstm.errors import MissingExtra

ROOT = Path(__file__).parents[1]
MAX_PUBLIC_NAMES = 25


def modules_with_all() -> list[str]:
    """The Python modules of the package that say what is public in them."""
    named = [path for path in PACKAGE.rglob("*.py") if "\n__all__ = " in path.read_text()]
    return sorted(module_name(path).removesuffix(".__init__") for path in named)


def place(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by name: the order that ruff keeps too."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def names_of(module: str) -> tuple[list[str], list[str]]:
    """What a module says is public in it, and which of these names it does not have.

    They are read from the text of one whose extra is not in the development environment.
    """
    try:
        imported = importlib.import_module(module)
    except MissingExtra:
        if "boa" not in module:
            raise
        return names_in_the_text_of(module)
    named = list(imported.__all__)
    return named, [each for each in named if not hasattr(imported, each)]


def names_in_the_text_of(module: str) -> tuple[list[str], list[str]]:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    named: list[str] = []
    there: set[str] = set()
    for each in ast.parse(path.read_text()).body:
        match each:
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                there |= {alias.asname or alias.name for alias in aliases}
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                there.add(name)
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                named = ast.literal_eval(value)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                there.add(name)
    return named, [each for each in named if each not in there]


@pytest.mark.parametrize("name", modules_with_all())
def test_all_is_sorted_and_true(name: str) -> None:
    named, missing = names_of(name)
    assert named == sorted(set(named), key=place)
    assert missing == []


def test_the_public_names_are_few() -> None:
    assert len(blockstm.__all__) <= MAX_PUBLIC_NAMES


def test_nothing_leaks_beside_the_public_names() -> None:
    visible = {
        name
        for name, value in vars(blockstm).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", "").startswith("blockstm")
    }
    assert visible <= set(blockstm.__all__)


# A constant cannot carry a docstring: its words stand on the page of the API.
@pytest.mark.parametrize(
    "name", [name for name in blockstm.__all__ if callable(getattr(blockstm, name))]
)
def test_every_public_object_has_a_docstring(name: str) -> None:
    value = getattr(blockstm, name)
    assert value.__doc__
    assert value.__doc__.strip()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (owner, name)
        for owner in blockstm.__all__
        if inspect.isclass(getattr(blockstm, owner))
        for name, value in vars(getattr(blockstm, owner)).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    ],
)
def test_every_public_method_has_a_docstring(owner: str, name: str) -> None:
    assert getattr(vars(getattr(blockstm, owner))[name], "__doc__", None)


# Module → the page that has its names, in a table below a heading that names the module.
PAGES = {
    "blockstm": "api.md",
    "blockstm.ai": "ai.md",
    "blockstm.chain": "chain.md",
    "blockstm.replay": "replay.md",
    "blockstm.rpc": "rpc.md",
    "blockstm.rpc.dev": "rpc.md",
    "blockstm.ethereum": "ethereum.md",
    "blockstm.vm.evm": "ethereum.md",
    "blockstm.shards": "shards.md",
    "blockstm.testing": "testing.md",
    "blockstm.state": "api.md",
    "blockstm.insight": "api.md",
}
# Packages without names of their own: those of these modules are public.
MODULES_OF = {
    "blockstm.state": ["memory", "accounts"],
    "blockstm.insight": [
        *("timeline", "critical_path", "dependencies", "recording", "signals", "anomalies"),
        *("graph", "groups", "simulation.estimates"),
    ],
}


def public_names(module: str) -> set[str]:
    inner = MODULES_OF.get(module)
    names = [module] if inner is None else [f"{module}.{each}" for each in inner]
    return {each for name in names for each in importlib.import_module(name).__all__}


def names_on_the_page(module: str) -> list[str]:
    """What the first column of the tables below the module's heading names."""
    page = (ROOT / "docs" / PAGES[module]).read_text()
    heading = rf"^## The names of `{re.escape(module)}`\n(.*?)(?=^## |\Z)"
    section = re.search(heading, page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/{PAGES[module]} has no heading: The names of `{module}`"
    cells = re.findall(r"^\| (`[^|]+) \|", section[1], re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


@pytest.mark.parametrize("module", PAGES)
def test_every_public_name_is_on_a_page_once(module: str) -> None:
    """And no other: a name that is gone leaves its page. One line says what it is."""
    assert sorted(names_on_the_page(module)) == sorted(public_names(module))


def test_the_version_is_the_first_one_of_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    first = re.search(r"^## (?!Unreleased$)(\S+)", changelog, re.MULTILINE)
    assert first
    assert first[1] == blockstm.__version__
