"""EIP-2 (Homestead): dearer creations, one signature a message, creations that fail, difficulty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.eips.rules import (
    TARGET,
    by_fork,
    call,
    created_by,
    precompile,
    refusal,
    refusal_after,
    run,
    since,
)
from tests.ethereum.made import SENDERS as SIGNERS
from tests.ethereum.made import block_of, sealed, signed
from tests.ethereum.made import world as complete_state
from tests.evm.world_blocks import SENDERS, transaction, words

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Reason

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
RETURNS_100_BYTES = assemble("100 0 RETURN")  # 6 gas, 12 of memory, and 20,000 for the code


# ------------------------------------------------------------------------- what a creation costs


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(frontier=21_000, homestead=53_000, amsterdam=24_000)
)
def test_a_creation_by_transaction(fork: str, price: int) -> None:
    block = [
        transaction(0, None, gas=price - 1),
        transaction(1, None, gas=price if fork != "amsterdam" else price + 183_600),
    ]
    ran = run(fork, block)
    assert ran.reasons == ("intrinsic_gas", None)
    assert ran.outcomes[1].value.succeeded
    assert ran.outcomes[1].value.gas_before_refund == price


@pytest.mark.parametrize("fork", since("frontier", until="amsterdam"))
def test_a_creation_by_contract_costs_what_it_did(fork: str) -> None:
    assert call(fork, "0 0 0 CREATE").gas == 3 * 3 + 32_000


# ----------------------------------------------------------------------------- one signature each


def high_s(**members: Any) -> Any:
    """The other signature of the same key for the same message."""
    low = signed(0, **members)
    return replace(low, s=ORDER - low.s, v=55 - low.v)


@pytest.mark.parametrize(("fork", "reason"), by_fork(frontier=None, homestead=Reason.SIGNATURE))
def test_the_greater_s_of_two(fork: str, reason: Reason | None) -> None:
    state = complete_state()
    fine = sealed(block_of((signed(0, nonce=0), signed(1, nonce=0)), fork), state, fork=fork)
    assert refusal(fine, state, fork) is None
    block = block_of((signed(1, nonce=0, to=SIGNERS[0]), high_s(nonce=0)), fork)
    if reason is None:
        block = sealed(block, state, fork=fork)
    assert refusal(block, state, fork) is reason


@pytest.mark.parametrize("fork", since("frontier"))
def test_the_precompile_takes_both(fork: str) -> None:
    low = signed(0, nonce=7)
    for sent in (low, high_s(nonce=7)):
        given = low.signing_hash + words(sent.v, sent.r, sent.s)
        called = precompile(fork, 1, given)
        assert called.output == bytes(12) + SIGNERS[0]
        assert called.gas == 3_000


# -------------------------------------------------------------------- creations that cannot pay


def intrinsic(fork: str) -> int:
    data = 4 * RETURNS_100_BYTES.count(0) + (16 if fork in since("istanbul") else 68) * (
        len(RETURNS_100_BYTES) - RETURNS_100_BYTES.count(0)
    )
    words_of_initcode = 2 if fork in since("shanghai") else 0
    return data + words_of_initcode + (21_000 if fork == "frontier" else 53_000)


SPENT = 3 + 3 + 4 * 3  # two pushes, four words of memory
DEPOSIT = 200 * 100


@pytest.mark.parametrize(
    ("fork", "fails"), by_fork(until="amsterdam", frontier=False, homestead=True)
)
def test_a_creation_that_cannot_pay_for_its_code(fork: str, fails: bool) -> None:
    """Frontier leaves an empty contract, and gives back the gas that did not suffice."""
    enough = intrinsic(fork) + SPENT + DEPOSIT
    block = [
        transaction(0, None, gas=enough, data=RETURNS_100_BYTES),
        transaction(1, None, gas=enough - 1, data=RETURNS_100_BYTES, value=3),
    ]
    ran = run(fork, block)
    paid, short = ran.executions
    created = [ran.state.account(created_by(SENDERS[place], 0)) for place in (0, 1)]
    assert (paid.succeeded, paid.gas_used, created[0].code) == (True, enough, bytes(100))
    assert short.succeeded is not fails
    if fails:
        assert (short.gas_used, short.error, created[1]) == (enough - 1, "out of gas", None)
    else:
        assert (short.gas_used, created[1].code) == (enough - 1 - DEPOSIT + 1, b"")
        assert (created[1].balance, short.output) == (3, b"")


@pytest.mark.parametrize(
    ("fork", "ending"),
    by_fork(until="amsterdam", frontier="empty", homestead="fails", tangerine_whistle="zero"),
)
def test_the_same_by_contract(fork: str, ending: str) -> None:
    """Who creates goes on with nothing until a 64th of the gas is kept back (EIP-150)."""
    initcode = int.from_bytes(RETURNS_100_BYTES, "big")
    size = len(RETURNS_100_BYTES)
    source = f"{initcode} 0 MSTORE {size} {32 - size} 0 CREATE 0 MSTORE 32 0 RETURN"
    called = call(fork, source, gas=21_000 + 32_000 + 15_000)  # 20,000 for the code are too much
    created = created_by(TARGET, 1)
    if ending == "fails":
        assert called.execution.error == "out of gas"
    else:
        assert called.word == (int.from_bytes(created, "big") if ending == "empty" else 0)
    if ending == "empty":
        assert called.state.account(created).code == b""
    else:
        assert called.state.account(created) is None


# ------------------------------------------------------------------------------------ difficulty


# A step is a 2,048th of the parent's difficulty; (seconds, steps).
FRONTIER = [(1, 1), (12, 1), (13, -1), (1_000, -1), (10_000, -1)]
HOMESTEAD = [(1, 1), (9, 1), (10, 0), (19, 0), (20, -1), (999, -98), (1_000, -99), (10_000, -99)]


@pytest.mark.parametrize(
    ("fork", "seconds", "steps"),
    [("frontier", *row) for row in FRONTIER]
    + [(fork, *row) for fork in ("homestead", "spurious_dragon") for row in HOMESTEAD],
)
def test_difficulty(fork: str, seconds: int, steps: int) -> None:
    parent = {"difficulty": 2_048_000_001, "timestamp": 5}
    right = 2_048_000_001 + steps * 1_000_000  # a step is rounded down

    def reason(difficulty: int) -> Reason | None:
        return refusal_after(fork, parent, timestamp=5 + seconds, difficulty=difficulty)

    assert reason(right) is None
    assert reason(right + 1) is reason(right - 1) is Reason.DIFFICULTY


@pytest.mark.parametrize("fork", ["frontier", "homestead"])
def test_difficulty_has_a_minimum(fork: str) -> None:
    parent = {"difficulty": 131_072, "timestamp": 5}
    for difficulty, reason in ((131_072, None), (131_072 - 64, Reason.DIFFICULTY)):
        assert refusal_after(fork, parent, timestamp=500, difficulty=difficulty) is reason


@pytest.mark.parametrize("fork", ["frontier", "homestead"])
@pytest.mark.parametrize(
    ("number", "bomb"), [(199_999, 0), (200_000, 1), (299_999, 1), (300_000, 2), (2_200_000, 2**20)]
)
def test_the_bomb(fork: str, number: int, bomb: int) -> None:
    parent = {"difficulty": 2_048_000, "timestamp": 5}
    right = 2_049_000 + bomb
    reasons = [
        refusal_after(fork, parent, number=number, timestamp=6, difficulty=difficulty)
        for difficulty in (right, right + 1)
    ]
    assert reasons == [None, Reason.DIFFICULTY]
