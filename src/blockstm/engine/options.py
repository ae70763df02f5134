"""What a caller says of a block of transactions, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

from blockstm.errors import ConfigError
from blockstm.hints.options import GivenHints, keys_of
from blockstm.messages import brief
from blockstm.types import Limit, StateReader, View
from blockstm.vm.native import NativeVM

__all__ = [
    "DEFAULTS",
    "VM",
    "Limit",
    "OnInvalid",
    "RunOptions",
    "State",
    "check_limit",
    "check_on_invalid",
    "prefetch",
]

VM = Callable[[View, Any], Any] | NativeVM
State = Mapping[Any, Any] | StateReader
OnInvalid = Literal["raise", "skip"]


class RunOptions(TypedDict, total=False):
    """What a caller may say of a block of transactions; see `blockstm.execute_block`."""

    on_invalid: OnInvalid
    limit: Limit | None
    hints: GivenHints | None


DEFAULTS: RunOptions = {"on_invalid": "raise", "limit": None, "hints": None}


def check_on_invalid(on_invalid: Any) -> None:
    """Refuse what says neither.

    Raises:
        ConfigError: it is neither "raise" nor "skip".
    """
    if on_invalid not in ("raise", "skip"):
        raise ConfigError(f'on_invalid is "raise" or "skip", not {brief(on_invalid)}')


def check_limit(limit: Any) -> None:
    """Refuse what limits nothing.

    Raises:
        ConfigError: it is neither a gas cap nor callable.
    """
    if limit is None or callable(limit):
        return
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise ConfigError(f"limit is a gas cap of 0 or more, or a callable, not {brief(limit)}")


def prefetch(state: Any, hints: Any) -> None:
    """Pass keys on. They decide nothing, so neither does a failure: `get` will tell."""
    keys = keys_of(hints)
    method = getattr(state, "prefetch", None)
    if keys is not None and callable(method):
        try:
            method(list(keys))
        except Exception:
            return
