"""JUMPDESTs side by side, jumps far ahead: each costs and leads to what the code says."""

from __future__ import annotations

from random import Random

import pytest

import blockstm
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.vm.evm import BlockContext, Evm, Signed

JUMPDEST = b"\x5b"
SENDER, CODE, MINER = (bytes(19) + bytes([number]) for number in (0xA1, 0xC1, 0xF1))
BLOCK = BlockContext(
    number=1, timestamp=1, coinbase=MINER, gas_limit=2**40, base_fee_per_gas=0
)  # fmt: skip
BASE = 21_000
ENTRY = bytes.fromhex("5f35 61ffff 16 56")  # PUSH0 CALLDATALOAD PUSH2 0xffff AND JUMP
ENTRY_GAS = 2 + 3 + 3 + 3 + 8
MASK = b"\xff" * 30


def call(nonce: int, target: int, gas: int) -> Signed:
    data = MASK + target.to_bytes(2, "big")
    transaction = Transaction(
        type=0, nonce=nonce, gas=gas, to=CODE, value=0, data=data, v=27, r=1, s=1, gas_price=0
    )
    return Signed(transaction, sender=SENDER)


def data_gas(target: int) -> int:
    return 16 * (30 + sum(map(bool, target.to_bytes(2, "big")))) + 4 * sum(
        not each for each in target.to_bytes(2, "big")
    )


def run(code: bytes, calls: list[tuple[int, int]], workers: int) -> list[tuple[bool, int]]:
    """Whether each call of (target, gas) succeeded, and what it used."""
    state = AccountState(
        {SENDER: Account(balance=10**18), CODE: Account(nonce=1, code=code, code_hash=keccak(code))}
    )
    steps = [call(nonce, target, gas) for nonce, (target, gas) in enumerate(calls)]
    result = blockstm.execute_block(steps, state, Evm("cancun", BLOCK), workers=workers)
    return [(each.value.succeeded, each.value.gas_used) for each in result.outcomes]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 63, 64, 255, 256, 257, 300, 513, 1200])
def test_each_jumpdest_of_a_run_is_a_target(length: int, workers: int) -> None:
    """Jumps to all of them, in random order, with just enough gas and with one too little."""
    random = Random(length)
    tail = bytes([random.randrange(256)])  # so that the code is no other test's
    code = ENTRY + JUMPDEST * length + b"\x00" + tail
    first = len(ENTRY)
    targets = list(range(first, first + length)) * 2
    random.shuffle(targets)
    calls, expected = [], []
    for target in targets:
        needed = BASE + data_gas(target) + ENTRY_GAS + first + length - target
        enough = random.random() < 0.7
        calls.append((target, needed if enough else needed - 1))
        expected.append((enough, needed if enough else needed - 1))
    assert run(code, calls, workers) == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_what_lies_between_runs_is_run(workers: int) -> None:
    """Runs, words pushed before them, a constant that looks like a run, and work behind it."""
    random = Random(7)
    pieces, at, landings = [], len(ENTRY), []
    for _ in range(40):
        length = random.choice([1, 3, 4, 5, 17, 120, 260])
        landings += [(at + place, len(pieces), length - place) for place in range(length)]
        pieces.append(JUMPDEST * length + b"\x60\x5b\x50" + b"\x63" + JUMPDEST * 4 + b"\x50")
        at += len(pieces[-1])
    code = ENTRY + b"".join(pieces) + b"\x00"
    gas_of = [piece.find(b"\x60") + 2 * (3 + 2) for piece in pieces]
    calls, expected = [], []
    for target, piece, left in random.sample(landings, 300):
        rest = left + 2 * (3 + 2) + sum(gas_of[piece + 1 :])
        needed = BASE + data_gas(target) + ENTRY_GAS + rest
        calls += [(target, needed), (target, needed - 1)]
        expected += [(True, needed), (False, needed - 1)]
    assert run(code, calls, workers) == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_the_bytes_of_a_constant_are_no_targets(workers: int) -> None:
    code = ENTRY + JUMPDEST * 6 + b"\x65" + JUMPDEST * 6 + JUMPDEST * 6 + b"\x00"
    first = len(ENTRY)
    pushed = set(range(first + 6, first + 13))
    calls = [(target, 60_000) for target in [*range(first, first + 19), len(code), 0xFFFF, 0]]
    found = [succeeded for succeeded, _ in run(code, calls, workers)]
    assert found == [first <= target < first + 19 and target not in pushed for target, _ in calls]


@pytest.mark.parametrize("workers", [1, 2])
def test_jumps_round_a_code_know_their_way_the_second_time(workers: int) -> None:
    """A ring of JUMPDEST PUSH2 JUMP in random order, entered everywhere, until the gas is gone."""
    random = Random(3)
    count = 500
    order = random.sample(range(count), count)
    follower = {each: order[(place + 1) % count] for place, each in enumerate(order)}
    size = 5
    first = len(ENTRY)
    code = ENTRY + b"".join(
        JUMPDEST + b"\x61" + (first + size * follower[place]).to_bytes(2, "big") + b"\x56"
        for place in range(count)
    )
    for turn in range(3):
        calls = [(first + size * random.randrange(count), 100_000 + turn) for _ in range(20)]
        assert run(code, calls, workers) == [(False, gas) for _, gas in calls]


@pytest.mark.parametrize("seed", range(6))
def test_jumps_into_codes_that_are_mostly_pushes(seed: int) -> None:
    """Each byte may belong to a PUSH before it, so such codes are read from their beginning."""
    random = Random(seed)
    longest = random.choice([0x60, 0x61, 0x6F, 0x7F])
    pushes = range(0x60, longest + 1)
    body = (0x5B if random.random() < 0.1 else random.choice(pushes) for _ in range(3000 + seed))
    code = ENTRY + bytes(body) + b"\x00"
    places, at = set(), 0
    while at < len(code):
        if code[at] == 0x5B:
            places.add(at)
        at += 1 + max(0, code[at] - 0x5F)
    asked = [random.randrange(len(ENTRY), len(code)) for _ in range(60)]
    asked += random.sample(sorted(places), min(60, len(places)))
    asked += [place for place in range(2900, len(code)) if code[place] == 0x5B]
    random.shuffle(asked)
    ran = run(code, [(target, 200_000) for target in asked], workers=1)
    leads_on = [_pushes_behind(code, target) <= 1024 for target in asked]
    expected = [
        target in places and goes_on for target, goes_on in zip(asked, leads_on, strict=True)
    ]
    assert [succeeded for succeeded, _ in ran] == expected
    assert any(expected)
    assert not all(expected)


def _pushes_behind(code: bytes, at: int) -> int:
    """How many words the code has pushed when it comes to its end from there."""
    count = 0
    while at < len(code) and code[at] != 0:
        count += code[at] >= 0x60
        at += 1 + max(0, code[at] - 0x5F)
    return count
