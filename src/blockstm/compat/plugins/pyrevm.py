"""``pytest -p blockstm.compat.plugins.pyrevm``: `blockstm.compat.pyrevm` in the place of pyrevm."""

from __future__ import annotations

import sys

from blockstm.compat import pyrevm

__all__: list[str] = []

sys.modules["pyrevm"] = pyrevm
