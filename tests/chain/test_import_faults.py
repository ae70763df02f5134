"""What a disk does to a chain that imports: typed errors, and the state of a block that it kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.chain.shim import build_shim, outcome, start

pytest.importorskip("mdbx")

KINDS = {"enospc": "StoreFull", "eio": "StoreError", "short": "StoreError"}


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build_shim(tmp_path_factory.mktemp("shim"))


def errors_of(way: str, kind: str, folder: Path, shim: str) -> set[str]:
    """The kinds of the errors of all that went wrong, where the rest was as it should be."""
    process = start("tests.chain.faulty_import", way, kind, str(folder), LD_PRELOAD=shim)
    lines = outcome(process)
    assert process.returncode == 0, lines
    return {line.split(":")[0] for line in lines} - {"none"}


@pytest.mark.parametrize("way", ["one by one", "pipelined"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fails_in_an_import_leaves_a_block_that_was_kept(
    way: str, kind: str, tmp_path: Path, shim: str
) -> None:
    """What was given is right and durable; the folder is that of such a block, and imports on."""
    assert errors_of(way, kind, tmp_path, shim) == {KINDS[kind]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fails_when_a_folder_is_made_holds_it_from_nobody(
    kind: str, tmp_path: Path, shim: str
) -> None:
    """Neither is it locked afterwards, nor is half of it taken for a whole."""
    errors = errors_of("opened", kind, tmp_path, shim)
    assert KINDS[kind] in errors
    assert errors <= {"StoreFull", "StoreError"}
