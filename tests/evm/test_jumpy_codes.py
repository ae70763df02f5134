"""Codes that jump a lot, at first sight and translated, on one worker and two, against a model."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from tests.evm.jumpy_codes import Run, jumpy_code, run

from blockstm import execute_block
from blockstm._native.evm.prepared import HOT_AFTER, first_tier
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.vm.evm import BlockContext, Evm, Signed

TIERS = (0, 2**32 - 1, 5, HOT_AFTER)  # translated at once, never, in the middle, as it is
CODES = 24  # of a block
INTRINSIC_GAS = 21_000
CONTEXT = BlockContext(number=1, timestamp=0, coinbase=bytes([3]) * 20, gas_limit=10**9)


@pytest.fixture(autouse=True)
def _tier() -> Iterator[None]:
    before = first_tier()
    yield
    first_tier(hot_after=before)


def _calls(random: Random) -> Iterator[tuple[bytes, int, bytes, int]]:
    """Codes, what gas they have, who calls and with how much."""
    for number in range(CODES):
        code = jumpy_code(random)
        ample = random.choice((300, 3000, 10_000))
        caller = random.randbytes(18) + number.to_bytes(2, "big")
        value = random.choice((0, 1, 2**64, 2**255, random.getrandbits(200)))
        used = run(code, ample, int.from_bytes(caller, "big"), value).gas_used
        near = [used - random.randrange(1, 250) for _ in range(2)]
        for gas in (ample, used, used - 1, *near):
            yield code, max(gas, 0), caller, value


def disagreements(seed: int) -> list[str]:
    """Where calls of some codes come to something else than the model says."""
    calls = [*_calls(Random(seed))]
    accounts: dict[bytes, Account] = {}
    steps, expected = [], []
    nonces: dict[bytes, int] = {}
    for number, (code, gas, caller, value) in enumerate(calls):
        target = b"\xee" * 16 + number.to_bytes(4, "big")
        accounts[target] = Account(nonce=1, code=code)
        accounts[caller] = Account(balance=2**256 - 1)
        nonce = nonces.get(caller, 0)
        nonces[caller] = nonce + 1
        call = Transaction(
            type=0,
            nonce=nonce,
            gas=INTRINSIC_GAS + gas,
            to=target,
            value=value % 2**200,
            data=b"",
            v=0,
            r=0,
            s=0,
            gas_price=0,
        )
        steps.append(Signed(call, caller))
        expected.append(run(code, gas, int.from_bytes(caller, "big"), value % 2**200))
    wrong, errors = [], {}
    for tier in TIERS:
        first_tier(hot_after=tier)
        for workers in (1, 2):
            result = execute_block(
                steps, AccountState(accounts), Evm("osaka", CONTEXT), workers=workers
            )
            for number, outcome in enumerate(result.outcomes):
                did = outcome.value
                output = did.output if did.succeeded else b""
                ours = Run(did.succeeded, did.gas_used - INTRINSIC_GAS, output)
                named = errors.setdefault(number, str(outcome.error))
                if ours != expected[number] or named != str(outcome.error):
                    code, gas, *_ = calls[number]
                    wrong.append(
                        f"seed {seed}, tier {tier}, {workers} workers, {gas} gas, "
                        f"{code.hex()}: {ours} ({outcome.error}, {named}), not {expected[number]}"
                    )
    return wrong


@pytest.mark.parametrize("seed", range(12))
def test_codes_that_jump_come_to_what_the_model_says(seed: int) -> None:
    assert disagreements(seed) == []
