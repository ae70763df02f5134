"""``blockstm import``, ``export``, ``rollback``, ``state``, ``audit``, ``chain info``."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import RECIPIENTS, genesis, grown, with_other_root
from tests.ethereum.made import SENDERS
from tests.patience import PATIENCE

from blockstm.chain import Chain
from blockstm.chain.files import BlockFile, export_archives
from blockstm.cli import main
from blockstm.cli.chains.progress import progress_line
from blockstm.errors import InputError
from blockstm.ethereum import Block

pytest.importorskip("mdbx")

FORKS = {
    "chainId": 1,
    **dict.fromkeys(
        (
            *("homesteadBlock", "eip150Block", "eip155Block", "eip158Block", "byzantiumBlock"),
            *("constantinopleBlock", "petersburgBlock", "istanbulBlock", "berlinBlock"),
            *("londonBlock", "terminalTotalDifficulty", "shanghaiTime"),
        ),
        0,
    ),
}


def genesis_file(folder: Path) -> Path:
    """The genesis of `growing`, as geth writes it."""
    beginning = genesis()
    header = beginning.block.header
    document = {
        "config": FORKS,
        "parentHash": "0x" + header.parent_hash.hex(),
        "coinbase": "0x" + header.coinbase.hex(),
        "gasLimit": hex(header.gas_limit),
        "timestamp": hex(header.timestamp),
        "baseFeePerGas": hex(header.base_fee_per_gas or 0),
        "alloc": {
            "0x" + address.hex(): {
                "balance": hex(account.balance),
                "nonce": hex(account.nonce),
                "code": "0x" + (account.code or b"").hex(),
                "storage": {hex(slot): hex(value) for slot, value in account.storage.items()},
            }
            for address, account in beginning.accounts.items()
        },
    }
    path = folder / "genesis.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    with Chain.in_memory(genesis(), workers=1) as chain:
        return grown(chain, 20)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    """The exit status, and what is printed as JSON."""
    status = main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    return status, json.loads(captured.out) if captured.out else captured.err


def imported(
    capsys: pytest.CaptureFixture[str], folder: Path, blocks: list[Block], name: str = "a.rlp"
) -> tuple[Path, Any]:
    """Import blocks from a file; the chain's folder, and what is said of it."""
    path = folder / name
    encoded = b"".join(block.encode() for block in blocks)
    compress = {".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix, bytes)
    path.write_bytes(compress(encoded))
    data = folder / "data"
    status, said = run(capsys, "import", path, "--genesis", genesis_file(folder), "--datadir", data)
    assert status == 0, said
    return data, said


@pytest.mark.parametrize("name", ["a.rlp", "a.rlp.gz", "a.rlp.xz"])
def test_a_file_is_imported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block], name: str
) -> None:
    data, said = imported(capsys, tmp_path, blocks, name)
    assert (said["imported"], said["known"], said["head"]) == (20, 0, 20)
    assert said["hash"] == "0x" + blocks[-1].hash.hex()
    again = imported(capsys, tmp_path, blocks, name)[1]
    assert (again["imported"], again["known"], again["head"]) == (0, 20, 20)
    assert run(capsys, "audit", "--datadir", data)[0] == 0


@pytest.mark.parametrize("form", ["one", "list", "lines", "answer"])
def test_json_blocks_are_imported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block], form: str
) -> None:
    documents = [block.to_json() for block in blocks[:3]]
    texts = {
        "one": json.dumps(documents[0]),
        "list": json.dumps(documents),
        "lines": "\n".join(map(json.dumps, documents)),
        "answer": json.dumps({"jsonrpc": "2.0", "id": 1, "result": documents[0]}),
    }
    path = tmp_path / "blocks.json"
    path.write_text(texts[form])
    status, said = run(
        capsys,
        *("import", path, "--genesis", genesis_file(tmp_path), "--datadir", tmp_path / "data"),
    )
    assert (status, said["head"]) == (0, 3 if form in ("list", "lines") else 1)


