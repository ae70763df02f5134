"""``blockstm t8n-server``: what it answers, and that nothing it is sent makes it fall."""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_cli_t8n import BOB, given
from tests.patience import PATIENCE

from blockstm.cli import main
from blockstm.cli.transitions.server import Traces, TransitionServer, add_parser, traces_of


@pytest.fixture(scope="module")
def server() -> Iterator[TransitionServer]:
    with TransitionServer("127.0.0.1", 0, body_max=1 << 20) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def request(**changed: Any) -> dict[str, Any]:
    document = given(**changed)
    return {"state": {"fork": "Cancun", "chainid": 1, "reward": 0}, "input": document}


def ask(server: TransitionServer, body: bytes, method: str = "POST") -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE)
    try:
        connection.request(method, "/", body)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_transition_and_another_on_the_same_connection(server: TransitionServer) -> None:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE)
    for _ in range(2):
        connection.request("POST", "/", json.dumps(request()))
        answer = json.loads(connection.getresponse().read())
        assert set(answer) == {"alloc", "result", "body"}
        assert answer["alloc"][BOB] == {"balance": "0x1"}
        assert len(answer["result"]["receipts"]) == 1
    connection.close()


def asked_for(flags: list[str]) -> Traces:
    """What these flags ask for of traces."""
    parser = add_parser(argparse.ArgumentParser().add_subparsers())
    traces = traces_of(parser.parse_args(flags))
    assert traces is not None
    return traces


@pytest.mark.parametrize(
    ("flags", "ending", "said"),
    [
        (["--trace"], "jsonl", '"opName"'),
        (["--trace.tracer", "callTracer"], "json", '"type"'),
    ],
)
def test_it_leaves_a_file_of_traces_for_each_transaction(
    flags: list[str], ending: str, said: str, tmp_path: Path
) -> None:
    traces = asked_for([*flags, "--output.basedir", str(tmp_path / "traces")])
    code = {"0x" + "c0" * 20: {"balance": "0x0", "code": "0x600160015500"}}
    asked = request()
    asked["input"]["alloc"] |= code
    asked["input"]["txs"][0]["to"] = "0x" + "c0" * 20
    asked["input"]["txs"][0]["gas"] = "0x30000"
    with TransitionServer("127.0.0.1", 0, traces=traces) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for _ in range(2):  # the second time over the files of the first
            status, answer = ask(listening, json.dumps(asked).encode())
            assert status == 200
            [receipt] = answer["result"]["receipts"]
            [file] = (tmp_path / "traces").iterdir()
            assert file.name == f"trace-0-{receipt['transactionHash']}.{ending}"
            assert said in file.read_text()
        listening.shutdown()
        thread.join()


LOOP = "0x5b600056"  # JUMPDEST, PUSH1 0, JUMP: until there is no gas


def test_what_is_recorded_for_traces_is_bounded(tmp_path: Path) -> None:
    flags = ["--trace", "--trace.max=100000", "--output.basedir", str(tmp_path / "traces")]
    endless, short = request(), request()
    for asked in (endless, short):
        asked["input"]["alloc"] |= {"0x" + "c0" * 20: {"balance": "0x0", "code": LOOP}}
        asked["input"]["txs"][0] |= {"to": "0x" + "c0" * 20, "gas": "0x5300"}
    endless["input"]["txs"][0]["gas"] = "0x30000"
    with TransitionServer("127.0.0.1", 0, traces=asked_for(flags)) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        try:
            status, answer = ask(listening, json.dumps(endless).encode())
            assert (status, answer["error"]["type"]) == (400, "TraceTooLarge")
            assert "bytes_max" in answer["error"]["message"]
            assert list((tmp_path / "traces").iterdir()) == []
            assert ask(listening, json.dumps(short).encode())[0] == 200
            assert len(list((tmp_path / "traces").iterdir())) == 1
        finally:
            listening.shutdown()
            thread.join()


def test_traces_have_a_bound_by_default() -> None:
    assert asked_for(["--trace"]).tracer.bytes_max == (256 << 20, 256 << 20)


@pytest.mark.parametrize("bound", ["0", "-1", str(1 << 62)])
def test_a_bound_of_traces_that_is_none_is_told(
    bound: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["t8n-server", "--port=0", "--trace", "--trace.max", bound]) == 2
    assert "--trace.max" in capsys.readouterr().err


def test_what_is_no_tracer_is_told_before_it_listens(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["t8n-server", "--port=0", "--trace.tracer", "nobody"]) != 0
    assert "failed instantiating tracer" in capsys.readouterr().err


def test_a_witness_where_it_is_asked_for(server: TransitionServer) -> None:
    asked = request()
    for wanted, has in ((False, False), (True, True)):
        asked["state"]["witness"] = wanted
        _, answer = ask(server, json.dumps(asked).encode())
        assert ("executionWitness" in answer["result"]) == has
    assert answer["result"]["executionWitness"]["state"]
    asked["state"]["witness"] = "yes"
    status, answer = ask(server, json.dumps(asked).encode())
    assert (status, answer["error"]["type"]) == (400, "DecodeError")


