"""The workloads of the EVM's benchmark compute what they say: against the same in plain Python."""

from __future__ import annotations

import json
import runpy
from functools import reduce
from pathlib import Path

import pytest
from tests.baselines import HAS_PYREVM
from tests.fixtures import ROOT, fixtures

from blockstm.bench.evm.artefacts import runtime
from blockstm.bench.evm.candidates import Ran, candidate
from blockstm.bench.evm.instructions import count, digest, instructions, opcodes
from blockstm.bench.evm.state_tests import statetest_workloads
from blockstm.bench.evm.workloads import SENDER, SENDER_KEY, TURNS, WORKLOADS, workload_named
from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.codecs.hashing import keccak

BUILD = runpy.run_path(str(ROOT / "bench" / "contracts" / "build.py"))
WORD = 2**256


def ran(name: str, turns: int, evm: str = "evm") -> Ran:
    measured = candidate(evm, workload_named(name, turns=turns), lambda ran: None)
    result: Ran = measured.run(measured.prepare())
    return result


def number(name: str, turns: int) -> int:
    return int.from_bytes(ran(name, turns).output, "big")


@pytest.mark.parametrize("source", BUILD["sources"](), ids=lambda source: source.name)
def test_an_artefact_is_of_the_source_as_it_stands(source: Path) -> None:
    kept = json.loads((BUILD["ARTEFACTS"] / f"{source.stem}.json").read_text())
    assert kept["sha256"] == BUILD["digest"](source)
    if source.suffix == ".easm":
        assert kept == BUILD["artefact"](source, "no vyper")


@pytest.mark.parametrize("name", WORKLOADS)
def test_all_evms_come_to_the_same(name: str) -> None:
    turns = max(2, TURNS[name] // 2000)
    answer = ran(name, turns)
    assert answer == ran(name, turns, "py-evm")
    if HAS_PYREVM:
        assert answer == ran(name, turns, "pyrevm")


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_instructions_of_a_workload_are_counted(name: str) -> None:
    counted = opcodes(workload_named(name))
    assert counted is not None, "count them: python bench/contracts/build.py --count"
    assert instructions(workload_named(name)) == sum(counted.values()) > 10**4


def test_counting_sees_every_instruction() -> None:
    tiny = workload_named("hashing", turns=3)
    counts = count(tiny)
    assert counts["KECCAK256"] == 6
    assert counts["JUMPI"] == 3
    assert counts["RETURN"] == 1
    assert sum(counts.values()) == 2 + 3 * 17 + 3
    assert instructions(tiny) is None  # only whole workloads are kept
    assert digest(tiny) != digest(workload_named("hashing", turns=4))


def test_the_sender_is_the_keys_account() -> None:
    from eth_keys.datatypes import PrivateKey

    assert PrivateKey(SENDER_KEY).public_key.to_canonical_address() == SENDER


def test_hashing() -> None:
    first, second = bytes(32), bytes(32)
    for _ in range(5):
        first = keccak(first + second)
        second = keccak(first)
    assert ran("hashing", 5).output == first


def test_hashing_long() -> None:
    field = bytearray(4096)
    for turn in range(130, 0, -1):
        place = turn * 32 % 4096
        field[place : place + 32] = keccak(bytes(field))
    assert ran("hashing_long", 130).output == keccak(bytes(field))


def test_storage() -> None:
    slots, total = [0] * 256, 0
    for turn in range(600, 0, -1):
        value = slots[turn % 256]
        slots[turn % 256] = (value + slots[turn % 256 ^ 0x55] + turn) % WORD
        total += value
    assert number("storage", 600) == total % WORD


def test_calls() -> None:
    assert number("calls", 11) == 33


def test_memory() -> None:
    data = workload_named("memory", turns=200).data.ljust(64, b"\0")[:64]
    code = runtime("memory")
    field, total = bytearray(16_384), 0
    size = 0

    def grow(end: int) -> None:
        nonlocal size
        size = max(size, -(-end // 32) * 32)
        field.extend(bytes(max(0, size - len(field))))

    def word(place: int) -> int:
        grow(place + 32)
        return int.from_bytes(field[place : place + 32], "big")

    for turn in range(200, 0, -1):
        place = turn * 32 % 4096
        field[place : place + 32] = turn.to_bytes(32, "big")
        field[place ^ 4095] = turn % 256
        field[place + 8192 : place + 8448] = field[place ^ 2048 : (place ^ 2048) + 256]
        grow(place + 8448)
        field[place : place + 64] = field[place + 8192 : place + 8256]
        field[place : place + 64] = data
        field[place + 32 : place + 64] = code[:32]
        total = (total + word(place + 7) + word(place + 32)) % WORD
        grow(size + 32)
        field[size - 32 : size] = total.to_bytes(32, "big")
    assert number("memory", 200) == total


def test_erc20_loop() -> None:
    moved = [turn + 1 for turn in range(200)]
    first = sum(moved[::64])
    assert number("erc20_loop", 200) == (10**30 - sum(moved)) ^ first


def test_sorting() -> None:
    seed, result, numbers = 88172645463325252, 0, [0] * 256

    def drawn(total: int) -> list[int]:
        nonlocal seed
        made = []
        for _ in range(total):
            seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
            made.append(seed >> 33)
        return made

    for _ in range(2):
        numbers = sorted(drawn(256))
        result = ((result << 7) ^ numbers[128]) % 2**128
        numbers[:64] = sorted(drawn(64))
        result = ((result << 7) ^ numbers[32]) % 2**128
    assert number("sorting", 2) == result


def test_bignumber() -> None:
    x = reduce(lambda x, _: (x * x + 12345) % 2**1024, range(20), 3)
    limbs = [ran("bignumber", 20).output[place : place + 32] for place in range(0, 256, 32)]
    assert sum(int.from_bytes(limb, "big") << 128 * n for n, limb in enumerate(limbs)) == x


def test_mandelbrot() -> None:
    one, total = 2**64, 0

    def quotient(number: int, by: int) -> int:  # towards zero, as Vyper divides
        return -(-number // by) if number < 0 else number // by

    for row in range(3):
        b = quotient((row % 64 - 32) * one, 26)
        for column in range(64):
            a = quotient((column - 44) * one, 24)
            x = y = 0
            for _ in range(64):
                xx, yy = x * x >> 64, y * y >> 64
                if xx + yy > 4 * one:
                    break
                x, y = xx - yy + a, (x * y >> 63) + b
                total += 1
    assert number("mandelbrot", 3) == total


def test_fibonacci() -> None:
    assert number("fibonacci", 15) == 610


def test_an_unknown_workload_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"one of hashing, .* not 'nothing'"):
        workload_named("nothing")
    with pytest.raises(ConfigError, match="1 or more, not 0"):
        workload_named("hashing", turns=0)


def test_workloads_of_state_tests() -> None:
    workloads = {each.name: each for each in statetest_workloads(fixtures() / "contracts.tar.xz")}
    assert {"snailtracer", "weierstrudel-0", "weierstrudel-1", "signextend-0"} <= workloads.keys()
    snail = workloads["snailtracer"]
    assert len(snail.accounts[snail.to].code) > 8_000
    assert snail.gas == 10**9


def test_a_file_that_is_no_state_test_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.json"
    path.write_text('{"one": {"pre": 1}}')
    with pytest.raises(DecodeError, match=r"no\.json is no state test: AttributeError"):
        statetest_workloads(path)
