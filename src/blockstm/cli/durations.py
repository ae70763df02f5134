"""Spans of time as people read them."""

from __future__ import annotations

__all__ = ["time_as_text"]


def time_as_text(seconds: float) -> str:
    """Milliseconds where it is less than a second: most blocks are."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"
