"""EIP-7951 (Osaka): P256VERIFY at 0x100 checks a signature over secp256r1 for 6,900 gas."""

from __future__ import annotations

import pytest
from tests.eips.precompiles import exact_answer
from tests.eips.rules import before, since
from tests.evm.world_blocks import words

P256VERIFY = 0x100
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
# The key 1 has the generator as its public key; with the nonce 1, r is the generator's x.
H = 0x1234
R, S = GX % N, (H + GX) % N
VALID = (H, R, S, GX, GY)


def changed(place: int, value: int) -> bytes:
    """The signature with another number in one of its five places."""
    return words(*VALID[:place], value, *VALID[place + 1 :])


@pytest.mark.parametrize("fork", since("osaka"))
@pytest.mark.parametrize("s", [S, N - S])  # either half of the order is allowed
@pytest.mark.parametrize("message", [H, H + N])  # which need not be below the order
def test_a_signature_that_is_right(fork: str, message: int, s: int) -> None:
    answer = exact_answer(fork, P256VERIFY, words(message, R, s, GX, GY))
    assert (answer.succeeded, answer.gas, answer.output) == (True, 6_900, words(1))


INVALID = {
    "another message": changed(0, H ^ 1),
    "r of zero": changed(1, 0),
    "r of the order": changed(1, N),
    "r above the order": changed(1, 2**256 - 1),
    "s of zero": changed(2, 0),
    "s of the order": changed(2, N),
    "another s": changed(2, S ^ 1),
    "another key": changed(4, P - GY),
    "x not in the field": changed(3, P),
    "y not in the field": changed(4, P),
    "not on the curve": changed(4, GY ^ 1),
    "the point at infinity": words(H, R, S, 0, 0),
    "nothing": b"",
    "a byte too few": words(*VALID)[:-1],
    "a byte too many": words(*VALID) + b"\0",
}


@pytest.mark.parametrize("fork", since("osaka"))
@pytest.mark.parametrize("name", INVALID)
def test_what_is_wrong_gives_nothing_for_the_same_gas(fork: str, name: str) -> None:
    answer = exact_answer(fork, P256VERIFY, INVALID[name])
    assert (answer.succeeded, answer.gas, answer.output) == (True, 6_900, b"")


@pytest.mark.parametrize("fork", since("osaka"))
def test_one_gas_less_does_not_suffice(fork: str) -> None:
    assert exact_answer(fork, P256VERIFY, words(*VALID), given=6_900).word == 1
    short = exact_answer(fork, P256VERIFY, words(*VALID), given=6_899)
    assert (short.succeeded, short.gas) == (False, 6_899)


@pytest.mark.parametrize("fork", [fork for fork in before("osaka") if fork in since("berlin")])
def test_before_it_the_address_was_an_empty_account(fork: str) -> None:
    answer = exact_answer(fork, P256VERIFY, words(*VALID))
    assert (answer.succeeded, answer.gas, answer.output) == (True, 2_500, b"")  # a cold account
