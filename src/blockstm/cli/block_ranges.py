"""Ranges of block numbers as a command line names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from blockstm.errors import ConfigError
from blockstm.messages import brief

__all__ = ["numbers_in"]

_RANGE: Final = re.compile(r"([0-9]{0,20})\.\.([0-9]{0,20})")
_NUMBER: Final = re.compile(r"[0-9]{1,20}")


def numbers_in(given: Sequence[str]) -> tuple[int | None, int | None]:
    """The first and the last number of a range; None where it does not say.

    Raises:
        ConfigError: it is none.
    """
    match = _RANGE.fullmatch(given[0])
    if len(given) > 1 or (match is None and not _NUMBER.fullmatch(given[0])):
        raise ConfigError(
            f"blocks of a chain are 100..200, 100.., ..200, .. or 100, not {brief(given)}"
        )
    if match is None:
        return int(given[0]), int(given[0])
    first, last = match.groups()
    return int(first) if first else None, int(last) if last else None
