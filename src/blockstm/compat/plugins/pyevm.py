"""``pytest -p blockstm.compat.plugins.pyevm``: every chain of py-evm imports blocks through us."""

from __future__ import annotations

from blockstm.extras import need

need("pyevm", "blockstm.compat.plugins.pyevm")

from typing import Any

from eth.chains import base

from blockstm.compat.plugins.freezing import pytest_collection_finish
from blockstm.compat.pyevm.chain import import_block

__all__ = ["pytest_collection_finish", "pytest_load_initial_conftests"]

_THEIRS = base.Chain.import_block


def pytest_load_initial_conftests() -> None:
    """Called by pytest before it imports anything of a suite."""
    base.Chain.import_block = _import


def _import(chain: Any, block: Any, perform_validation: bool = True) -> Any:
    return import_block(chain, block) if perform_validation else _THEIRS(chain, block, False)
