"""``blockstm blocktest``: each verdict, side chains, what is said of a block, exit statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fixture_files import block_test, state_test, write

from blockstm.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["blocktest", *map(str, arguments)])
    captured = capsys.readouterr()
    assert captured.err == "" or status == 2
    return status, captured.out + captured.err


def failure_of(
    capsys: pytest.CaptureFixture[str], folder: Path, test: dict[str, Any]
) -> dict[str, str]:
    """The one failure of a test that must fail."""
    status, text = run(capsys, "--json", write(folder, {"chain": test}))
    verdict = json.loads(text)
    assert (status, verdict["passed"], verdict["failed"]) == (1, 0, 1)
    failure: dict[str, str] = verdict["failures"][0]
    assert (failure["test"], failure["fork"]) == ("chain", test.get("network", ""))
    return failure


@pytest.mark.parametrize("vm", ["evm", "py-evm"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_good_test_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, vm: str, workers: int
) -> None:
    path = write(tmp_path, {"chain": block_test()})
    assert run(capsys, "--vm", vm, "--workers", workers, path) == (0, "1 passed, 0 failed\n")


def test_a_test_without_the_rlp_of_its_first_block_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    test = block_test()
    del test["genesisRLP"]
    assert run(capsys, write(tmp_path, {"chain": test}))[0] == 0


@pytest.mark.parametrize("where", ["--chain", "--on-disk"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_good_test_passes_through_a_chain(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: int, where: str
) -> None:
    if where == "--on-disk":
        pytest.importorskip("mdbx")
    test = block_test()
    test["blocks"].append(test["blocks"][0])
    path = write(tmp_path, {"chain": test})
    assert run(capsys, where, "--workers", workers, path) == (0, "1 passed, 0 failed\n")


@pytest.mark.parametrize("part", ["block", "head", "genesis"])
def test_a_bad_test_fails_through_a_chain(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, part: str
) -> None:
    test = block_test()
    match part:
        case "block":
            test["blocks"][1] = {"rlp": test["blocks"][1]["rlp"], "blockHeader": {}}
        case "head":
            test["lastblockhash"] = "0x" + "01" * 32
        case "genesis":
            test["genesisBlockHeader"]["hash"] = "0x" + "01" * 32
    assert run(capsys, "--chain", write(tmp_path, {"chain": test}))[0] == 1


def test_a_chain_goes_with_the_native_evm(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, text = run(
        capsys, "--chain", "--vm", "py-evm", write(tmp_path, {"chain": block_test()})
    )
    assert (status, "--chain" in text) == (2, True)


def test_the_longest_chain_wins_whatever_the_order(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The first block comes again at the end; the second one stays the head."""
    test = block_test()
    test["blocks"].append(test["blocks"][0])
    assert run(capsys, write(tmp_path, {"chain": test}))[0] == 0


def test_a_valid_block_that_should_be_refused_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    test = block_test()
    test["blocks"][2] = {"rlp": test["blocks"][2]["rlp"], "expectException": "InvalidGasUsed"}
    failure = failure_of(capsys, tmp_path, test)
    assert (failure["index"], failure["expected"]) == ("block 2", "InvalidGasUsed")
    assert failure["got"] == "a block that is valid"


def test_a_refused_block_that_should_be_valid_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    test = block_test()
    test["blocks"][1] = {"rlp": test["blocks"][1]["rlp"], "blockHeader": {}}
    failure = failure_of(capsys, tmp_path, test)
    assert (failure["index"], failure["expected"]) == ("block 1", "no refusal")
    assert failure["got"].startswith("gas_used: ")


def test_a_block_refused_for_another_reason_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    test = block_test()
    test["blocks"][1]["expectException"] = "InvalidTimestamp"
    failure = failure_of(capsys, tmp_path, test)
    assert (failure["index"], failure["expected"]) == ("block 1", "InvalidTimestamp")
    assert failure["got"].startswith("gas_used: ")


