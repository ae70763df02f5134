"""Where commands that write a file say what they have written."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TextIO

__all__ = ["told_beside"]

_STDOUT = 1


def told_beside(written: Path) -> TextIO:
    """stdout, or stderr where what was written is no file, or has gone to stdout itself."""
    try:
        status = os.stat(written)
        if stat.S_ISDIR(status.st_mode):
            return sys.stdout
        is_apart = stat.S_ISREG(status.st_mode) and not os.path.samestat(status, os.fstat(_STDOUT))
    except OSError:  # it is gone again, or there is no stdout
        return sys.stdout
    return sys.stdout if is_apart else sys.stderr