def test_a_chain_goes_back_and_forth(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    assert run(capsys, "rollback", "-10", "--datadir", data)[1]["head"] == 10
    assert run(capsys, "chain", "info", "--datadir", data)[1]["head"] == 10
    assert run(capsys, "rollback", "7", "--datadir", data)[1] == {
        "from": 10,
        "head": 7,
        "hash": "0x" + blocks[6].hash.hex(),
    }
    assert imported(capsys, tmp_path, blocks)[1]["head"] == 20
    run(capsys, "rollback", "0x" + blocks[3].hash.hex(), "--datadir", data)
    status, said = run(capsys, "audit", "--datadir", data)
    assert (status, said["sound"], said["head"], said["states"]) == (0, True, 4, 5)


def test_an_old_balance_is_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    address = "0x" + RECIPIENTS[0].hex()
    shown = [
        run(capsys, "state", address, "--datadir", data, "--block", block)[1]
        for block in ("1", "-13", "20")
    ]
    assert [(each["block"], each["balance"]) for each in shown] == [(1, 1), (7, 2), (20, 4)]
    status, said = run(
        capsys,
        *("state", SENDERS[0].hex(), "--datadir", data, "--slot", "0x1", "--proof", "--code"),
    )
    assert (status, said["nonce"], said["storage"], said["code"]) == (0, 20, {"0x1": "0x0"}, "0x")
    assert said["accountProof"]
    assert run(capsys, "state", "0x" + "99" * 20, "--datadir", data)[1]["exists"] is False


def test_what_is_exported_is_imported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    for name in ("all.rlp", "all.rlp.gz", "all.rlp.xz"):
        status, said = run(capsys, "export", tmp_path / name, "--datadir", data)
        assert (status, said["exported"]) == (0, 20)
    assert (tmp_path / "all.rlp").read_bytes() == b"".join(each.encode() for each in blocks)
    assert (
        gzip.decompress((tmp_path / "all.rlp.gz").read_bytes())
        == (tmp_path / "all.rlp").read_bytes()
    )
    part = run(capsys, "export", tmp_path / "p", "--datadir", data, "--first", 3, "--last", 5)
    assert part[1]["exported"] == 3
    assert run(capsys, "export", tmp_path / "p", "--datadir", data, "--last", 50)[0] == 2


def test_an_archive_goes_to_stdout_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    """Which has no ending for an archive, and is no folder."""
    data, _ = imported(capsys, tmp_path, blocks)
    run(capsys, "export", tmp_path / "file.ere", "--datadir", data)
    command = [sys.executable, "-m", "blockstm", "export", "/proc/self/fd/1"]
    options = [f"--datadir={data}", "--format=ere"]
    done = subprocess.run([*command, *options], capture_output=True, check=True)
    assert done.stdout == (tmp_path / "file.ere").read_bytes()


@pytest.mark.parametrize("network", ["", ".", "a/b", "/dev/shm/a", "../a", "a/", "a\0"])
def test_a_network_that_leads_out_of_the_folder_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block], network: str
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    with Chain.open(data, read_only=True) as chain, pytest.raises(InputError, match="network"):
        export_archives(tmp_path / "eras", chain, 0, 1, "ere", network)
    assert not (tmp_path / "eras").exists()