@pytest.mark.parametrize("name", ["expectExceptionALL", "expectExceptionBerlin"])
def test_older_tests_name_an_exception_for_each_network(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    test = block_test()
    rlp = test["blocks"][1]["rlp"]
    test["blocks"][1] = {"rlp": rlp, name: "InvalidGasUsed"}
    assert run(capsys, write(tmp_path, {"chain": test}))[0] == 0
    test["blocks"][1] = {"rlp": rlp, name: "InvalidTimestamp"}
    assert run(capsys, write(tmp_path, {"chain": test}))[0] == 1


def test_the_oldest_tests_name_no_exception(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    test = block_test()
    del test["blocks"][1]["expectException"]
    assert run(capsys, write(tmp_path, {"chain": test}))[0] == 0
    del test["blocks"][2]["blockHeader"]
    assert failure_of(capsys, tmp_path, test)["expected"] == "a refusal"


def test_what_is_no_block_is_refused_as_malformed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    test = block_test()
    test["blocks"].insert(0, {"rlp": "0xc0", "expectException": "RLP_ExpectedAsList"})
    test["blocks"].append({"rlp": "0x1234", "expectException": "InvalidTimestamp"})
    failure = failure_of(capsys, tmp_path, test)
    assert failure["index"] == "block 4"
    assert failure["got"].startswith("malformed: ")


def test_a_block_without_its_parent_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    test = block_test()
    del test["blocks"][0]
    failure = failure_of(capsys, tmp_path, test)
    assert (failure["index"], failure["got"][:14]) == ("block 0", "unknown_parent")


@pytest.mark.parametrize("engine", ["Ethash", None])
def test_proof_of_work_is_checked_where_the_test_has_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, engine: str | None
) -> None:
    test = block_test()
    del test["sealEngine"]
    if engine is not None:
        test["sealEngine"] = engine
    failure = failure_of(capsys, tmp_path, test)
    assert (failure["index"], failure["got"][:13]) == ("block 0", "proof_of_work")


def test_another_head_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    test = block_test()
    test["lastblockhash"] = "0x" + "12" * 32
    failure = failure_of(capsys, tmp_path, test)
    assert (failure["index"], failure["expected"]) == ("last block", f"head 0x{'12' * 32}")


def test_another_first_block_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    test = block_test()
    test["genesisBlockHeader"]["hash"] = "0x" + "12" * 32
    assert failure_of(capsys, tmp_path, test)["index"] == "genesis"
    test = block_test()
    next(iter(test["pre"].values()))["balance"] = "0x1"
    failure = failure_of(capsys, tmp_path, test)
    assert (failure["index"], failure["expected"][:11]) == ("genesis", "state root ")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("network", "Nowhere", "no fork 'Nowhere' is known"),
        ("network", 5, "network: expected a string, not 5"),
        ("blocks", {}, "blocks: expected a list, not {}"),
        ("blocks", [{}], "blocks[0].rlp: missing"),
        ("blocks", [5], "blocks[0]: expected an object, not 5"),
        ("genesisRLP", "0x12", "genesisRLP"),
        ("pre", {"0x12": {}}, "pre: expected 20 bytes"),
        ("lastblockhash", "0x12", "lastblockhash: expected 32 bytes"),
        ("config", {"chainid": 1}, "config.chainid: expected 0x and hex digits"),
        ("config", [], "config: expected an object"),
    ],
)
def test_a_malformed_test_fails_by_itself(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, value: Any, message: str
) -> None:
    path = write(tmp_path, {"bad": block_test() | {name: value}, "good": block_test()})
    status, text = run(capsys, "--json", path)
    verdict = json.loads(text)
    assert (status, verdict["passed"], verdict["failed"]) == (1, 1, 1)
    assert message in verdict["failures"][0]["got"]


def test_state_tests_are_skipped(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write(tmp_path, {"block": block_test(), "state": state_test()})
    assert run(capsys, path) == (0, "1 skipped: a state test\n1 passed, 0 failed\n")
    path = write(tmp_path, {"state": state_test()})
    message = f"blockstm blocktest: no blockchain test to run in {path}\n"
    assert run(capsys, path) == (2, message)


def test_a_network_is_chosen_by_any_of_its_names(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write(tmp_path, {"chain": block_test()})
    assert run(capsys, "--fork", "berlin", path)[0] == 0
    assert run(capsys, "--fork", "BerlinToLondonAt5", path)[0] == 2
