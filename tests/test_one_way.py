"""There is one way in for Ethereum blocks: what users call is what the official tests are run on.

The runners, `blockstm run` and the benchmarks may decode and compare. They have no rules of their
own, and none of ours by another way than the public functions.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fixture_files import block_test, state_test, write
from tests.ethereum.documents import block_document
from tests.layers import PACKAGE, ROOT

import blockstm.ethereum
from blockstm.cli import main
from blockstm.ethereum import Block
from blockstm.executor import Executor
from blockstm.vm.evm import Evm, Signed

RUNNERS = sorted([*(PACKAGE / "cli").rglob("*.py")])
BENCHMARKS = sorted([*(PACKAGE / "bench").rglob("*.py"), *(ROOT / "bench").rglob("*.py")])

# Rooms of `blockstm.ethereum` that say how things are written, and nothing of what is valid.
FORMATS = frozenset(
    (
        *("blocks", "chains", "codecs", "files", "genesis", "tries"),
        *("results.access_list_differences", "rules.reasons"),
    )
)
# What compares a block with its file, for `run`, and a type.
OTHERS = {
    "execution.checks": None,
    "execution.known_senders": None,
    "execution": {"VMName"},
    "execution.senders": {"address_of_key"},
    "results": {"check_results"},  # with its header
    "hints": None,  # what users give with a block, which does not change it
    "learned": {"Learned"},
    "transition": None,  # both public, and too special for the page
    "tracing": None,
    "tracing.opcodes": None,
}
# Public, but not what verifies a block: a benchmark or a picture may prepare one.
STEPWISE = {"prepare", "prepare_file", "PreparedBlock"}


def imports_of(path: Path) -> list[tuple[str, str]]:
    """(module, name) of everything a file imports from blockstm."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("blockstm"):
            found += [(node.module or "", alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [
                (alias.name, "") for alias in node.names if alias.name.startswith("blockstm.")
            ]
    return found


def is_allowed(module: str, name: str, public: frozenset[str]) -> bool:
    """Whether a runner may import a name of the rooms where blocks are executed and checked."""
    parts = module.split(".")
    is_private = name.startswith("_") and not name.endswith("__")
    if is_private or (len(parts) > 1 and parts[1] == "_native"):
        return False
    if parts[1:2] != ["ethereum"]:
        return True
    if name in public:
        return True
    room = ".".join(parts[2:4]) if len(parts) > 2 else name
    names = OTHERS.get(room, set())
    if names is None or name in names:
        return True
    if len(parts) == 3 and f"{room}.{name}" in OTHERS:
        return OTHERS[f"{room}.{name}"] is None
    return room in FORMATS or room.split(".")[0] in FORMATS


@pytest.mark.parametrize("path", RUNNERS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_runner_has_no_way_of_its_own(path: Path) -> None:
    public = frozenset(blockstm.ethereum.__all__) - STEPWISE
    assert [each for each in imports_of(path) if not is_allowed(*each, public)] == []


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_benchmark_runs_blocks_by_public_functions(path: Path) -> None:
    public = frozenset(blockstm.ethereum.__all__)
    of_ethereum = [each for each in imports_of(path) if each[0].startswith("blockstm.ethereum")]
    assert [each for each in of_ethereum if not is_allowed(*each, public)] == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("blockstm.ethereum.execution.preparation", "prepare"),
        ("blockstm.ethereum", "prepare"),
        ("blockstm.ethereum.rules.block_rules", "check_block"),
        ("blockstm.ethereum.results.header_comparison", "results_violation"),
        ("blockstm.ethereum.rules.transaction_rules", "transactions_violation"),
        ("blockstm.ethereum.execution.verification", "execute"),
        ("blockstm.ethereum", "verification"),
        ("blockstm._native.evm.prepared", "EvmBlock"),
        ("blockstm.executor.executor", "_has_gil"),
    ],
)
def test_other_ways_are_not_allowed(module: str, name: str) -> None:
    assert not is_allowed(module, name, frozenset(blockstm.ethereum.__all__) - STEPWISE)


class Calls:
    """What `Executor.execute_block` is called with from outside."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.blocks: list[Any] = []
        self.vms: list[Any] = []
        right = Executor.execute_block

        def noted(executor: Executor, block: Any, state: Any, vm: Any, **options: Any) -> Any:
            self.blocks.append(block)
            self.vms.append(vm)
            return right(executor, block, state, vm, **options)

        monkeypatch.setattr(Executor, "execute_block", noted)


def test_blocktest_gives_its_blocks_to_execute_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, test = Calls(monkeypatch), block_test()
    assert main(["blocktest", str(write(tmp_path, {"chain": test}))]) == 0
    given = [each["rlp"] for each in test["blocks"]]
    taken = [f"0x{each.encode().hex()}" for each in calls.blocks if isinstance(each, Block)]
    assert taken == given


def test_statetest_gives_its_transactions_to_execute_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch)
    assert main(["statetest", str(write(tmp_path, {"one": state_test()}))]) == 0
    assert calls.blocks
    assert all(isinstance(vm, Evm) for vm in calls.vms)
    assert all(isinstance(step, Signed) for block in calls.blocks for step in block)


def test_run_gives_its_block_to_execute_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, path = Calls(monkeypatch), tmp_path / "block.json"
    path.write_text(json.dumps(block_document()))
    assert main(["run", str(path)]) == 0
    assert calls.vms[0] == "evm"
    assert isinstance(calls.blocks[0], Block)
