"""``-p blockstm.compat.plugins.eth_tester``: `eth_tester.PyEVMBackend` is our backend."""

from __future__ import annotations

from blockstm.extras import need

need("eth-tester", "blockstm.compat.plugins.eth_tester")

import eth_tester
from eth_tester.backends import pyevm
from eth_tester.backends.pyevm import main

from blockstm.compat.eth_tester import Backend
from blockstm.compat.plugins.freezing import pytest_collection_finish

__all__ = ["pytest_collection_finish", "pytest_load_initial_conftests"]


def pytest_load_initial_conftests() -> None:
    """Called by pytest before it imports anything of a suite."""
    eth_tester.PyEVMBackend = pyevm.PyEVMBackend = main.PyEVMBackend = Backend
