"""``blockstm t8n``: its flags, streams, files and words are those of go-ethereum's ``evm t8n``."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fixture_files import block_test, state_test

from blockstm.cli import main
from blockstm.cli.transitions.command import FORK_NAMES
from blockstm.cli.transitions.entry import main as entry
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution.senders import address_of_key

KEY = "0x" + "45" * 32
MINER = "0x" + "2a" * 20
BOB = "0x" + "b0" * 20
STREAMS = [
    "--input.alloc=stdin",
    "--input.txs=stdin",
    "--input.env=stdin",
    "--output.result=stdout",
    "--output.alloc=stdout",
    "--output.body=stdout",
]


def sender() -> str:
    return "0x" + address_of_key(bytes.fromhex(KEY[2:])).hex()


def env(**changed: Any) -> dict[str, Any]:
    members = {
        "currentCoinbase": MINER,
        "currentGasLimit": "0x07270e00",
        "currentNumber": "0x01",
        "currentTimestamp": "0x03e8",
        "currentRandom": "0x00",
        "currentBaseFee": "0x07",
        "parentBeaconBlockRoot": "0x" + "00" * 32,
        "currentExcessBlobGas": "0x00",
        "withdrawals": [],
        "blockHashes": {"0x00": "0x" + "11" * 32},
    }
    members |= changed
    return {name: value for name, value in members.items() if value is not None}


def tx(**changed: Any) -> dict[str, Any]:
    members = {
        "type": "0x02",
        "chainId": "0x01",
        "nonce": "0x00",
        "gas": "0x0186a0",
        "to": BOB,
        "value": "0x01",
        "input": "0x",
        "maxFeePerGas": "0x0a",
        "maxPriorityFeePerGas": "0x00",
        "accessList": [],
        "v": "0x00",
        "r": "0x00",
        "s": "0x00",
        "secretKey": KEY,
    }
    members |= changed
    return {name: value for name, value in members.items() if value is not None}


def given(**changed: Any) -> dict[str, Any]:
    return {
        "alloc": {sender(): {"balance": "0x0de0b6b3a7640000", "nonce": "0x00"}},
        "env": env(),
        "txs": [tx()],
    } | changed


def run(
    document: Any, flags: list[str], monkeypatch: pytest.MonkeyPatch, fork: str = "Cancun"
) -> int:
    """One call with a document on standard input."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(data)))
    return main(["t8n", f"--state.fork={fork}", *flags])


def result(
    document: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fork: str = "Cancun",
    flags: tuple[str, ...] = (),
) -> dict[str, Any]:
    assert run(document, [*STREAMS, *flags], monkeypatch, fork) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    found: dict[str, Any] = json.loads(printed.out)
    return found


