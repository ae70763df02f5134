"""EIP-152 (Istanbul): BLAKE2's compression function F, one gas a round."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, precompile, since

BLAKE2F = 9
# The state of BLAKE2b, the message "abc", the offset 3: the EIP's test vectors but for the rounds
# and the flag.
STATE = (
    "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
    "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
)
BODY = bytes.fromhex(STATE + "616263" + "00" * 125 + "03" + "00" * 15)


def data(rounds: int, flag: int = 1) -> bytes:
    return rounds.to_bytes(4, "big") + BODY + bytes([flag])


VECTORS = {
    4: (
        data(0),
        "08c9bcf367e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
        "d282e6ad7f520e511f6c3e2b8c68059b9442be0454267ce079217e1319cde05b",
    ),
    5: (
        data(12),
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    ),
    6: (
        data(12, flag=0),
        "75ab69d3190a562c51aef8d88f1c2775876944407270c42c9844252c26d28752"
        "98743e7f6d5ea2f2d3e8d226039cd31b4e426ac4f2d3d666a610c2116fde4735",
    ),
    7: (
        data(1),
        "b63a380cb2897d521994a85234ee2c181b5f844d2c624c002677e9703449d2fb"
        "a551b3a8333bcdf5f2f7e08993d53923de3d64fcc68c034e717b9293fed7a421",
    ),
}


@pytest.mark.parametrize("fork", since("istanbul"))
@pytest.mark.parametrize("vector", VECTORS)
def test_vectors(fork: str, vector: int) -> None:
    given, expected = VECTORS[vector]
    called = precompile(fork, BLAKE2F, given, output=64)
    assert called.succeeded
    assert called.output.hex() == expected
    assert called.gas == int.from_bytes(given[:4], "big")


@pytest.mark.parametrize(
    "given",
    [b"", data(12)[1:], b"\0" + data(12), data(12, flag=2), data(12, flag=255)],
    ids=["empty", "a byte short", "a byte long", "flag 2", "flag 255"],
)
def test_what_is_no_input_takes_all_gas(given: bytes) -> None:
    for fork in ("istanbul", "osaka"):
        called = precompile(fork, BLAKE2F, given, gas=5_000)
        assert (called.succeeded, called.gas, called.output) == (False, 5_000, bytes(32))


def test_rounds_must_be_paid() -> None:
    assert precompile("istanbul", BLAKE2F, data(12), gas=12).succeeded
    assert not precompile("istanbul", BLAKE2F, data(12), gas=11).succeeded
    assert not precompile("istanbul", BLAKE2F, data(2**32 - 1)).succeeded


@pytest.mark.parametrize("fork", before("istanbul"))
def test_there_was_nothing_at_its_address(fork: str) -> None:
    called = precompile(fork, BLAKE2F, data(12), output=64)
    assert (called.succeeded, called.gas, called.output) == (True, 0, bytes(64))