def test_an_archive_is_exported_and_imported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    pytest.importorskip("cramjam")
    data, _ = imported(capsys, tmp_path, blocks)
    status, said = run(capsys, "export", tmp_path / "all.ere", "--datadir", data)
    assert (status, said["exported"], said["first"], said["format"]) == (0, 21, 0, "ere")
    options = ("--genesis", genesis_file(tmp_path), "--datadir", tmp_path / "other")
    status, said = run(capsys, "import", tmp_path / "all.ere", *options)
    assert (status, said["imported"], said["known"]) == (0, 20, 1)
    assert said["hash"] == "0x" + blocks[-1].hash.hex()

    folder = ("export", tmp_path / "eras", "--datadir", data, "--format", "ere")
    (named,) = run(capsys, *folder, "--first", 3, "--network", "dev")[1]["files"]
    assert Path(named).name == f"dev-00000-{blocks[-1].hash.hex()[:8]}-noproofs.ere"
    (named,) = run(capsys, *folder, "--last", 4)[1]["files"]
    assert Path(named).name == f"mainnet-00000-{blocks[3].hash.hex()[:8]}-noproofs.ere"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.era1",), "after the merge"),
        (("a.ere.gz", "--format", "ere"), "compressed in itself"),
        (("a.ere", "--first", "21"), "one block at least"),
        (("a.ere", "--first", "30"), "not all there"),
    ],
)
def test_what_is_no_archive_is_not_exported(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    blocks: list[Block],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    pytest.importorskip("cramjam")
    data, _ = imported(capsys, tmp_path, blocks)
    name, *others = arguments
    status, said = run(capsys, "export", tmp_path / name, *others, "--datadir", data)
    assert status == 2
    assert message in said
    assert not list(tmp_path.glob(f"{name}*"))


def test_a_damaged_archive_leaves_what_was_imported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    pytest.importorskip("cramjam")
    data, _ = imported(capsys, tmp_path, blocks)
    path = tmp_path / "a.ere"
    run(capsys, "export", path, "--datadir", data)
    whole = path.read_bytes()
    # The last receipts stand before the index, which is of 24 bytes a block and 32 beside.
    at = len(whole) - 21 * 24 - 32 - 5
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    options = ("--genesis", str(genesis_file(tmp_path)), "--datadir", str(tmp_path / "other"))
    status = main(["import", str(path), *options, "--json"])
    captured = capsys.readouterr()
    assert (status, json.loads(captured.out)["head"]) == (1, 19)
    assert "a.ere: slim receipts at byte" in captured.err
    path.write_bytes(whole)
    assert run(capsys, "import", path, *options)[1]["head"] == 20


def test_the_blocks_of_another_chain_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    path = tmp_path / "a.rlp"
    with Chain.in_memory(genesis("prague"), workers=1) as other:
        path.write_bytes(other.block(0).encode())
    options = ("--genesis", str(genesis_file(tmp_path)), "--datadir", str(tmp_path / "data"))
    status = main(["import", str(path), *options])
    assert status == 1
    assert "of another chain" in capsys.readouterr().err


def test_an_invalid_block_ends_the_import(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    path = tmp_path / "a.rlp"
    bad = [*blocks[:5], with_other_root(blocks[5]), blocks[5]]
    path.write_bytes(b"".join(each.encode() for each in bad))
    options = ("--genesis", str(genesis_file(tmp_path)), "--datadir", str(tmp_path / "data"))
    status = main(["import", str(path), *options, "--json"])
    captured = capsys.readouterr()
    assert status == 1
    assert json.loads(captured.out)["head"] == 5
    assert "state root" in captured.err


@pytest.mark.parametrize("fault", ["cut", "junk", "gzip", "json", "nested", "nothing"])
def test_a_malformed_file_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block], fault: str
) -> None:
    whole = b"".join(each.encode() for each in blocks[:3])
    path = tmp_path / ("a.gz" if fault == "gzip" else "a")
    path.write_bytes(
        {
            "cut": whole[:-10],
            "junk": whole + b"\x01",
            "gzip": whole,
            "json": b"{",
            "nested": b"[" * 100_000,
            "nothing": b"",
        }[fault]
    )
    options = ("--genesis", str(genesis_file(tmp_path)), "--datadir", str(tmp_path / "data"))
    status = main(["import", str(path), *options, "--json"])
    captured = capsys.readouterr()
    assert status == 1
    assert json.loads(captured.out)["head"] == {"cut": 2, "junk": 3}.get(fault, 0)
    assert captured.err.count(str(path)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", "FOLDER", "--datadir", "data"), "a folder, not a file"),
        (("import", "a.rlp", "--datadir", "new"), "--genesis"),
        (("import", "a.rlp", "--genesis", "none.json", "--datadir", "new"), "none.json: No such"),
        (("export", "none/a.rlp", "--datadir", "data"), "none/a.rlp: No such file"),
        (("export", "none/a.ere", "--datadir", "data"), "none/a.ere"),
        (("state", "0x" + "11" * 20, "--datadir", "new"), "new"),
    ],
)
def test_what_is_not_there_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    blocks: list[Block],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    imported(capsys, tmp_path, blocks[:2])
    names = {"FOLDER", "data", "a.rlp", "new", "none.json", "none/a.rlp", "none/a.ere"}
    given = [tmp_path / each if each in names else each for each in arguments]
    (tmp_path / "FOLDER").mkdir()
    status, said = run(capsys, *given)
    assert status == 2
    assert message in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_the_line_says_how_far_an_import_is() -> None:
    line = progress_line(12_345, 1_000, 50_000_000, 0.25, 10.0)
    assert line == (
        "[#####...............]  25%  block 12,345  100 blocks/s  5.0 Mgas/s  0:30 left"
    )
    assert progress_line(7, 7, 0, 0.0, 0.0).startswith("block 7 ")
    assert progress_line(7, 7, 0, 0.001, 10.0).endswith("2:46:30 left")


@pytest.mark.parametrize("name", ["a.rlp", "a.rlp.gz", "a.rlp.xz", "a.ere"])
def test_a_file_says_how_much_of_it_was_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block], name: str
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    assert run(capsys, "export", tmp_path / name, "--datadir", data)[0] == 0
    with BlockFile(tmp_path / name) as file:
        assert file.fraction == 0
        fractions = [file.fraction for _ in file]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(fractions) in (20, 21)


