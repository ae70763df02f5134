"""Code that was just met runs as it stands, hot code is translated: nothing else may differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from blockstm import execute_block
from blockstm._native.evm.prepared import (
    CODE_CACHE_LIMIT,
    HOT_AFTER,
    cached_codes,
    code_cache,
    first_tier,
)
from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.vm.evm import BlockContext, Evm, Signed

SENDER, COINBASE, TARGET, OTHER = (bytes([number]) * 20 for number in (1, 3, 7, 8))
NEVER = 2**32 - 1
TIERS = (0, NEVER, 3)  # translated at once, never, and in the middle of a run


@pytest.fixture(autouse=True)
def _tier() -> Iterator[None]:
    before = first_tier()
    yield
    first_tier(hot_after=before)


def _run(code: bytes, gas: int = 200_000, fork: str = "osaka", data: bytes = b"") -> object:
    """The outcome of a call of a contract that nobody has met, and what it wrote."""
    context = BlockContext(number=1, timestamp=0, coinbase=COINBASE, gas_limit=10**9)
    accounts = {
        SENDER: Account(balance=10**18),
        TARGET: Account(nonce=1, code=code, balance=5),
        OTHER: Account(nonce=1, code=bytes.fromhex("602a5f5260205ff3")),
    }
    call = Transaction(
        type=0, nonce=0, gas=gas, to=TARGET, value=0, data=data, v=0, r=0, s=0, gas_price=10
    )
    state = AccountState(accounts)
    result = execute_block([Signed(call, SENDER)], state, Evm(fork, context), workers=1)
    (outcome,) = result.outcomes
    return outcome.status, outcome.value, str(outcome.error), result.gas_used, dict(result.writes)


def _runs(code: bytes, gas: int = 200_000, fork: str = "osaka", data: bytes = b"") -> list[object]:
    """What it comes to in each tier; every time in a code of its own, as the last byte tells."""
    runs = []
    for number, tier in enumerate(TIERS):
        first_tier(hot_after=tier)
        runs.append(_run(code + bytes([0, number]), gas, fork, data))
    return runs


def _word(number: int) -> bytes:
    return b"\x7f" + number.to_bytes(32, "big")


RETURN_TOP = bytes.fromhex("5f5260205ff3")
LOOP = bytes.fromhex("600a 5b 80 5f 55 6001 90 03 80 6002 57 00".replace(" ", ""))
CALLS = bytes.fromhex("60205f5f5f5f73") + OTHER + bytes.fromhex("5af15f5160015500")
PROGRAMS = {
    "loop of stores": LOOP,
    "call and what it returns": CALLS,
    "jump into a push": bytes.fromhex("600456605b5b00"),
    "jump far": bytes.fromhex("61010056") + bytes(252) + b"\x5b" + RETURN_TOP,
    "push cut off by the end": bytes.fromhex("62010203505b7f"),
    "code that just ends": bytes.fromhex("6001600201"),
    "place and size of the code": bytes.fromhex("58385f5260205260405ff3"),
    "gas that is left": bytes.fromhex("5a5f5a90525a60205260405ff3"),
    "words deep down": b"".join(b"\x60" + bytes([n]) for n in range(17))
    + bytes.fromhex("8f9f0301")
    + RETURN_TOP,
    "all pushes": b"".join(
        bytes([0x5F + size]) + bytes(range(1, size + 1)) + b"\x18" * (size > 0)
        for size in range(33)
    )
    + RETURN_TOP,
    "logs": bytes.fromhex("6003600260015f5fa3") + bytes.fromhex("600460036002600160205fa4") + b"\0",
    "creates": bytes.fromhex("5f5f5ff05f5260205ff3"),
    "reverts": bytes.fromhex("602a5f5260205ffd"),
    "no such opcode": bytes.fromhex("600160020c"),
    "delegates, and stores what it got": bytes.fromhex("60205f5f5f73")
    + OTHER
    + bytes.fromhex("5af43d60015500"),
    "destroys itself": b"\x73" + OTHER + b"\xff",
    "memory out of reach": _word(2**64) + bytes.fromhex("5152"),
    "words from the call": bytes.fromhex("5f35602035015f5260205ff3"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_tiers_come_to_the_same(name: str) -> None:
    data = (3).to_bytes(32, "big") + (4).to_bytes(32, "big")
    first, *others = _runs(PROGRAMS[name], data=data)
    assert others == [first] * len(others)


@pytest.mark.parametrize("gas", [*range(21_000, 21_080, 3), 23_000, 43_117, 65_200])
def test_gas_runs_out_at_the_same_place(gas: int) -> None:
    first, *others = _runs(LOOP, gas)
    assert others == [first] * len(others)


@pytest.mark.parametrize(
    "code",
    [
        "600101",  # one word is missing
        "61ffff5101",  # no gas for memory, and behind that a word is missing
        "6001600157",  # a jump to what is no JUMPDEST
        "5b600160010101",
        "60016001" + "80" * 1030,  # the stack is full
        "3d3d3d3e" + "50" * 4,
        "60ff5f5f3e" + "01",  # beyond what was returned; and a word is missing
        "5f545f5401" + "0101",
    ],
)
@pytest.mark.parametrize("gas", [21_010, 21_020, 23_200, 10**5])
def test_a_failure_has_the_same_name(code: str, gas: int) -> None:
    first, *others = _runs(bytes.fromhex(code), gas)
    assert others == [first] * len(others)


@pytest.mark.parametrize(
    "code",
    [
        "5b" * 2 + "50",
        "5f505b50",
        "60046001575b50",  # a jump to one of them, or not
        "5b" * 4 + "50",  # a run of JUMPDESTs, and a word is missing behind it
        "5b" * 8 + "50",
        "6001" + "5b" * 4 + "01",
        "6005565b5b5b5b5b50",  # from within the run
        "6008565b5b5b5b5b50",  # from its last
        "5b" * 1030 + "50",
    ],
)
def test_a_failure_behind_jumpdests_has_the_same_name(code: str) -> None:
    whole = 21_000 + code.count("5b") + 12
    for gas in [*range(21_000, 21_030), *range(whole - 12, whole)]:
        first, *others = _runs(bytes.fromhex(code), gas)
        assert others == [first] * len(others), gas


def _chain(count: int, end: str, head: str = "") -> bytes:
    """Jumps that lead to one another, and what stands behind the last."""
    code = bytes.fromhex(head)
    for _ in range(count):
        code += b"\x61" + (len(code) + 5).to_bytes(2, "big") + b"\x56\xfe\x5b"
    return code + bytes.fromhex(end)


CHAINS = {
    "to the end": _chain(40, "6001600255"),
    "to what is no JUMPDEST": _chain(20, "61000056"),
    "to where a word is missing": _chain(3, "50"),
    "of one": _chain(1, "6001600255"),
    "on a full stack": _chain(3, "00", "60016001" + "80" * 1022),
    "on a stack that is nearly full": _chain(3, "00", "60016001" + "80" * 1021),
    "behind a failing copy": _chain(20, "00", "5f60ff5f3e"),
    "behind what stores": _chain(20, "5a600255", "6001600155"),
    "with the gas that is left": _chain(20, "5a600255", "5a600155"),
    "to itself": bytes.fromhex("5b600056"),
    "to a condition": _chain(5, "5f600057600160025500"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_jumps_that_lead_to_jumps_come_to_the_same(name: str) -> None:
    code = CHAINS[name]
    for gas in [*range(21_000, 21_300), 24_100, 24_300, 43_200, 65_300, 10**5]:
        first, *others = _runs(code, gas)
        assert others == [first] * len(others), gas


KINDS_OF_CONSTANTS = [
    *(1, 0x1F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**24 - 1, 2**32 - 1, 2**63, 2**64 - 1, 2**64),
    *(2**112 - 1, 2**160 - 1, 2**161 - 1, 2**160, 2**255, 2**256 - 1, 2**256 - 32),
    *(2**256 - 0x8000, 2**256 - 0x8001, 2**256 - 2**64, 0x08C379A0 << 224, 1 << 224, 1 << 223),
]


@pytest.mark.parametrize("constant", KINDS_OF_CONSTANTS)
def test_instructions_with_constants_are_right(constant: int) -> None:
    word = 0x8123456789ABCDEF_FEDCBA9876543210_F0E1D2C3B4A59687_0123456789ABCD89
    data = word.to_bytes(32, "big")
    load, size = bytes.fromhex("5f35"), 2**256
    results = {
        "01": word + constant,
        "16": word & constant,
        "06": constant % word,  # the constant is on top
        "03": constant - word,
    }
    of_word = {"06": word % constant, "03": word - constant}
    code = _word(constant) + bytes.fromhex("5f52")
    expected = [constant]
    for opcode, result in results.items():
        code += load + _word(constant) + bytes.fromhex(opcode)
        code += b"\x61" + (32 * len(expected)).to_bytes(2, "big") + b"\x52"
        expected.append(result % size)
    for opcode, result in of_word.items():
        code += _word(constant) + load + bytes.fromhex(opcode)
        code += b"\x61" + (32 * len(expected)).to_bytes(2, "big") + b"\x52"
        expected.append(result % size)
    code += b"\x61" + (32 * len(expected)).to_bytes(2, "big") + bytes.fromhex("5ff3")
    output = b"".join(each.to_bytes(32, "big") for each in expected)
    for run in _runs(code, data=data):
        assert isinstance(run, tuple)
        assert run[1].output == output


@pytest.mark.parametrize("tier", TIERS)
def test_workers_translate_a_code_of_many_targets_at_once(tier: int) -> None:
    """Tables of targets grow while others look into them."""
    count = 3000
    places = [7 * ((1031 * number) % count) for number in range(count)]
    pieces = [b""] * count
    for here, there in zip(places, [*places[1:], 7 * count], strict=True):
        pieces[here // 7] = b"\x5b\x36\x61" + there.to_bytes(2, "big") + b"\x01\x56\xfe"
    code = b"".join(pieces) + bytes.fromhex("5b335454600101335500")
    accounts = {TARGET: Account(nonce=1, code=code)}
    senders = [bytes([1]) + number.to_bytes(19, "big") for number in range(64)]
    calls = []
    for sender in senders:
        accounts[sender] = Account(balance=10**18)
        call = Transaction(
            type=0, nonce=0, gas=200_000, to=TARGET, value=0, data=b"", v=0, r=0, s=0, gas_price=10
        )
        calls.append(Signed(call, sender))
    context = BlockContext(number=1, timestamp=0, coinbase=COINBASE, gas_limit=10**9)
    first_tier(hot_after=tier)
    results = []
    for workers in (1, 2, 4):
        code_cache(limit=0)
        code_cache(limit=CODE_CACHE_LIMIT)
        result = execute_block(
            calls, AccountState(accounts), Evm("osaka", context), workers=workers
        )
        results.append((result.gas_used, dict(result.writes)))
    assert results[1:] == results[:1] * 2


@pytest.mark.parametrize("code", ["e600", "5f5fe680", "5f" * 20 + "e700", "5f5f5fe88e"])
def test_words_that_a_byte_names(code: str) -> None:
    """DUPN, SWAPN and EXCHANGE (EIP-8024) are left to the translator."""
    first, *others = _runs(bytes.fromhex(code), fork="amsterdam")
    assert others == [first] * len(others)


def _translated(code: bytes, calls: int) -> int:
    """Bytes that the code's program takes after so many calls, above what it takes after one."""

    def program(calls: int) -> int:
        code_cache(limit=0)
        code_cache(limit=CODE_CACHE_LIMIT)
        own = code + bytes(1) + next(NUMBERS).to_bytes(2, "big")
        for _ in range(calls):
            _run(own, gas=2 * 10**6)
        ((*_, taken),) = cached_codes()
        return int(taken)

    return program(calls) - program(1)


