"""``blockstm run``: verdicts, exit statuses, and what is said about what."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.documents import SENDER, block_document, hex_of
from tests.ethereum.official import documents as official_documents
from tests.ethereum.official import official_chain
from tests.fixtures import mainnet_block

from blockstm.cli import main
from blockstm.cli.fixtures import values
from blockstm.engine.engine import Engine
from blockstm.ethereum import Account, Block
from blockstm.vm.evm import Execution

KEYS = [
    "number",
    "fork",
    "transactions",
    "gas_used",
    "workers",
    "seconds",
    "incarnations_per_transaction",
    "checks",
    "ok",
]


def write(folder: Path, document: Any, name: str = "block.json") -> str:
    path = folder / name
    path.write_text(json.dumps(document))
    return str(path)


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any]]:
    status = main(["run", "--json", *arguments])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_mainnet_block_matches_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    status, [verdict] = run_json(capsys, "--workers", "2", str(mainnet_block(19426587)))
    assert status == 0
    assert list(verdict) == KEYS
    assert verdict["ok"] is True
    assert (verdict["number"], verdict["fork"]) == (19426587, "cancun")
    assert (verdict["transactions"], verdict["gas_used"]) == (37, 2633933)
    assert verdict["workers"] == 2
    assert verdict["seconds"] > 0
    assert verdict["incarnations_per_transaction"] >= 1
    checks = verdict["checks"]
    assert [checks[name] for name in ("gas_used", "receipts_root", "logs_bloom")] == [True] * 3
    assert checks["state_root"] is None


def test_receipts_before_byzantium_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    status, [verdict] = run_json(capsys, str(mainnet_block(1150000)))
    assert status == 0
    assert verdict["checks"]["receipts_root"] is None
    assert verdict["checks"]["gas_used"] is True


def test_the_text_says_that_a_block_matches(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["run", "--vm", "py-evm", write(tmp_path, block_document())]) == 0
    out = capsys.readouterr().out
    assert "block 15000000 (arrow_glacier): 3 transactions" in out
    assert "matches its header" in out


@pytest.mark.parametrize("member", ["gasUsed", "receiptsRoot", "logsBloom", "transactionsRoot"])
def test_a_spoilt_header_is_a_mismatch(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, member: str
) -> None:
    document = block_document()
    value = document["block"][member]
    document["block"][member] = value[:-1] + ("1" if value[-1] != "1" else "2")
    status, [verdict] = run_json(capsys, write(tmp_path, document))
    name = "".join("_" + c.lower() if c.isupper() else c for c in member)
    assert status == 1
    assert verdict["ok"] is False
    assert verdict["checks"][name] is False
    assert verdict["checks"]["header_hash"] is False


def test_receipts_in_the_file_name_the_first_differing_transaction(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = block_document()
    document["receipts"][1]["cumulativeGasUsed"] = "0x5209"
    assert main(["run", write(tmp_path, document)]) == 1
    out = capsys.readouterr().out
    assert "MISMATCH: transaction 1 (0x" in out
    assert "cumulative gas used" in out


def test_a_log_outside_the_headers_bloom_names_its_transaction(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = block_document()
    del document["receipts"]
    document["block"]["logsBloom"] = hex_of(bytes(256))
    status, [verdict] = run_json(capsys, write(tmp_path, document))
    assert status == 1
    assert verdict["transaction"] == 1
    assert "not in the header's bloom" in verdict["reason"]


def test_where_no_transaction_can_be_named_the_reason_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = block_document()
    del document["receipts"]
    document["block"]["gasUsed"] = "0x1"
    status, [verdict] = run_json(capsys, write(tmp_path, document))
    assert status == 1
    assert verdict["transaction"] is None
    assert "not known" in verdict["reason"]


def test_a_wrong_engine_is_caught_by_a_sequential_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = block_document()
    del document["receipts"]
    right = Engine.run

    def wrong(self: Engine, *arguments: Any, **options: Any) -> Any:
        result = right(self, *arguments, **options)
        outcomes = list(result.outcomes)
        step = 3  # the transaction at index 2: before the transactions there is the block's start
        value = outcomes[step].value
        without_logs = Execution(value.raw.replace(value.raw_logs, bytes(4)))
        outcomes[step] = replace(outcomes[step], value=without_logs)
        return replace(result, outcomes=tuple(outcomes))

    monkeypatch.setattr(Engine, "run", wrong)
    status, [verdict] = run_json(capsys, write(tmp_path, document))
    assert status == 1
    assert verdict["transaction"] == 2
    assert "differs from a sequential run: number of logs 0 instead of 1" in verdict["reason"]


def test_an_invalid_transaction_is_a_mismatch_that_names_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = block_document()
    document["pre_state"][hex_of(SENDER)]["nonce"] = "0x1"
    status, [verdict] = run_json(capsys, write(tmp_path, document))
    assert status == 1
    assert verdict["transaction"] == 0
    assert "nonce" in verdict["reason"]
    assert verdict["checks"]["gas_used"] is False


@pytest.mark.parametrize(
    ("member", "value"), [("hash", "0x" + "12" * 32), ("from", "0x" + "34" * 20)]
)
def test_a_transaction_that_is_not_what_the_block_says_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, member: str, value: str
) -> None:
    document = block_document()
    document["block"]["transactions"][1][member] = value
    status, [verdict] = run_json(capsys, write(tmp_path, document))
    assert status == 1
    assert verdict["checks"]["transactions"] is False
    assert verdict["transaction"] == 1


def test_an_unreadable_file_is_named_and_the_others_are_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    good = write(tmp_path, block_document())
    bad = write(tmp_path, {"block": {"number": "0x01"}}, "bad.json")
    missing = str(tmp_path / "missing.json")
    (empty := tmp_path / "empty").mkdir()
    status = main(["run", "--json", bad, missing, str(empty), good])
    captured = capsys.readouterr()
    assert status == 2
    assert [json.loads(line)["ok"] for line in captured.out.splitlines()] == [True]
    assert f"{bad}: block." in captured.err
    assert f"{missing}: No such file" in captured.err
    assert captured.err.count("blockstm run: ") == 3


def test_a_fork_that_pyevm_does_not_have_is_unreadable_input(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = block_document()
    document["block"]["number"] = hex_of(24_000_000)
    document["block"]["timestamp"] = hex_of(1_800_000_000)
    assert main(["run", write(tmp_path, document), "--vm", "py-evm"]) == 2
    assert "py-evm has no fork 'bpo2'" in capsys.readouterr().err


def test_a_number_of_workers_out_of_range_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write(tmp_path, block_document())
    assert main(["run", "--workers", "0", path]) == 2
    assert "workers" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["run"], ["run", "--vm", "geth", "b"], ["run", "--workers", "x", "b"], ["no"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("module", "vm", "remedy"),
    [("eth", "py-evm", "blockstm[pyevm]"), ("gmpy2", "evm", "gmpy2>=2.2")],
)
def test_a_missing_package_is_named(module: str, vm: str, remedy: str, tmp_path: Path) -> None:
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from blockstm.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    path = write(tmp_path, block_document())
    done = subprocess.run(
        [sys.executable, "-c", program, "run", path, "--vm", vm],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"pip install '{remedy}'" in done.stderr
    assert "Traceback" not in done.stderr


def amsterdam_document() -> dict[str, Any]:
    """The first block of an official test, as a block file."""
    part = "blockchain_tests/amsterdam/eip2780"
    for path, tests in official_documents("eest-amsterdam-glamsterdam-devnet-8.tar.xz", part):
        for name, test in tests.items():
            first = official_chain(f"{path}:{name}", test).blocks[0]
            if first.is_valid:
                accounts = values.accounts(test["pre"], "pre")
                return {
                    "block": Block.decode(first.encoding).to_json(),
                    "pre_state": {hex_of(a): account_json(of) for a, of in accounts.items()},
                }
    raise AssertionError("no valid block")


def account_json(account: Account) -> dict[str, Any]:
    """An account of a block file."""
    return {
        "balance": hex_of(account.balance),
        "nonce": hex_of(account.nonce),
        "code": hex_of(account.code or b""),
        "storage": {hex_of(slot): hex_of(value) for slot, value in account.storage.items()},
    }


def test_a_block_of_amsterdam_has_two_kinds_of_gas(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, amsterdam_document())
    status, [verdict] = run_json(capsys, "--fork", "amsterdam", path)
    assert (status, verdict["fork"], verdict["ok"]) == (0, "amsterdam", True)
    assert verdict["gas_used"] == max(verdict["execution_gas"], verdict["state_gas"])
    assert main(["run", "--fork", "Amsterdam", path]) == 0
    kinds = f"({verdict['execution_gas']:,} of execution, {verdict['state_gas']:,} of state)"
    assert kinds in capsys.readouterr().out


def test_a_fork_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, block_document())
    assert main(["run", "--fork", "glamsterdam", path]) == 2
    assert "glamsterdam" in capsys.readouterr().err
