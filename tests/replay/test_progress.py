"""The file from which a replay goes on: what in it is done, and what is no such file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import genesis, random_line

from blockstm.chain import Chain
from blockstm.errors import DecodeError, ProgressMismatch
from blockstm.replay import ChainBlocks, replay


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain.in_memory(genesis(), workers=1) as made:
        list(made.import_blocks(random_line(9, seed=7)))
        yield made


def test_what_was_killed_or_failed_is_tried_again(chain: Chain, tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    done = replay(ChainBlocks(chain, 2, 9), processes=0, progress=path)
    document = json.loads(path.read_text())
    for place, verdict in ((1, "killed"), (4, "failed")):
        document["records"][place] |= {"verdict": verdict, "reason": "no room"}
    path.write_text(json.dumps(document))
    again = replay(ChainBlocks(chain, 2, 9), processes=0, progress=path)
    assert again.resumed == 6
    assert [each.facts() for each in again.records] == [each.facts() for each in done.records]
    assert replay(ChainBlocks(chain, 2, 9), processes=0, progress=path).resumed == 8


def test_a_file_of_progress_of_another_version_is_refused(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "progress.json"
    replay(ChainBlocks(chain, 2, 4), processes=0, progress=path)
    monkeypatch.setattr("blockstm.replay.sources.__version__", "0.0.1")
    with pytest.raises(ProgressMismatch, match="the version of blockstm"):
        replay(ChainBlocks(chain, 2, 4), processes=0, progress=path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("place", value) for value in ([], {}, False, "0", None)),
        *(("gas_used", value) for value in ("x", 1.5, None)),
        *(("compared", value) for value in ([1], "all", None)),
        *(("number", value) for value in ("x", True)),
        *(("name", 5), ("verdict", "fine"), ("verdict", []), ("seconds", "x")),
    ],
)
def test_a_member_of_another_kind_is_named(
    name: str, value: Any, chain: Chain, tmp_path: Path
) -> None:
    path = tmp_path / "progress.json"
    replay(ChainBlocks(chain, 2, 4), processes=0, progress=path)
    document = json.loads(path.read_text())
    document["records"][1][name] = value
    path.write_text(json.dumps(document))
    with pytest.raises(DecodeError, match="no file of progress"):
        replay(ChainBlocks(chain, 2, 4), processes=0, progress=path)
