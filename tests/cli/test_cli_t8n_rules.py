"""``--rules``: transitions of a chain with rules of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_cli_t8n import BOB, STREAMS, env

from blockstm.cli import main
from blockstm.ethereum.codecs.rlp import encode

OWN_RULES = """
from dataclasses import dataclass
from blockstm.ethereum import OwnTransaction, OwnTransactionType, Rules
from blockstm.ethereum.codecs.rlp import Items, encode
from blockstm.vm.evm import CodePrecompile

@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(OwnTransaction):
    type: int = 0x42
    gas: int = 21_000
    data: bytes = b""

    def payload(self):
        return encode([self.sender, self.to or b"", self.mint, self.value])

    @classmethod
    def from_payload(cls, payload):
        items = Items(payload, "grant")
        grant = cls(sender=items.address("sender"), to=items.address_or_none("to"),
                    mint=items.quantity("mint"), value=items.quantity("value"))
        items.end()
        return grant

RULES = Rules(transaction_types=(OwnTransactionType(0x42, Grant.from_payload, is_prepaid=True),))
NUMBER = 5
"""
ALICE = b"\xa1" * 20


def grant(value: int) -> bytes:
    return b"\x42" + encode([ALICE, bytes.fromhex(BOB[2:]), 10, value])


def made(
    capsys: pytest.CaptureFixture[str], folder: Path, listed: list[bytes], *flags: str
) -> dict[str, Any]:
    given = {"alloc": {}, "env": env(), "txsRlp": "0x" + encode(listed).hex()}
    (folder / "given.json").write_text(json.dumps(given))
    for name in ("alloc", "env"):
        (folder / f"{name}.json").write_text(json.dumps(given[name]))
    (folder / "txs.rlp").write_text(json.dumps(given["txsRlp"]))
    inputs = [f"--input.{name}={folder}/{name}.json" for name in ("alloc", "env")]
    outputs = [flag for flag in STREAMS if flag.startswith("--output")]
    arguments = [*inputs, f"--input.txs={folder}/txs.rlp", *outputs, *flags]
    assert main(["t8n", "--state.fork=Cancun", *arguments]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "granting_rules.py").write_text(OWN_RULES)
    monkeypatch.chdir(tmp_path)
    return "granting_rules"


def test_transactions_of_a_chains_own_types_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, module: str
) -> None:
    answer = made(capsys, tmp_path, [grant(7), grant(4)], f"--rules={module}:RULES")
    balances = {address: int(each["balance"], 16) for address, each in answer["alloc"].items()}
    assert balances == {"0x" + ALICE.hex(): 9, BOB: 11}
    assert [each["type"] for each in answer["result"]["receipts"]] == ["0x42", "0x42"]
    assert answer["body"] == "0x" + encode([grant(7), grant(4)]).hex()
    assert "rejected" not in answer["result"]


def test_without_its_rules_a_type_is_rejected(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, module: str
) -> None:
    [rejected] = made(capsys, tmp_path, [grant(7)])["result"]["rejected"]
    assert rejected == {"index": 0, "error": "transaction type not supported"}
    [rejected] = made(capsys, tmp_path, [grant(7)[:-1]], f"--rules={module}:RULES")["result"][
        "rejected"
    ]
    assert rejected["error"].startswith("rlp: ")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("granting_rules", "expected MODULE:NAME"),
        (":RULES", "expected MODULE:NAME"),
        ("granting_rules:NUMBER", "has no blockstm.ethereum.Rules 'NUMBER'"),
        ("granting_rules:NOTHING", "has no blockstm.ethereum.Rules 'NOTHING'"),
        ("no_such_module_here:RULES", "ModuleNotFoundError"),
        ("raising_rules:RULES", "ZeroDivisionError"),
        ("ending_rules:RULES", "SystemExit: 0"),
        ("refusing_rules:RULES", "ValueError: RULES"),
    ],
)
def test_rules_that_are_not_to_be_had_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, module: str, named: str, words: str
) -> None:
    (tmp_path / "raising_rules.py").write_text("1 / 0")
    (tmp_path / "ending_rules.py").write_text("import sys; sys.exit(0)")
    refusing = "def __getattr__(name): raise ValueError(name)"
    (tmp_path / "refusing_rules.py").write_text(refusing)
    for name in ("alloc", "env", "txs"):
        (tmp_path / f"{name}.json").write_text("{}")
    for command, status in (("t8n", 3), ("t8n-server", 2)):
        assert main([command, f"--rules={named}"]) == status
        assert words in capsys.readouterr().err
