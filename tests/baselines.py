"""Where pyrevm can be had. No test of its own.

There are no wheels of it for Python 3.13; everywhere else the extra ``pyrevm`` is part of ``dev``,
and a test that lacks it fails.
"""

from __future__ import annotations

import sys

import pytest

HAS_PYREVM = sys.version_info < (3, 13)
needs_pyrevm = pytest.mark.skipif(not HAS_PYREVM, reason="pyrevm has no wheels for this Python")
