"""The names that pyrevm gives to rules."""

from __future__ import annotations

from typing import Final

from blockstm.errors import ConfigError
from blockstm.vm.forks import OSAKA, Fork, fork_named

__all__ = ["LATEST", "fork_of", "name_of"]

LATEST: Final = OSAKA
"""What "LATEST" means, and any name that is not known: the newest rules of mainnet."""


def fork_of(spec_id: str) -> Fork:
    """The fork with this name; as pyrevm, `LATEST` where there is none."""
    try:
        return fork_named(spec_id)
    except ConfigError:
        return LATEST


def name_of(spec_id: str) -> str:
    """How traces call it."""
    try:
        fork_named(spec_id)
    except ConfigError:
        return "Latest"
    if spec_id[:1].isupper() and not spec_id.isupper():
        return spec_id
    return "".join(word.capitalize() for word in spec_id.split("_"))
