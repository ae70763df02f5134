"""Amsterdam's logs of ether that moves (EIP-7708), in traces, inspectors and simulations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.ethereum.made import SENDERS, block_of, chain_under, sealed, signed, world

import blockstm
from blockstm.ethereum import Account, BlockCalls, Message, simulate
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.tracing import CallTracer
from blockstm.types import Address
from blockstm.vm.evm import Inspector, Log

SYSTEM = b"\xff" * 19 + b"\xfe"
MOVES, FAILS = Address(b"\xa1" * 20), Address(b"\xa2" * 20)
FRIEND, HEIR = Address(b"\xa3" * 20), Address(b"\xa4" * 20)


def call_code(to: bytes, value: int) -> str:
    """A call that sends some wei, whatever comes of it."""
    return "6000" * 4 + f"60{value:02x}73{to.hex()}5af150"


# Sends 1 to what fails, 2 to a friend, logs nothing, and leaves the rest to its heir.
CODE = call_code(FAILS, 1) + call_code(FRIEND, 2) + "60006000a0" + f"73{HEIR.hex()}ff"
# LOG0 and STOP, as initcode.
INITCODE = bytes.fromhex("60006000a000")


def made(fork: str) -> tuple[Any, Any, Any]:
    state = world(
        {
            MOVES: Account(10, 1, bytes.fromhex(CODE)),
            FAILS: Account(0, 1, bytes.fromhex("60006000fd")),
        }
    )
    transactions = (
        signed(0, nonce=0, to=FRIEND, value=5, gas=300_000),
        signed(1, nonce=0, to=MOVES, value=6, gas=900_000),
        signed(2, nonce=0, to=None, value=7, data=INITCODE, gas=600_000),
        signed(3, nonce=0, to=MOVES, value=0, gas=300_000),  # there is nothing left
        signed(0, nonce=1, to=FAILS, value=8, gas=300_000),
    )
    chain = chain_under(fork)
    return sealed(block_of(transactions, fork), state, chain=chain), state, chain


def frames(call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield call
    for each in call.get("calls", ()):
        yield from frames(each)


@pytest.mark.parametrize("fork", ["osaka", "amsterdam"])
@pytest.mark.parametrize("workers", [1, 2])
def test_the_logs_of_calls_are_those_of_receipts(fork: str, workers: int) -> None:
    block, state, chain = made(fork)
    tracer = CallTracer(with_log=True)
    options: Any = {"chain": chain, "workers": workers, "tracer": tracer}
    done = blockstm.execute_block(block, state, "evm", **options)
    index = 0
    for trace, receipt in zip(done.traces, done.receipts, strict=True):
        logs = [log for frame in frames(trace) for log in frame.get("logs", ())]
        logs.sort(key=lambda log: int(log["index"], 16))
        assert [int(log["index"], 16) for log in logs] == list(range(index, index + len(logs)))
        index += len(logs)
        expected = [
            (shown(address), [*map(shown, topics)], shown(data))
            for address, topics, data in receipt.logs
        ]
        assert [(log["address"], log["topics"], log["data"]) for log in logs] == expected
    counts = [len(each.logs) for each in done.receipts]
    assert counts == ([1, 4, 2, 1, 0] if fork == "amsterdam" else [0, 1, 1, 1, 0])


def test_a_log_of_ether_is_the_receivers_first() -> None:
    block, state, chain = made("amsterdam")
    options: Any = {"chain": chain, "tracer": CallTracer(with_log=True)}
    _, moves, creates, *_ = blockstm.execute_block(block, state, "evm", **options).traces
    assert [log["position"] for log in moves["logs"]] == ["0x0", "0x2", "0x2"]
    failed, friend, gone = moves["calls"]
    assert "logs" not in failed
    assert friend["logs"][0]["data"] == shown((2).to_bytes(32, "big"))
    assert (gone["type"], "logs" in gone) == ("SELFDESTRUCT", False)
    first, second = creates["logs"]
    assert first["address"] == shown(SYSTEM)
    assert second["address"] == creates["to"]


class Logs(Inspector):
    """Keeps what it is told of logs."""

    def __init__(self) -> None:
        self.logs: list[Log] = []

    def log(self, log: Log) -> None:
        """A log is left."""
        self.logs.append(log)


def test_an_inspector_and_a_simulation_are_told() -> None:
    block, state, chain = made("amsterdam")
    seen = Logs()
    blockstm.execute_block(block, state, "evm", chain=chain, inspector=seen)
    assert [each.address == SYSTEM for each in seen.logs[:2]] == [True, True]
    message = Message(sender=SENDERS[0], to=FRIEND, value=3, gas=300_000)
    [simulated] = simulate(block.header, [BlockCalls(calls=[message])], state, chain=chain)
    [call] = simulated.calls
    assert [each.log.address for each in call.logs] == [SYSTEM]
    assert len(simulated.receipts[0].logs) == 1
