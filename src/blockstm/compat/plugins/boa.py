"""``-p blockstm.compat.plugins.boa``: every environment of titanoboa runs on this EVM."""

from __future__ import annotations

from blockstm.extras import need

need("boa", "blockstm.compat.plugins.boa")

from typing import Any

from boa import environment

from blockstm.compat.boa import Evm, use
from blockstm.compat.plugins.freezing import pytest_collection_finish

__all__ = ["pytest_collection_finish", "pytest_load_initial_conftests"]


def pytest_load_initial_conftests() -> None:
    """Called by pytest before it imports anything of a suite."""
    vars(environment)["PyEVM"] = _make
    use()


def _make(env: Any, *_: Any) -> Evm:
    return Evm(env)
