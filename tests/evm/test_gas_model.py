"""Gas of Amsterdam, both kinds, against a second gas model (`gas_model`)."""

from __future__ import annotations

import random

import pytest
from eth_typing import Address
from tests.evm.gas_model import CAP, Charged, Model, Program
from tests.evm.world_blocks import contract, run, transaction, world

import blockstm

PROGRAMS, SLOTS, RECEIVERS = 5, 3, 3
ENDINGS = ("stop", "stop", "stop", "revert", "invalid")


def address_of(index: int) -> Address:
    """Of a program, or of a receiver, which is below 0."""
    return Address((0xA000 + index).to_bytes(20, "big"))


def source_of(program: Program) -> str:
    """A program in words of the assembler."""
    return " ".join(words_of(*operation) for operation in program)


def words_of(name: str, a: int, b: int) -> str:
    to = f"0x{address_of(a).hex()}"
    return {
        "store": f"{b} {a} SSTORE",
        "call": f"0 0 0 0 0 {to} GAS CALL POP",
        "send": f"0 0 0 0 1 {to} 0 CALL POP",
        "create": "254 0 MSTORE8 1 0 0 CREATE POP",
        "stop": "STOP",
        "revert": "0 0 REVERT",
        "invalid": "INVALID",
    }[name]


def draw_program(rng: random.Random, index: int) -> Program:
    """Programs call those behind them only, and so come to an end."""
    operations = []
    for _ in range(rng.randint(0, 6)):
        name = rng.choices(("store", "call", "send", "create"), (6, 5, 2, 0.3))[0]
        if name == "call" and index + 1 == PROGRAMS:
            name = "store"
        a = {"store": rng.randrange(SLOTS), "send": -1 - rng.randrange(RECEIVERS)}.get(name, 0)
        if name == "call":
            a = rng.randrange(index + 1, PROGRAMS)
        operations.append((name, a, rng.randrange(3)))
    return (*operations, (rng.choice(ENDINGS if index else ENDINGS[2:]), 0, 0))


def draw_gas(rng: random.Random) -> int:
    """Plenty, little, or with a reservoir."""
    if rng.random() < 0.5:
        return rng.randint(15_000, 700_000)
    return CAP + rng.choice((0, 97_920, 183_600, rng.randrange(1_000_000)))


def charged(seed: int) -> tuple[Charged, Charged]:
    """What the model and the EVM say of one case."""
    rng = random.Random(seed)
    programs = [draw_program(rng, index) for index in range(PROGRAMS)]
    storage = {
        (index, slot): 1 for index in range(PROGRAMS) for slot in range(SLOTS) if rng.random() < 0.3
    }
    gas = draw_gas(rng)
    accounts = {
        address_of(index): contract(
            source_of(program),
            balance=1_000,
            storage={slot: value for (of, slot), value in storage.items() if of == index},
        )
        for index, program in enumerate(programs)
    }
    sent = transaction(0, address_of(0), gas=gas)
    result, _ = run("amsterdam", world(accounts), [sent], blockstm.execute_block)
    execution = result.outcomes[0].value
    ours = Charged(
        execution.succeeded,
        execution.gas_used,
        execution.gas_before_refund,
        execution.state_gas,
    )
    return Model(programs, storage).run(gas), ours


def test_both_charge_alike() -> None:
    seen = []
    for seed in range(400):
        expected, ours = charged(seed)
        assert ours == expected, f"seed {seed}"
        seen.append(ours)
    assert sum(each.succeeded for each in seen) > 100
    assert sum(not each.succeeded for each in seen) > 50
    assert sum(each.state > 0 for each in seen) > 50


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_both_charge_alike_in_many_cases() -> None:
    for seed in range(400, 30_000):
        expected, ours = charged(seed)
        assert ours == expected, f"seed {seed}"