MALFORMED: list[tuple[bytes, str, str]] = [
    (b"", "DecodeError", "not JSON"),
    (b"[]", "DecodeError", "an object"),
    (b"{}", "DecodeError", "state: missing"),
    (json.dumps(request(txs=[1])).encode(), "DecodeError", "txs[0]"),
    (json.dumps(request(alloc=[])).encode(), "DecodeError", "alloc"),
    (json.dumps(request() | {"state": {"fork": 7}}).encode(), "DecodeError", "state.fork"),
    (json.dumps(request() | {"state": {"fork": "No"}}).encode(), "ConfigError", "no fork 'No'"),
    (json.dumps(request(env=None)).encode(), "DecodeError", "env"),
    (b"[" * 1000, "DecodeError", "nested"),
    (b'{"state":NaN}', "DecodeError", "NaN"),
]


@pytest.mark.parametrize(("body", "kind", "words"), MALFORMED)
def test_malformed_requests_get_typed_errors(
    server: TransitionServer, body: bytes, kind: str, words: str
) -> None:
    status, answer = ask(server, body)
    assert status == 400
    assert answer["error"]["type"] == kind
    assert words in answer["error"]["message"]
    assert ask(server, json.dumps(request()).encode())[0] == 200


def test_other_methods(server: TransitionServer) -> None:
    status, answer = ask(server, b"", "GET")
    assert (status, answer["error"]["type"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    "length", ["", "x", "-1", "1e3", "9" * 40, "²", str((1 << 20) + 1)], ids=repr
)
def test_a_length_that_is_none_or_too_large(server: TransitionServer, length: str) -> None:
    """It is refused before the body is read."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=PATIENCE) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: " + length.encode() + b"\r\n\r\n")
        assert client.recv(1 << 16).split()[1] in (b"411", b"413")


def test_a_client_that_hangs_up_and_one_that_waits_hold_nobody_up(
    server: TransitionServer,
) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=PATIENCE) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        assert ask(server, json.dumps(request()).encode())[0] == 200
    assert ask(server, json.dumps(request()).encode())[0] == 200


def test_it_says_where_it_listens_and_ends_when_interrupted() -> None:
    command = [sys.executable, "-m", "blockstm", "t8n-server", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:-1] == ["Transition", "server", "listening", "on"]
        connection = HTTPConnection("127.0.0.1", int(words[-1]), timeout=PATIENCE)
        connection.request("POST", "/", json.dumps(request()))
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(2)
        assert process.wait(timeout=PATIENCE) == 130


def test_it_cannot_listen_where_somebody_else_does(
    server: TransitionServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["t8n-server", f"--port={server.server_port}"]) == 2
    assert "cannot listen" in capsys.readouterr().err


# ---- malformed requests at random


def spoil(value: Any, chance: random.Random) -> Any:
    """A JSON value with something in it changed, missing or in another place."""
    odd = (None, "", "0x", "0x0", -1, 2**300, 1.5, [], {}, "0x" + "ff" * 33, "é", [[]], True)
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        if chance.random() < 0.15:
            return {key: each for key, each in value.items() if key != name}
        if chance.random() < 0.05:
            return value | {chance.choice(["x", name.upper(), name + " "]): value[name]}
        return value | {name: spoil(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        return [*value[:place], spoil(value[place], chance), *value[place + 1 :]]
    if isinstance(value, str) and value and chance.random() < 0.5:
        place = chance.randrange(len(value))
        return value[:place] + chance.choice("0fxg\0") * chance.randrange(3) + value[place + 1 :]
    return chance.choice(odd)


def spoilt_requests(seed: int, count: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for _ in range(count):
        document: Any = request()
        document["state"]["fork"] = chance.choice(["Frontier", "London", "Cancun", "Amsterdam"])
        for _ in range(chance.randrange(1, 4)):
            document = spoil(document, chance)
        body = json.dumps(document).encode()
        if chance.random() < 0.1:
            place = chance.randrange(len(body))
            body = body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]
        yield body


def check_spoilt(server: TransitionServer, seed: int, count: int) -> None:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE)
    for number, body in enumerate(spoilt_requests(seed, count)):
        connection.request("POST", "/", body)
        response = connection.getresponse()
        answer = json.loads(response.read())
        typed = response.status == 400 and answer["error"]["type"] and answer["error"]["message"]
        assert response.status == 200 or typed, f"seed {seed}, request {number}: {answer}"
    connection.close()


def test_spoilt_requests_get_an_answer_or_a_typed_error(server: TransitionServer) -> None:
    check_spoilt(server, seed=1, count=1_000)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_spoilt_requests_get_an_answer_or_a_typed_error(server: TransitionServer) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    check_spoilt(server, seed, count=100_000)
