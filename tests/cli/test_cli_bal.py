"""``blockstm bal``: lists in every form of file, shown and compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_typing import Address

from blockstm.cli import main
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList

A, B = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
OF_A = AccountAccess(A, storage_changes=((1, ((1, 5), (2, 6))),), storage_reads=(2,))
OF_B = AccountAccess(B, balance_changes=((1, 7),), code_changes=((1, b"\x60" * 40),))
LIST = BlockAccessList((OF_A, OF_B))
OTHER = BlockAccessList((replace(OF_A, storage_reads=()), OF_B))


def put(folder: Path, name: str, content: Any) -> str:
    """A file with it."""
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


HEX = "0x" + LIST.encode().hex()
FORMS: dict[str, Any] = {
    "list.rlp": LIST.encode(),
    "list.hex": HEX + "\n",
    "list.json": LIST.to_json(),
    "hex.json": json.dumps(HEX),
    "plain": json.dumps(LIST.to_json()),
    "block.json": {"number": "0x1", "blockAccessList": LIST.to_json()},
    "file.json": {"block": {"blockAccessList": LIST.to_json()}, "pre_state": {}},
    "answer.json": {"jsonrpc": "2.0", "result": LIST.to_json()},
    "payload.json": {"executionPayload": {"blockAccessList": HEX}},
    "request.json": {"method": "engine_newPayloadV5", "params": [{"blockAccessList": HEX}, []]},
}


@pytest.mark.parametrize("name", FORMS)
def test_a_list_is_read_from_every_form(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path, name, FORMS[name])
    assert main(["bal", "show", path, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["blockAccessList"] == LIST.to_json()
    assert shown["hash"] == f"0x{LIST.hash.hex()}"
    assert (shown["items"], shown["deviations"]) == (4, [])
    assert main(["bal", "diff", path, put(tmp_path, "same.rlp", LIST.encode())]) == 0
    assert "equal" in capsys.readouterr().out


def test_show_says_what_a_list_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bal", "show", put(tmp_path, "list.rlp", LIST.encode())]) == 0
    out = capsys.readouterr().out
    for line in ("slot 0x1: 0x5 at 1, 0x6 at 2", "read: 0x2", "balance: 7 at 1", "(40 bytes) at 1"):
        assert line in out


def test_diff_names_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = put(tmp_path, "a.rlp", LIST.encode()), put(tmp_path, "b.rlp", OTHER.encode())
    assert main(["bal", "diff", *paths]) == 1
    assert f"account 0x{A.hex()} storageReads slot 0x2: expected one" in capsys.readouterr().out
    assert main(["bal", "diff", *paths, "--json"]) == 1
    [difference] = json.loads(capsys.readouterr().out)["differences"]
    expected = {"address": f"0x{A.hex()}", "what": "storageReads", "slot": "0x2"}
    assert difference == expected | {"expected": True, "given": None}


def test_a_list_out_of_form_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backwards = put(tmp_path, "b.rlp", BlockAccessList((OF_B, OF_A)).encode())
    assert main(["bal", "show", backwards]) == 1
    assert f"address 0x{A.hex()} behind 0x{B.hex()}" in capsys.readouterr().out
    assert main(["bal", "diff", put(tmp_path, "a.rlp", LIST.encode()), backwards]) == 1
    assert "not in canonical form" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b"", b"\x80", "0x1", "{}", "[1]", '{"block": {}}', '{"blockAccessList": 3}', "0xzz"]
)
def test_what_has_no_list_is_refused(
    content: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bal", "show", put(tmp_path, "file", content)]) == 2
    assert "file" in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bal", "show", str(tmp_path / "absent")]) == 2
    assert "absent" in capsys.readouterr().err
