"""Optional packages, each with the extra that brings it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from blockstm.errors import MissingExtra

__all__ = ["EXTRAS", "need"]

EXTRAS: Final = {
    "numba": ("numba", "numpy"),
    "pyevm": ("eth", "rlp"),
    "pyrevm": ("pyrevm",),
    "testing": ("hypothesis",),
    "insight": ("matplotlib",),
    "chain": ("mdbx",),
    "archives": ("cramjam",),
    "boa": ("boa",),
    "eth-tester": ("eth_tester",),
    "ai": ("onnx", "numpy"),
    "rpc": ("uvicorn", "websockets"),
    "ray": ("ray",),
    "replay": ("pyarrow",),
}
"""Extra → the packages of it that blockstm imports."""


def need(extra: str, what: str) -> None:
    """Check that an extra is installed before its packages are imported.

    Args:
        extra: one of `EXTRAS`.
        what: needs it, in words.

    Raises:
        MissingExtra: a package of it is not there.
    """
    missing = [name for name in EXTRAS[extra] if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"{what} needs {' and '.join(missing)}, which is not installed: "
            f"pip install 'blockstm[{extra}]'"
        )
