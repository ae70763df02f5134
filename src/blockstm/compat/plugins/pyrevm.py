"""``pytest -p blockstm.compat.plugins.pyrevm``: `blockstm.compat.pyrevm` in the place of pyrevm."""

from __future__ import annotations

import sys

from blockstm.compat import pyrevm
from blockstm.compat.plugins.freezing import pytest_collection_finish

__all__ = ["pytest_collection_finish", "pytest_load_initial_conftests"]


def pytest_load_initial_conftests() -> None:
    """Called by pytest before it imports anything of a suite."""
    sys.modules["pyrevm"] = pyrevm
