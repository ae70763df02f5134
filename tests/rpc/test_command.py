"""``blockstm rpc``: a process that serves a chain, and ends by Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from tests.patience import PATIENCE
from tests.rpc.test_requests import GENESIS, NUMBER

from blockstm.cli import main

pytest.importorskip("uvicorn")


def asked(url: str, method: str, *params: object) -> dict[str, object]:
    body = json.dumps(NUMBER | {"method": method, "params": params}).encode()
    request = Request(url, body, {"content-type": "application/json"})
    with urlopen(request, timeout=PATIENCE) as response:
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
        assert server.wait(PATIENCE) == 0


def test_a_chain_to_develop_on_mines_what_is_sent() -> None:
    arguments = ["rpc", "--dev", "--port", "0", "--accounts", "1", "--chain-id", "7"]
    server = subprocess.Popen(
        [sys.executable, "-m", "blockstm", *arguments], stdout=subprocess.PIPE, text=True
    )
    with server:
        assert server.stdout is not None
        address, _, key = server.stdout.readline().split()
        assert (address[:6], key[:6]) == ("0xf39f", "0xac09")
        url = server.stdout.readline().split()[-1]
        assert asked(url, "eth_chainId")["result"] == "0x7"
        sent = asked(url, "eth_sendTransaction", {"from": address, "to": address})
        assert "result" in sent, sent
        assert asked(url, "eth_blockNumber")["result"] == "0x1"
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --datadir, or --genesis"),
        (["--genesis", "nowhere.json"], "no such file: nowhere.json"),
        (["--datadir", "nowhere", "--import", "x"], "--import is for --genesis"),
        (["--genesis", "README.md", "--threads", "0"], "--threads is 1 or more, not 0"),
        (["--dev", "--genesis", "README.md"], "--dev begins a chain of its own"),
        (["--dev", "--accounts", "-1"], "--accounts is from 0"),
        (["--dev", "--block-time", "nan"], "--block-time is above 0"),
        (["--dev", "--fork", "nowhere"], "no fork 'nowhere' is known"),
        (["--genesis", "README.md", "--fork", "osaka"], "--fork is for --dev"),
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
