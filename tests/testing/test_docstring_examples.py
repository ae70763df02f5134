"""The examples in the docstrings of `blockstm.testing` run and give what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import blockstm.testing

MODULES = [name for _, name, _ in pkgutil.iter_modules(blockstm.testing.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(f"blockstm.testing.{name}")
    ran = doctest.testmod(module)
    assert ran.failed == 0
    assert ran.attempted > 0


def test_the_public_names_are_sorted_and_there() -> None:
    names = blockstm.testing.__all__
    assert names == sorted(names)
    assert all(hasattr(blockstm.testing, name) for name in names)
