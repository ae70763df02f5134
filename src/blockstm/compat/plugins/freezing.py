"""What a plugin does once all tests are found: garbage collection looks at less from then on.

A suite that compiles contracts makes millions of objects, and each full collection of garbage looks
at all that lives. What has been imported by then, this package among it, lives to the end.
"""

from __future__ import annotations

import gc

__all__ = ["pytest_collection_finish"]


def pytest_collection_finish() -> None:
    """Called by pytest when it has imported all tests."""
    gc.collect()
    gc.freeze()