def test_wrong_usage_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    other = tmp_path / "other.json"
    document = json.loads((tmp_path / "genesis.json").read_text())
    other.write_text(json.dumps(document | {"extraData": "0x01"}))
    for arguments in (
        ("import", tmp_path / "none", "--datadir", data),
        ("import", tmp_path / "a.rlp", "--datadir", tmp_path / "new"),
        ("import", tmp_path / "a.rlp", "--genesis", other, "--datadir", data),
        ("rollback", "99", "--datadir", data),
        ("rollback", "top", "--datadir", data),
        ("rollback", "+3", "--datadir", data),
        ("rollback", "1_0", "--datadir", data),
        ("rollback", "\N{ARABIC-INDIC DIGIT THREE}", "--datadir", data),
        ("import", tmp_path / "a.rlp", "--cache", 10**12, "--datadir", data),
        ("state", "0x12", "--datadir", data),
        ("state", "00" * 20, "--slot", "x", "--datadir", data),
        ("state", "00" * 20, "--block", "99", "--datadir", data),
        ("audit", "--datadir", tmp_path / "nothing"),
    ):
        status, said = run(capsys, *arguments)
        assert status == 2
        assert said.startswith(f"blockstm {arguments[0]}: ")


@pytest.mark.parametrize("command", ["audit", "replay 1..2", "insight 1..2", "rpc"])
def test_a_folder_without_a_name_is_not_the_working_directory(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--datadir", ""])
    assert ended.value.code == 2
    assert "a folder has a name" in capsys.readouterr().err


def test_sizes_are_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    said = run(capsys, "chain", "info", "--datadir", data)[1]
    assert (said["head"], said["oldestState"], said["window"]) == (20, 0, 20)
    assert said["tables"]["headers"]["entries"] == 21
    assert 0 < said["bytes"] <= said["fileBytes"] - said["freeBytes"]
    tables = said["tables"]
    for name, table, nodes in (
        ("account", "accounts", "account_nodes"),
        ("slot", "slots", "storage_nodes"),
    ):
        kept = tables[table]["bytes"] + tables[nodes]["bytes"]
        assert said[f"bytes/{name}"] == round(kept / tables[table]["entries"], 1)
    of_state = {"meta", "codes", "accounts", "slots", "account_nodes", "storage_nodes"}
    of_blocks = sum(each["bytes"] for name, each in tables.items() if name not in of_state)
    assert said["bytes/block"] == round(of_blocks / 21, 1)
    assert main(["chain", "info", "--datadir", str(data)]) == 0
    assert "headers" in capsys.readouterr().out


def test_ctrl_c_leaves_a_chain_that_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    command = [sys.executable, "-m", "blockstm", "import", str(path)]
    command += ["--genesis", str(genesis_file(tmp_path)), "--datadir", str(tmp_path / "data")]
    importer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with path.open("wb") as pipe:
        for block in blocks[:10]:
            pipe.write(block.encode())
            pipe.flush()
        time.sleep(1.5)
        importer.send_signal(signal.SIGINT)
        output, errors = importer.communicate(timeout=PATIENCE)
    assert importer.returncode == 130
    assert "goes on from there" in errors
    assert "head" in output
    assert imported(capsys, tmp_path, blocks)[1]["head"] == 20


@pytest.mark.parametrize("flag", [(), ("--json",)])
@pytest.mark.parametrize("way", ["pipe", "file"])
def test_blocks_that_go_to_stdout_have_no_summary_in_them(
    way: str,
    flag: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    blocks: list[Block],
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    path = tmp_path / "out"
    if way == "file":
        path.touch()
    command = [
        sys.executable,
        "-m",
        "blockstm",
        "export",
        "/proc/self/fd/1",
        "--datadir",
        str(data),
    ]
    with path.open("wb") if way == "file" else nullcontext(subprocess.PIPE) as out:
        done = subprocess.run([*command, *flag], stdout=out, stderr=subprocess.PIPE, check=True)
    written = path.read_bytes() if way == "file" else done.stdout
    assert written == b"".join(each.encode() for each in blocks)
    assert b"exported" in done.stderr


def test_what_was_written_into_a_pipe_is_told_on_stderr(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, blocks: list[Block]
) -> None:
    data, _ = imported(capsys, tmp_path, blocks)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for command in ("export", "prove"):
        given = (path,) if command == "export" else ("20", "--output", path)
        with ThreadPoolExecutor(1) as pool:
            read = pool.submit(path.read_bytes)
            assert main([command, *map(str, given), "--datadir", str(data)]) == 0
            assert read.result(timeout=PATIENCE)
        said = capsys.readouterr()
        assert (said.out, str(path) in said.err) == ("", True)
