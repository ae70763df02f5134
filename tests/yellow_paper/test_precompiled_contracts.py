"""Yellow Paper, appendix E: the first four precompiles, in every fork since Frontier."""

from __future__ import annotations

import hashlib

import pytest
from tests.eips.rules import precompile, since
from tests.ethereum.made import SENDERS, signed
from tests.evm.world_blocks import words

ECRECOVER, SHA256, RIPEMD160, IDENTITY = 1, 2, 3, 4
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
RIPEMD_OF_NOTHING = "9c1185a5c5e9fc54612808977ee8f548b2258d31"
RIPEMD_OF_ABC = "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
SIZES = {0: 0, 1: 1, 32: 1, 33: 2, 64: 2, 1_000: 32}


@pytest.mark.parametrize("fork", since("frontier"))
def test_prices(fork: str) -> None:
    """A base and so much for each word, also for one that is not full."""
    prices = {SHA256: (60, 12), RIPEMD160: (600, 120), IDENTITY: (15, 3)}
    for number, (base, each) in prices.items():
        for size, count in SIZES.items():
            price = base + each * count
            assert precompile(fork, number, bytes(size), gas=price).gas == price
            assert not precompile(fork, number, bytes(size), gas=price - 1).succeeded
    for data in (b"", bytes(128), bytes(200)):
        assert precompile(fork, ECRECOVER, data, gas=3_000).gas == 3_000
        assert not precompile(fork, ECRECOVER, data, gas=2_999).succeeded


@pytest.mark.parametrize("fork", ["frontier", "byzantium", "osaka"])
def test_hashes(fork: str) -> None:
    for data in (b"", b"abc", bytes(range(200))):
        assert precompile(fork, SHA256, data).output == hashlib.sha256(data).digest()
        assert precompile(fork, IDENTITY, data, output=200).output == data.ljust(200, b"\0")
    assert precompile(fork, RIPEMD160, b"").output.hex() == "00" * 12 + RIPEMD_OF_NOTHING
    assert precompile(fork, RIPEMD160, b"abc").output.hex() == "00" * 12 + RIPEMD_OF_ABC


@pytest.mark.parametrize("fork", ["frontier", "homestead", "osaka"])
def test_a_key_is_recovered_or_nothing_returned(fork: str) -> None:
    """What belongs to no key is no failure: the call succeeds and returns nothing."""
    sent = signed(2, nonce=5)
    message = sent.signing_hash
    signer = bytes(12) + SENDERS[2]

    def recovered(v: int, r: int, s: int, rest: bytes = b"") -> bytes:
        called = precompile(fork, ECRECOVER, message + words(v, r, s) + rest)
        assert (called.succeeded, called.gas) == (True, 3_000)
        return called.output

    v, r, s = sent.v, sent.r, sent.s
    assert recovered(v, r, s) == signer
    assert recovered(v, r, s, b"more") == signer
    assert recovered(55 - v, r, s) not in (signer, bytes(32))  # another key
    nothing = bytes(32)
    for wrong in (0, 1, 26, 29, v + 256, v + 2**255):
        assert recovered(wrong, r, s) == nothing
    for wrong in (0, ORDER, 2**256 - 1):
        assert recovered(v, wrong, s) == nothing
        assert recovered(v, r, wrong) == nothing
    assert recovered(v, 5, s) == nothing  # no point has this x
