"""All exchanges that execution-apis has recorded; and what is compared."""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import fixtures
from tests.rpc.sites import archive

from blockstm.chain import Chain
from blockstm.chain.files import split_blocks
from blockstm.cli import main
from blockstm.rpc import Node, dispatch
from blockstm.rpc.exchanges import differences, read_archive, run


def test_every_recorded_exchange_passes() -> None:
    with archive().chain() as chain:
        node = Node(chain)
        failures = {each.name: run(node, each) for each in archive().exchanges}
    assert len(failures) == 195
    assert {name: found for name, found in failures.items() if found} == {}


def test_a_chain_on_disk_that_is_only_read_answers_the_same(tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    with Chain.open(tmp_path, archive().genesis) as chain:
        for _ in chain.import_blocks(split_blocks(BytesIO(archive().blocks))):
            pass
    with Chain.open(tmp_path, read_only=True) as chain:
        node = Node(chain)
        failures = {each.name: run(node, each) for each in archive().exchanges}
    assert {name: found for name, found in failures.items() if found} == {}


def test_only_three_answers_differ_where_only_the_shape_is_asked_for() -> None:
    """In two the pool is as other requests have filled it; and we delete no logs."""
    with archive().chain() as chain:
        node = Node(chain)
        differing = {
            each.name
            for each in archive().exchanges
            for request, answer in each.steps
            if [*differences(dispatch(node, request), answer, shape_only=False)]
        }
    assert differing == {
        "eth_capabilities/get-capabilities",
        "testing_buildBlockV1/build-block-from-mempool",
        "txpool_content/get-content",
    }


@pytest.mark.parametrize(
    ("ours", "theirs", "is_same", "has_same_shape"),
    [
        ({"a": "0x1"}, {"a": "0x1"}, True, True),
        ({"a": "0x1"}, {"a": "0x2"}, False, True),
        ({"a": "0x1"}, {"a": 1}, False, False),
        ({"a": "0x1"}, {}, False, True),
        ({}, {"a": "0x1"}, False, False),
        ([1], [1, 2], False, True),
        (True, 1, False, False),
        (None, "0x", False, False),
        (0, 0.0, True, True),
    ],
)
def test_results_are_compared_exactly_or_by_shape(
    ours: Any, theirs: Any, is_same: bool, has_same_shape: bool
) -> None:
    for shape_only, passes in ((False, is_same), (True, has_same_shape)):
        found = [*differences({"result": ours}, {"result": theirs}, shape_only=shape_only)]
        assert (not found) == passes


def test_of_errors_the_code_is_compared() -> None:
    expected = {"error": {"code": 3, "message": "theirs"}}
    assert not [*differences({"error": {"code": 3}}, expected, shape_only=False)]
    assert [*differences({"error": {"code": 4}}, expected, shape_only=False)]
    assert [*differences({"result": 0}, expected, shape_only=False)]
    assert [*differences({"error": {"code": 3}}, {"result": 0}, shape_only=True)]


def test_the_command_tells_how_many_pass(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(fixtures() / "execution-apis.tar.xz")
    assert main(["rpctest", path, "--match", "eth_getLogs/"]) == 0
    assert capsys.readouterr().out == "8 passed, 0 failed\n"
    assert main(["rpctest", path, "--match", "blockNumber", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"passed": 1, "failed": 0, "failures": {}}


@pytest.mark.parametrize("arguments", [["nowhere.tar"], ["README.md"]])
def test_what_is_no_archive_is_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rpctest", *arguments]) == 2
    assert "no archive of exchanges" in capsys.readouterr().err


def test_a_pattern_that_matches_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(fixtures() / "execution-apis.tar.xz")
    assert main(["rpctest", path, "--match", "engine_"]) == 2
    assert main(["rpctest", path, "--match", "("]) == 2
    assert "none of 195" in capsys.readouterr().err


@pytest.fixture
def raised_recursion_limit() -> Iterator[None]:
    """As py-evm raises it: past what the stack of a parser that recurses holds."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize("damage", [b"{", b"[" * 100_000, b"\xff"])
@pytest.mark.parametrize("name", ["genesis.json", "eth_call/one.io"])
def test_an_archive_of_no_json_is_told(
    name: str,
    damage: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    raised_recursion_limit: None,
) -> None:
    members = {"genesis.json": b"{}", "chain.rlp": b"", name: damage}
    if name.endswith(".io"):
        members[name] = b">> " + damage
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for each, content in members.items():
            member = tarfile.TarInfo(each)
            member.size = len(content)
            file.addfile(member, BytesIO(content))
    assert main(["rpctest", str(tmp_path / "a.tar")]) == 2
    assert f"{name}: not " in capsys.readouterr().err


def test_a_recorded_answer_may_be_as_deep_as_calls(tmp_path: Path) -> None:
    answer: dict[str, object] = {}
    for _ in range(200):
        answer = {"calls": [answer]}
    step = f'>> {{"method": "debug_traceTransaction"}}\n<< {json.dumps({"result": answer})}\n'
    members = {
        "genesis.json": b"{}",
        "chain.rlp": b"",
        "debug_traceTransaction/a.io": step.encode(),
    }
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for each, content in members.items():
            member = tarfile.TarInfo(each)
            member.size = len(content)
            file.addfile(member, BytesIO(content))
    [exchange] = read_archive(tmp_path / "a.tar").exchanges
    assert exchange.steps[0][1] == {"result": answer}
