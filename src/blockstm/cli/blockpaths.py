"""Which files and folders an argument of a command names."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from blockstm.errors import UsageError

__all__ = ["block_files", "folder"]

ENDINGS = (".json", ".json.gz", ".json.xz")


def block_files(path: Path) -> list[Path]:
    """A file as it is named; the block files of a folder in the order of their numbers.

    A folder's block files end as one does and have a number in their name, which tells them from
    an index beside them. Folders within it are not read.

    Raises:
        UsageError: a folder has none.
    """
    if not path.is_dir():
        return [path]
    numbers = {
        file: [int(digits) for digits in re.findall(r"\d+", file.name)]
        for file in path.iterdir()
        if file.name.endswith(ENDINGS) and file.is_file()
    }
    files = sorted((file for file in numbers if numbers[file]), key=numbers.__getitem__)
    if not files:
        raise UsageError(
            f"no block file is in this folder: one ends in {', '.join(ENDINGS)} and has a number "
            "in its name"
        )
    return files


def folder(text: str) -> Path:
    """A folder by its name: none is not the one where the command is run.

    Raises:
        ArgumentTypeError: the name is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("a folder has a name, this one is empty")
    return Path(text)
