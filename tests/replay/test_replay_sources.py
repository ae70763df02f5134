"""Where blocks come from: files, and a chain in a folder, also one with rules of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import genesis, random_line
from tests.replay.meddling import give, with_step

from blockstm.chain import Chain
from blockstm.errors import InputError, StoreMismatch
from blockstm.ethereum import Block
from blockstm.replay import FileBlocks, FolderBlocks, Verdict, replay

pytest.importorskip("mdbx")

BLOCKS = 4
SPEC = genesis().chain
assert SPEC is not None


@pytest.fixture(scope="module")
def line() -> list[Block]:
    return list(random_line(BLOCKS, seed=7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, line: list[Block]) -> Path:
    path = tmp_path_factory.mktemp("chain")
    with Chain.open(path, genesis=genesis(), workers=1) as imported:
        list(imported.import_blocks(line))
    return path


def test_what_is_no_path_and_no_function_is_refused(folder: Path) -> None:
    wrong: list[Any] = [
        lambda: FolderBlocks(5),  # type: ignore[arg-type]  # what a caller may pass by mistake
        lambda: FileBlocks([5]),  # type: ignore[list-item]  # the same
        lambda: FileBlocks([("a", None), (5, "b")]),  # type: ignore[list-item]  # the same
        lambda: replay(FolderBlocks(folder), progress=5),  # type: ignore[arg-type]  # the same
        lambda: replay(FolderBlocks(folder), on_blocks=5),  # type: ignore[arg-type]  # the same
    ]
    for ask in wrong:
        with pytest.raises(InputError):
            ask()
    assert FolderBlocks(str(folder)).count == BLOCKS
    assert replay(FileBlocks(["nowhere"]), processes=0).records[0].verdict is Verdict.UNREADABLE


def test_a_folder_of_a_chain_with_rules_of_its_own_is_opened_with_them(
    line: list[Block], tmp_path: Path
) -> None:
    spec = with_step(SPEC, give, number=1_000)
    with Chain.open(tmp_path / "own", genesis(), spec=spec, workers=1) as own:
        list(own.import_blocks(line))
    with pytest.raises(StoreMismatch, match="spec="):
        FolderBlocks(tmp_path / "own")
    for processes in (0, 1):
        done = replay(FolderBlocks(tmp_path / "own", spec=spec), processes=processes)
        assert (done.is_equal, len(done.records)) == (True, BLOCKS)
