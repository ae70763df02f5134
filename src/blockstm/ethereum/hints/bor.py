"""Dependencies as Bor (Polygon) has them in a header's extra data, since PIP-16: read and written.

The extra data are 32 bytes of vanity, an RLP list of the validators' bytes and of one list of
indices for each transaction, and a seal of 65 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.codecs.rlp import Items, encode
from blockstm.messages import brief

__all__ = ["bor_extra_data", "dependencies_in_extra_data"]

_VANITY: Final = 32
_SEAL: Final = 65
_PLACE: Final = "extraData"


def dependencies_in_extra_data(extra_data: bytes) -> list[tuple[int, ...]]:
    """For each transaction the indices that it depends on; empty where the producer named none.

    Raises:
        DecodeError: the extra data are not of this form.
    """
    if len(extra_data) < _VANITY + _SEAL:
        given = len(extra_data)
        raise DecodeError(f"{_PLACE}: {given} bytes, at least {_VANITY + _SEAL} expected", _PLACE)
    items = Items(extra_data[_VANITY:-_SEAL], _PLACE)
    items.data("validatorBytes")
    found = [tuple(each.quantities()) for each in items.lists("txDependency")]
    items.end()
    return found


def bor_extra_data(
    dependencies: Iterable[Sequence[int]],
    *,
    vanity: bytes = bytes(_VANITY),
    validators: bytes = b"",
    seal: bytes = bytes(_SEAL),
) -> bytes:
    """The extra data of a header that names these dependencies.

    Args:
        dependencies: for each transaction the indices of earlier ones that it depends on, such as
            `Hints.dependencies` are.
        vanity: the first 32 bytes.
        validators: the validators' bytes.
        seal: the last 65 bytes.

    Raises:
        InputError: a transaction depends on itself, a later one or something that is no index, or
            vanity or seal are of another length.

    >>> dependencies_in_extra_data(bor_extra_data([(), (0,), (0, 1)]))
    [(), (0,), (0, 1)]
    """
    if len(vanity) != _VANITY or len(seal) != _SEAL:
        raise InputError(
            f"vanity and seal have {_VANITY} and {_SEAL} bytes, not {len(vanity)} and {len(seal)}"
        )
    listed = [_checked(index, each) for index, each in enumerate(dependencies)]
    return vanity + encode([validators, listed]) + seal


def _checked(index: int, dependencies: Sequence[int]) -> tuple[int, ...]:
    for each in dependencies:
        if not isinstance(each, int) or isinstance(each, bool) or not 0 <= each < index:
            raise InputError(
                f"transaction {index} depends on the index of an earlier one, not {brief(each)}"
            )
    return tuple(dependencies)