def test_a_payment_from_stream_to_stream(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    came = result(given(), monkeypatch, capsys)
    assert set(came) == {"alloc", "result", "body"}
    assert came["alloc"][BOB] == {"balance": "0x1"}
    assert came["alloc"][sender()]["nonce"] == "0x1"
    [receipt] = came["result"]["receipts"]
    assert (receipt["status"], receipt["gasUsed"]) == ("0x1", hex(21_000))
    assert came["result"]["gasUsed"] == hex(21_000)
    assert came["result"]["currentBaseFee"] == "0x7"
    assert came["result"]["currentDifficulty"] is None
    assert "rejected" not in came["result"]
    assert came["body"].startswith("0x")


def test_files_in_and_out_and_the_next_block_on_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = [
        "--input.txs=stdin",
        "--input.env=stdin",
        f"--output.basedir={tmp_path}",
        "--output.result=output/result.json",
        "--output.alloc=output/alloc.json",
        "--output.body=output/txs.rlp",
    ]
    (tmp_path / "output").mkdir()
    assert run(given(), ["--input.alloc=stdin", *flags], monkeypatch) == 0
    first = json.loads((tmp_path / "output/alloc.json").read_text())
    body = json.loads((tmp_path / "output/txs.rlp").read_text())
    later = {"env": env(currentNumber="0x02"), "txs": [tx(nonce="0x01")]}
    before = tmp_path / "before.json"
    before.write_text(json.dumps(first))
    assert run(later, [f"--input.alloc={before}", *flags], monkeypatch) == 0
    second = json.loads((tmp_path / "output/alloc.json").read_text())
    assert second[BOB] == {"balance": "0x2"}
    # The body of the first block goes in again as it came out.
    (tmp_path / "txs.rlp").write_text(json.dumps(body))
    again = ["--input.alloc=stdin", "--input.env=stdin", f"--input.txs={tmp_path / 'txs.rlp'}"]
    assert run(given(txs=None), [*again, f"--output.basedir={tmp_path}"], monkeypatch) == 0
    assert json.loads((tmp_path / "alloc.json").read_text()) == first


REJECTED: list[tuple[str, dict[str, Any], str]] = [
    ("Cancun", {"nonce": "0x05"}, "nonce too high: address 0x"),
    ("Cancun", {"gas": "0x5207"}, "intrinsic gas too low: have 20999, want 21000"),
    ("Cancun", {"value": "0x0de0b6b3a7640001"}, "insufficient funds for gas * price + value"),
    ("Cancun", {"gas": "0x07270e01"}, "gas limit reached"),
    ("Cancun", {"maxFeePerGas": "0x06"}, "max fee per gas less than block base fee"),
    (
        "Cancun",
        {"maxPriorityFeePerGas": "0x0b"},
        "max priority fee per gas higher than max fee per gas",
    ),
    ("Cancun", {"chainId": "0x02", "r": "0x1", "s": "0x1"}, "invalid chain id for signer"),
    ("Cancun", {"r": "0x1"}, "invalid transaction v, r, s values"),
    ("Cancun", {"to": None, "input": "0x" + "00" * 49_153, "gas": "0xf4240"}, "max initcode size"),
    (
        "Cancun",
        {"type": "0x03", "maxFeePerBlobGas": "0x01", "blobVersionedHashes": []},
        "blob transaction missing blob hashes",
    ),
    (
        "Cancun",
        {"type": "0x03", "maxFeePerBlobGas": "0x01", "blobVersionedHashes": ["0x" + "02" * 32]},
        "has invalid hash version",
    ),
    (
        "Cancun",
        {"type": "0x03", "maxFeePerBlobGas": "0x00", "blobVersionedHashes": ["0x" + "01" * 32]},
        "max fee per blob gas less than block blob gas fee",
    ),
    (
        "Cancun",
        {"type": "0x03", "maxFeePerBlobGas": "0x1", "blobVersionedHashes": ["0x" + "01" * 32] * 7},
        "blob gas (917504) would exceed maximum allowance 786432",
    ),
    (
        "Cancun",
        {
            "type": "0x03",
            "to": None,
            "maxFeePerBlobGas": "0x1",
            "blobVersionedHashes": ["0x" + "01" * 32],
        },
        "input string too short for common.Address, decoding into (types.BlobTx).To",
    ),
    (
        "Osaka",
        {"type": "0x03", "maxFeePerBlobGas": "0x1", "blobVersionedHashes": ["0x" + "01" * 32] * 7},
        "blob transaction has too many blobs",
    ),
    ("Osaka", {"gas": "0x01000001"}, "transaction gas limit too high (cap: 16777216"),
    ("Prague", {"input": "0x" + "01" * 200, "gas": "0x6000"}, "insufficient gas for floor data"),
    (
        "Prague",
        {"type": "0x04", "authorizationList": []},
        "EIP-7702 transaction with empty auth list",
    ),
    ("Cancun", {"type": "0x04", "authorizationList": []}, "transaction type not supported"),
    ("Cancun", {"type": "0x7e"}, "transaction type not supported"),
]


@pytest.mark.parametrize(("fork", "changed", "words"), REJECTED)
def test_what_does_not_fit_is_listed_with_go_ethereums_words(
    fork: str,
    changed: dict[str, Any],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A good transaction behind it is executed all the same."""
    came = result(given(txs=[tx(**changed), tx()]), monkeypatch, capsys, fork)
    [rejected] = came["result"]["rejected"]
    assert rejected["index"] == 0
    assert words in rejected["error"]
    assert len(came["result"]["receipts"]) == 1
    alone = result(given(), monkeypatch, capsys, fork)
    assert came["result"]["stateRoot"] == alone["result"]["stateRoot"]
    assert came["body"] == alone["body"]


def test_accounts_with_code_and_used_nonces_cannot_send(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account = {"balance": "0x0de0b6b3a7640000", "nonce": "0x03", "code": "0x00"}
    document = given(alloc={sender(): account}, txs=[tx(), tx(nonce="0x03")])
    errors = [each["error"] for each in result(document, monkeypatch, capsys)["result"]["rejected"]]
    assert "nonce too low" in errors[0]
    assert errors[0].endswith("tx: 0 state: 3")
    assert "sender not an eoa" in errors[1]
    assert errors[1].endswith("len(code): 1")


FAILURES: list[tuple[Any, str, int, str]] = [
    (b"{", "Cancun", 10, "failed unmarshalling stdin"),
    ([], "Cancun", 10, "expected an object"),
    (given(alloc={"0x12": {}}), "Cancun", 10, "20 bytes"),
    (given(txs=[{}]), "Cancun", 10, "nonce: missing"),
    (given(txs={}), "Cancun", 10, "a list"),
    (given(env=env(currentNumber=None)), "Cancun", 10, "currentNumber: missing"),
    (given(env=env(currentGasLimit="-1")), "Cancun", 10, "currentGasLimit"),
    (given(), "Nowhere", 3, "failed constructing chain configuration"),
    (given(env=env(currentRandom=None)), "Cancun", 3, "post-merge requires currentRandom"),
    (given(env=env(withdrawals=None)), "Cancun", 3, "missing 'withdrawals'"),
    (given(env=env(parentBeaconBlockRoot=None)), "Cancun", 3, "parentBeaconBlockRoot"),
    (given(env=env(currentBaseFee=None)), "Cancun", 3, "missing 'parentBaseFee'"),
    (given(env=env(currentDifficulty=None)), "Berlin", 3, "missing parentDifficulty"),
    (
        given(
            alloc=given()["alloc"] | {BOB: {"code": "0x60034050"}},  # the hash of block 3
            env=env(currentNumber="0x05", blockHashes={}),
        ),
        "Cancun",
        4,
        "block 3",
    ),
]


@pytest.mark.parametrize(("document", "fork", "status", "words"), FAILURES)
def test_what_cannot_be_run_has_go_ethereums_exit_status(
    document: Any,
    fork: str,
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(document, STREAMS, monkeypatch, fork) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"ERROR({status}): ")
    assert words in printed.err


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["t8n", f"--input.alloc={tmp_path / 'none.json'}"]) == 11
    assert "ERROR(11): failed reading alloc file" in capsys.readouterr().err


def test_base_fee_difficulty_and_blob_gas_follow_from_the_parent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parent = {
        "parentBaseFee": "0x07",
        "parentGasUsed": "0x00",
        "parentGasLimit": "0x07270e00",
        "parentExcessBlobGas": "0x0c0000",
        "parentBlobGasUsed": "0x0c0000",
        "currentBaseFee": None,
        "currentExcessBlobGas": None,
    }
    came = result(given(env=env(**parent)), monkeypatch, capsys)["result"]
    assert came["currentBaseFee"] == "0x7"
    assert came["currentExcessBlobGas"] == hex(0xC0000 + 0xC0000 - 3 * 2**17)
    old = env(currentRandom=None, parentDifficulty="0x020000", parentTimestamp="0x00")
    legacy = tx(type="0x00", gasPrice="0x0a", protected=False)
    came = result(given(env=old, txs=[legacy]), monkeypatch, capsys, "Berlin")["result"]
    assert came["currentDifficulty"] == "0x20000"


def test_rewards_ommers_and_none_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    late = "0x" + "0e" * 20
    old = env(
        currentRandom=None, currentDifficulty="0x20000", ommers=[{"delta": 1, "address": late}]
    )
    document = given(env=old, txs=[])
    ether = 10**18
    came = result(document, monkeypatch, capsys, "London", (f"--state.reward={2 * ether}",))
    assert came["alloc"][late]["balance"] == hex(2 * ether * 7 // 8)
    assert came["alloc"][MINER]["balance"] == hex(2 * ether + 2 * ether // 32)
    came = result(document, monkeypatch, capsys, "London", ("--state.reward=-1",))
    assert set(came["alloc"]) == {sender()}
    # Before Spurious Dragon, a reward of nothing makes the account that gets it.
    came = result(given(env=old, txs=[]), monkeypatch, capsys, "Homestead", ("--state.reward=0",))
    assert set(came["alloc"]) == {sender(), MINER, late}


def test_blob_parameters_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = {"type": "0x03", "maxFeePerBlobGas": "0x1", "blobVersionedHashes": ["0x" + "01" * 32]}
    params = {"target": "0x01", "max": "0x01", "baseFeeUpdateFraction": "0x32f0ed"}
    document = given(txs=[tx(**blobs), tx(**blobs, nonce="0x01")], blobParams=params)
    came = result(document, monkeypatch, capsys)["result"]
    assert came["blobGasUsed"] == "0x20000"
    [rejected] = came["rejected"]
    assert rejected["error"] == "blob gas (262144) would exceed maximum allowance 131072"


CODE = "0x60016002015f5500"  # adds 1 and 2, and stores that in slot 0


@pytest.mark.parametrize("flag", ["--trace", "--trace.tracer=prestateTracer"])
def test_traces_and_counts_of_instructions_are_files(
    flag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = given(alloc=given()["alloc"] | {BOB: {"code": CODE}})
    flags = [*STREAMS, f"--output.basedir={tmp_path}", flag, "--opcode.count=counts.json"]
    assert run(document, flags, monkeypatch) == 0
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert counts == {"PUSH1": 2, "ADD": 1, "PUSH0": 1, "SSTORE": 1, "STOP": 1}
    [trace] = tmp_path.glob("trace-0-0x*")
    if flag != "--trace":
        assert trace.suffix == ".json"
        assert json.loads(trace.read_text())[BOB] == {
            "balance": "0x0",
            "code": CODE,
            "codeHash": "0x" + keccak(bytes.fromhex(CODE[2:])).hex(),
            "storage": {"0x" + "0" * 64: "0x" + "0" * 64},
        }
        return
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    assert [line["opName"] for line in lines[:-1]] == [
        *("PUSH1", "PUSH1", "ADD", "PUSH0", "SSTORE", "STOP")
    ]
    assert lines[4]["stack"] == ["0x3", "0x0"]
    assert (lines[4]["pc"], lines[4]["op"], lines[4]["gasCost"]) == (6, 0x55, hex(22_100))
    assert lines[-1] == {"output": "", "gasUsed": hex(22_100 + 3 * 3 + 2)}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--trace.tracer=none"], "failed instantiating tracer"),
        (["--trace.tracer=callTracer", "--trace.jsonconfig={"], "failed instantiating tracer"),
        (["--trace.tracer=callTracer", "--trace.jsonconfig=[]"], "an object"),
    ],
)
def test_a_tracer_that_there_is_not(
    flags: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(given(), [*STREAMS, *flags], monkeypatch) == 3
    assert words in capsys.readouterr().err


def test_it_answers_as_go_ethereums_evm(tmp_path: Path) -> None:
    """Version and help as the official tests' ``fill`` asks for them, and nothing on stderr."""
    code = "import sys; from blockstm.cli.transitions.entry import main; sys.exit(main())"
    tool = [sys.executable, "-c", code]
    version = subprocess.run([*tool, "-v"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("evm version ")
    assert version.stderr == ""
    shown = subprocess.run([*tool, "t8n", "--help"], capture_output=True, text=True, check=True)
    text = " ".join(shown.stdout.split())
    for fork in FORK_NAMES.split():
        assert fork in text
    # In the form without a verb, which evmone's tool has, from files to files.
    for name, document in given().items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    flags = ["--state.fork", "Cancun", "--output.basedir", str(tmp_path), "--state.chainid", "1"]
    flags += [f"--input.{name}={tmp_path / name}.json" for name in ("alloc", "env", "txs")]
    flags += ["--output.result", "result.out", "--output.alloc", "alloc.out"]
    done = subprocess.run([*tool, *flags], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert json.loads((tmp_path / "alloc.out").read_text())[BOB] == {"balance": "0x1"}


def test_official_tests_as_go_ethereums_evm_reports_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tests.json"
    path.write_text(json.dumps({"transfers": state_test()}))
    assert entry(["statetest", str(path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["pass"] for each in found] == [True] * 3
    path.write_text(json.dumps({"chain": block_test()}))
    assert entry(["blocktest", "--run", "no such", str(path)]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert entry(["--verbosity", "100", "blocktest", str(path)]) == 0
    assert [each["pass"] for each in json.loads(capsys.readouterr().out)] == [True]
    assert entry(["statetest", str(tmp_path / "none.json")]) == 11
