"""What ends a transition without a result: words for people, an exit status for tools.

The numbers are those of go-ethereum's ``evm t8n``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from blockstm.errors import (
    BlockError,
    ConfigError,
    DecodeError,
    StateError,
    TraceTooLarge,
    UsageError,
)
from blockstm.ethereum.transition import MissingMember

__all__ = [
    "CONFIG",
    "EVM",
    "IO",
    "JSON",
    "MISSING_HASH",
    "RLP",
    "TransitionFailure",
    "exit_status",
    "failing",
]

EVM: Final = 2
CONFIG: Final = 3
MISSING_HASH: Final = 4
JSON: Final = 10
IO: Final = 11
RLP: Final = 12


class TransitionFailure(Exception):
    """A transition cannot be made. ``status`` is the exit status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def __str__(self) -> str:
        return f"ERROR({self.status}): {self.args[0]}"


def exit_status(task: Callable[[], None]) -> int:
    """Do what a tool is for; 0, or the status of its failure, whose words go to standard error."""
    try:
        task()
    except TransitionFailure as failure:
        print(failure, file=sys.stderr)
        return failure.status
    return 0


@contextmanager
def failing() -> Iterator[None]:
    """Has errors of the library be failures of a transition."""
    try:
        yield
    except MissingMember as error:
        raise TransitionFailure(CONFIG, str(error)) from error
    except ConfigError as error:
        raise TransitionFailure(
            CONFIG, f"failed constructing chain configuration: {error}"
        ) from error
    except DecodeError as error:
        raise TransitionFailure(JSON, str(error)) from error
    except StateError as error:
        raise TransitionFailure(MISSING_HASH, str(error)) from error
    except (BlockError, TraceTooLarge, UsageError, MemoryError) as error:
        raise TransitionFailure(EVM, str(error) or "out of memory") from error
