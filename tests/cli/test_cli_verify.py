"""``blockstm verify``, ``blockstm witness`` and ``blockstm run --witness``."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import COUNTER, child, genesis, grown
from tests.chain.test_chain_witnesses import HASHER
from tests.cli.test_cli_chains import genesis_file, imported
from tests.ethereum.made import signed
from tests.ethereum.test_witnesses import archived
from tests.fixtures import mainnet_block, needed_witness

from blockstm.chain import Chain
from blockstm.cli import main
from blockstm.ethereum import Account, Block, parse_witness, state_root
from blockstm.ethereum.codecs.hashing import keccak

KEYS = [
    *("number", "hash", "verdict", "parent", "transactions", "gas_used", "state_root"),
    *("nodes", "codes", "workers", "seconds"),
]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    """The exit status, and what is printed as JSON, or on standard error."""
    status = main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    return status, json.loads(captured.out) if captured.out else captured.err


def shown_hash(data: str) -> str:
    """The hash of what is given in hex."""
    return "0x" + keccak(bytes.fromhex(data[2:])).hex()


def run_alone(*arguments: object) -> tuple[int, Any]:
    """As a process of its own, which knows no code: what this one has run it would not ask for."""
    command = [sys.executable, "-m", "blockstm", *map(str, arguments), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    return ended.returncode, json.loads(ended.stdout)


@pytest.fixture
def devnet(tmp_path: Path) -> tuple[list[Any], Path, dict[str, Any]]:
    """The arguments for a block of a development network, the witness's file and document."""
    for name in ("zevm-block.json", "zevm-witness.json"):
        (tmp_path / name).write_bytes(archived(name))
    witness = tmp_path / "zevm-witness.json"
    arguments = ["verify", tmp_path / "zevm-block.json", "--witness", witness]
    document = json.loads(witness.read_text())
    return [*arguments, "--chain-id", 3_151_908, "--fork", "osaka"], witness, document["result"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_block_and_its_witness_are_enough(
    capsys: pytest.CaptureFixture[str], devnet: tuple[list[Any], Path, Any], workers: int
) -> None:
    status, verdict = run(capsys, *devnet[0], "--workers", workers)
    assert status == 0
    assert list(verdict) == KEYS
    assert (verdict["verdict"], verdict["parent"]) == ("valid", "proved")
    assert (verdict["transactions"], verdict["gas_used"]) == (100, 2_100_000)
    assert verdict["workers"] == workers


def test_the_verdict_is_one_line(
    capsys: pytest.CaptureFixture[str], devnet: tuple[list[Any], Path, Any]
) -> None:
    assert main([*map(str, devnet[0])]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("block 1 0xa46a57bd")
    assert ": valid: 100 transactions, 2,100,000 gas, 81 nodes" in line
    assert main([*map(str, devnet[0][:4])]) == 1  # on mainnet it is not valid
    [line] = capsys.readouterr().out.splitlines()
    assert ": INVALID: " in line


@pytest.mark.parametrize("name", ["scroll-23587691.json", "zisk-reth-24628607_66_7.bin"])
def test_a_file_with_both_needs_no_other(
    capsys: pytest.CaptureFixture[str], name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(archived(name))
    status, verdict = run(capsys, "verify", tmp_path / name)
    assert (status, verdict["verdict"]) == (0, "valid")


def test_what_is_missing_is_named(
    capsys: pytest.CaptureFixture[str], devnet: tuple[list[Any], Path, Any]
) -> None:
    arguments, path, document = devnet
    root = "0x" + parse_witness(document).parent_state_root.hex()
    document["state"] = [each for each in document["state"] if shown_hash(each) != root]
    path.write_text(json.dumps(document))
    status, verdict = run(capsys, *arguments)
    assert (status, verdict["verdict"]) == (1, "incomplete")
    assert verdict["missing"] == root
    assert verdict["missing"] in verdict["reason"]


def test_a_missing_code_is_named(devnet: tuple[list[Any], Path, Any]) -> None:
    arguments, path, document = devnet
    codes = document["codes"]
    path.write_text(json.dumps(document | {"codes": []}))
    status, verdict = run_alone(*arguments, "--workers", 2)
    assert (status, verdict["verdict"]) == (1, "incomplete")
    assert verdict["missing"] in set(map(shown_hash, codes))


def test_a_lie_is_told(
    capsys: pytest.CaptureFixture[str], devnet: tuple[list[Any], Path, Any]
) -> None:
    arguments, path, document = devnet
    header = document["headers"][0]
    other = header[:-2] + ("00" if header[-2:] != "00" else "01")
    path.write_text(json.dumps(document | {"headers": [other]}))
    status, verdict = run(capsys, *arguments)
    assert (status, verdict["verdict"]) == (1, "malformed")
    assert "headers[0]" in verdict["reason"]


def test_hashes_of_the_file_are_not_believed_beside_headers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The block stores the hash of one before its parent, which only the file's hashes know."""
    first = genesis("shanghai")
    accounts = dict(first.accounts) | {COUNTER: Account(1, 1, HASHER)}
    header = replace(first.block.header, state_root=state_root(accounts))
    block = replace(first.block, header=header, hash=header.hash)
    with Chain.in_memory(replace(first, block=block, accounts=accounts), workers=1) as chain:
        grown(chain, 4)
        asks = signed(0, nonce=4, to=COUNTER, value=0, data=word(2), gas_price=10**9)
        chain.import_block(child(chain, None, [asks]))
        document, last = chain.witness(5).to_json(), chain.block(5)
        file = {
            "block": {**last.to_json(), "uncles": []},
            "pre_state": {},
            "block_hashes": {"0x2": "0x" + chain.block_hash(2).hex()},
        }
        assert len(document["headers"]) == 2
    arguments = ["verify", tmp_path / "b.json", "--witness", tmp_path / "w.json", "--chain-id", 1]
    (tmp_path / "b.json").write_text(json.dumps(file))
    for headers, expected in ((document["headers"], 0), (document["headers"][1:], 1)):
        (tmp_path / "w.json").write_text(json.dumps(document | {"headers": headers}))
        status, verdict = run(capsys, *arguments, "--fork", "shanghai")
        assert status == expected, verdict
    assert verdict["verdict"] == "incomplete"
    assert "BLOCKHASH asks for block 2" in verdict["reason"]


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.mark.parametrize("text", ["{", "{}", '{"state": 7}', "[]"])
def test_what_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], devnet: tuple[list[Any], Path, Any], text: str
) -> None:
    arguments, path, _ = devnet
    path.write_text(text)
    status, said = run(capsys, *arguments)
    assert status == 2
    assert str(path) in said
    path.unlink()
    assert run(capsys, *arguments)[0] == 2
    status, said = run(capsys, "verify", arguments[1])
    assert status == 2
    assert "give one with --witness" in said


def test_run_takes_a_witness_or_a_folder_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    block, witness = mainnet_block(2_675_001), needed_witness(2_675_001)
    for given in (witness, witness.parent):
        status, verdict = run(capsys, "run", block, "--witness", given)
        assert (status, verdict["verdict"], verdict["parent"]) == (0, "valid", "given")
    status, said = run(capsys, "run", block, "--witness", witness, "--vm", "py-evm")
    assert (status, "--witness" in said) == (2, True)


def test_what_a_chain_writes_is_verified(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("mdbx")
    with Chain.in_memory(genesis(), workers=1) as chain:
        blocks: list[Block] = grown(chain, 5)
        expected = chain.witness(5).to_json()
    data, _ = imported(capsys, tmp_path, blocks)
    status, document = run(capsys, "witness", 5, "--datadir", data)
    assert (status, document) == (0, expected)
    assert run(capsys, "witness", "0x" + blocks[3].hash.hex(), "--datadir", data)[0] == 0
    (tmp_path / "w.json").write_text(json.dumps(document))
    (tmp_path / "b.rlp").write_bytes(blocks[4].encode())
    arguments = ["verify", tmp_path / "b.rlp", "--witness", tmp_path / "w.json"]
    status, verdict = run(capsys, *arguments, "--genesis", genesis_file(tmp_path))
    assert (status, verdict["verdict"]) == (0, "valid")
    (tmp_path / "other.rlp").write_bytes(blocks[3].encode())
    arguments[1] = tmp_path / "other.rlp"
    status, verdict = run(capsys, *arguments, "--genesis", genesis_file(tmp_path))
    assert (status, verdict["verdict"]) == (1, "malformed")
    status, said = run(capsys, "witness", 0, "--datadir", data)
    assert (status, "first block" in said) == (2, True)
