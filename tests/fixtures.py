"""Where the fixtures are: data that nobody here wrote. No test of its own.

Some mainnet blocks lie in ``tests/data``. All the rest, with the official tests, is found through
the environment variable ``BLOCKSTM_FIXTURES``, by default in ``../shared/fixtures`` beside the
repository. A test that needs what is not there is skipped, and ``make test`` ends with a line that
counts such tests: a suite that passes without them proves less than one that has them.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
FOLDER = Path(os.environ.get("BLOCKSTM_FIXTURES", ROOT.parent / "shared" / "fixtures"))


def fixtures() -> Path:
    """The folder of the fixtures; skips the test where it is absent."""
    if not (FOLDER / "mainnet").is_dir():
        _skip(f"there is no folder {FOLDER / 'mainnet'}")
    return FOLDER


@cache
def mainnet_index() -> dict[int, dict[str, Any]]:
    """What is known of each mainnet block, by number: of all there are, here or not."""
    path = FOLDER / "mainnet" / "INDEX.json"
    index = json.loads((path if path.exists() else DATA / "mainnet" / "INDEX.json").read_text())
    return {block["number"]: block for block in index}


def mainnet_block(number: int) -> Path:
    """The file of a mainnet block; skips the test where it is absent."""
    return _find("mainnet", number) or _skip("this block is not in tests/data")


def mainnet_witness(number: int) -> Path | None:
    """The file of the witness of a mainnet block, if there is one here."""
    return _find("mainnet-witness", number)


def needed_witness(number: int) -> Path:
    """The same of a block that has one; skips the test where it is absent."""
    return mainnet_witness(number) or _skip("this block's witness is not in tests/data")


def _find(kind: str, number: int) -> Path | None:
    places = (folder / kind / f"{number}.json.xz" for folder in (DATA, FOLDER))
    return next((path for path in places if path.exists()), None)


def _skip(what: str) -> NoReturn:
    """The words that `.ci/pytest_totals.py` counts; few different ones, so that few are listed."""
    pytest.skip(f"NO FIXTURES: {what}; see tests/data/README.md", allow_module_level=True)