NUMBERS = count()  # of codes that nobody has met
STRAIGHT = bytes.fromhex("600150") * 2000
RUNS = {
    "up to its end": STRAIGHT,
    "up to what is invalid": STRAIGHT + b"\xfe",
    "up to a jump": STRAIGHT + bytes.fromhex("61177456005b"),
    "up to a JUMPDEST": bytes.fromhex("5b") + STRAIGHT + bytes.fromhex("5b"),
    "up to a call": STRAIGHT + bytes.fromhex("5f5f5f5f5f73") + OTHER + bytes.fromhex("5af150"),
}


@pytest.mark.parametrize("name", RUNS)
def test_straight_code_is_hot_after_few_runs(name: str) -> None:
    first_tier(hot_after=HOT_AFTER)
    assert _translated(RUNS[name], 4) == 0
    assert _translated(RUNS[name], 40) > 1000


def test_short_code_is_not_hot_after_few_runs() -> None:
    first_tier(hot_after=HOT_AFTER)
    assert _translated(LOOP, 40) == 0


def test_what_is_never_hot_is_not_in_long_code_either() -> None:
    first_tier(hot_after=NEVER)
    assert _translated(STRAIGHT, 40) == 0


def test_it_says_what_it_is_set_to() -> None:
    first_tier(hot_after=7)
    assert first_tier() == 7
    assert first_tier(hot_after=2**40) == NEVER
    assert HOT_AFTER > 0
