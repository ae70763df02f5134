"""``blockstm rpc``: a process that serves a chain, and ends by Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.rpc.test_requests import GENESIS, NUMBER

from blockstm.cli import main

pytest.importorskip("uvicorn")


def asked(url: str, method: str) -> dict[str, object]:
    body = json.dumps(NUMBER | {"method": method}).encode()
    request = Request(url, body, {"content-type": "application/json"})
    with urlopen(request, timeout=30) as response:
        answer: dict[str, object] = json.loads(response.read())
    return answer


@pytest.mark.parametrize("api", [None, "eth,net"])
def test_a_chain_is_served_until_ctrl_c(api: str | None, tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_text(json.dumps(GENESIS))
    arguments = ["rpc", "--genesis", str(genesis), "--port", "0"]
    arguments += [] if api is None else ["--api", api]
    server = subprocess.Popen(
        [sys.executable, "-m", "blockstm", *arguments], stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("block 0 at http://127.0.0.1:")
        url = line.split()[-1]
        assert asked(url, "eth_chainId")["result"] == hex(1337)
        assert ("result" in asked(url, "web3_clientVersion")) == (api is None)
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --datadir, or --genesis"),
        (["--genesis", "nowhere.json"], "no such file: nowhere.json"),
        (["--datadir", "nowhere", "--import", "x"], "--import is for --genesis"),
        (["--genesis", "README.md", "--threads", "0"], "--threads is 1 or more, not 0"),
    ],
)
def test_wrong_arguments_are_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rpc", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_namespace_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_text(json.dumps(GENESIS))
    assert main(["rpc", "--genesis", str(genesis), "--port", "0", "--api", "eth,admin"]) == 2
    assert "the namespaces are debug, eth, net" in capsys.readouterr().err
