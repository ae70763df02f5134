"""What `import blockstm` offers: few names, sorted, documented, and nothing that leaks."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
from tests.layers import PACKAGE, module_name

import blockstm

ROOT = Path(__file__).parents[1]
MAX_PUBLIC_NAMES = 25


def modules_with_all() -> list[str]:
    """The Python modules of the package that say what is public in them."""
    named = [path for path in PACKAGE.rglob("*.py") if "\n__all__ = " in path.read_text()]
    return sorted(module_name(path).removesuffix(".__init__") for path in named)


def place(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by name: the order that ruff keeps too."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("name", modules_with_all())
def test_all_is_sorted_and_true(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__), key=place)
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


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


def test_the_api_page_names_every_public_name_once() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    rows = re.findall(r"^\| `(\w+)`", page, re.MULTILINE)
    assert sorted(rows, key=place) == list(blockstm.__all__)


def test_the_version_is_the_first_one_of_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    first = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert first
    assert first[1] == blockstm.__version__
