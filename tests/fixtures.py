"""Where the fixtures are: real blocks that nobody here wrote. No test of its own.

They are found through the environment variable ``BLOCKSTM_FIXTURES``, by default in
``../shared/fixtures`` beside the repository. Where they are absent, tests that need them fail:
a suite that passes without them would prove less than it says.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@cache
def fixtures() -> Path:
    """The folder of the fixtures.

    Raises:
        FileNotFoundError: it is absent.
    """
    folder = Path(os.environ.get("BLOCKSTM_FIXTURES", ROOT.parent / "shared" / "fixtures"))
    if not (folder / "mainnet").is_dir():
        raise FileNotFoundError(
            f"NO FIXTURES: there is no folder {folder / 'mainnet'}. Tests of real blocks need "
            "them; set BLOCKSTM_FIXTURES to where they are."
        )
    return folder


@cache
def mainnet_index() -> dict[int, dict[str, Any]]:
    """What is known of each mainnet block, by number; empty where the fixtures are absent."""
    try:
        index = json.loads((fixtures() / "mainnet" / "INDEX.json").read_text())
    except FileNotFoundError:
        return {}
    return {block["number"]: block for block in index}


def mainnet_block(number: int) -> Path:
    """The file of a mainnet block."""
    return fixtures() / "mainnet" / f"{number}.json.xz"


def mainnet_witness(number: int) -> Path | None:
    """The file of the witness of a mainnet block, if there is one."""
    path = fixtures() / "mainnet-witness" / f"{number}.json.xz"
    return path if path.exists() else None
