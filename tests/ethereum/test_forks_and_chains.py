"""Forks as data, and chains of any of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstm.errors import ConfigError
from blockstm.ethereum.chains import MAINNET, Activation, Chain, chain_named
from blockstm.ethereum.chains.mainnet import mainnet_fork
from blockstm.vm import forks
from blockstm.vm.forks import FORKS, BlobSchedule, fork_named

ROOT = Path(__file__).parents[2]


def test_forks_are_in_order_and_every_one_is_a_constant() -> None:
    assert list(FORKS) == sorted(FORKS)
    assert [fork.age for fork in FORKS] == [*range(len(FORKS))]
    assert all(getattr(forks, fork.name.upper()) is fork for fork in FORKS)
    assert forks.BERLIN > forks.ISTANBUL >= forks.ISTANBUL
    assert str(forks.BERLIN) == "berlin"


def test_rules_are_those_that_the_evm_knows() -> None:
    text = (ROOT / "src" / "blockstm" / "_native" / "evm" / "forks" / "forks.hpp").read_text()
    names = re.findall(r"^    (\w+),", text, re.MULTILINE)
    snake = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in names]
    ours = [fork.rules for fork in FORKS]
    assert list(dict.fromkeys(ours)) == snake
    assert [snake.index(rules) for rules in ours] == sorted(snake.index(r) for r in ours)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Frontier", "frontier"),
        ("Homestead", "homestead"),
        ("Dao", "dao_fork"),
        ("EIP150", "tangerine_whistle"),
        ("TangerineWhistle", "tangerine_whistle"),
        ("EIP158", "spurious_dragon"),
        ("Constantinople", "constantinople"),
        ("constantinople", "constantinople"),
        ("CONSTANTINOPLE", "constantinople"),
        ("ConstantinopleFix", "petersburg"),
        ("constantinoplefix", "petersburg"),
        ("Petersburg", "petersburg"),
        ("petersburg", "petersburg"),
        ("MuirGlacier", "muir_glacier"),
        ("london", "london"),
        ("Merge", "paris"),
        ("Paris", "paris"),
        ("CANCUN", "cancun"),
        ("BPO1", "bpo1"),
        ("bpo5", "bpo5"),
        ("Amsterdam", "amsterdam"),
    ],
)
def test_a_fork_goes_by_the_names_of_specifications_and_tests(name: str, expected: str) -> None:
    assert fork_named(name).name == expected


@pytest.mark.parametrize("name", ["", "London2", "Serenity", "Cancun "])
def test_an_unknown_fork_is_an_error_that_lists_the_known(name: str) -> None:
    with pytest.raises(ConfigError, match="tangerine_whistle"):
        fork_named(name)


# The figures of the official tests' `config.blobSchedule`, and EIP-7892's for the BPO forks.
@pytest.mark.parametrize(
    ("fork", "schedule"),
    [
        (forks.SHANGHAI, None),
        (forks.CANCUN, BlobSchedule(3, 6, 0x32F0ED)),
        (forks.PRAGUE, BlobSchedule(6, 9, 0x4C6964)),
        (forks.OSAKA, BlobSchedule(6, 9, 0x4C6964)),
        (forks.BPO1, BlobSchedule(10, 15, 0x7F5A51)),
        (forks.BPO2, BlobSchedule(14, 21, 0xB24B3F)),
        (forks.AMSTERDAM, BlobSchedule(14, 21, 0xB24B3F)),
    ],
)
def test_blob_schedules(fork: forks.Fork, schedule: BlobSchedule | None) -> None:
    assert fork.blobs == schedule


@given(st.integers(0, 30_000_000), st.integers(0, 2_000_000_000))
def test_mainnet_is_the_same_in_both_forms(number: int, timestamp: int) -> None:
    assert MAINNET.fork_at(number, timestamp).name == mainnet_fork(number, timestamp)


@pytest.mark.parametrize(
    ("network", "places"),
    [
        ("Cancun", {(0, 0): "cancun", (10, 10): "cancun"}),
        ("BerlinToLondonAt5", {(4, 9): "berlin", (5, 0): "london"}),
        ("HomesteadToDaoAt5", {(4, 9): "homestead", (5, 0): "dao_fork"}),
        ("EIP158ToByzantiumAt5", {(4, 9): "spurious_dragon", (5, 0): "byzantium"}),
        ("ByzantiumToConstantinopleFixAt5", {(5, 0): "petersburg"}),
        ("ShanghaiToCancunAtTime15k", {(9, 14_999): "shanghai", (9, 15_000): "cancun"}),
        ("BPO2ToAmsterdamAtTime15k", {(9, 14_999): "bpo2", (9, 15_000): "amsterdam"}),
        ("mainnet", {(0, 0): "frontier", (22_431_084, 1_746_612_311): "prague"}),
    ],
)
def test_a_network_of_the_official_tests(network: str, places: dict[Any, str]) -> None:
    chain = chain_named(network)
    assert {place: chain.fork_at(*place).name for place in places} == places


def test_a_network_that_changes_at_a_total_difficulty() -> None:
    chain = chain_named("ArrowGlacierToParisAtDiffC0000")
    assert chain.needs_total_difficulty
    assert chain.fork_at(9, 9, 0xBFFFF).name == "arrow_glacier"
    assert chain.fork_at(9, 9, 0xC0000).name == "paris"
    with pytest.raises(ConfigError, match="total difficulty"):
        chain.fork_at(9, 9)


@pytest.mark.parametrize("name", ["Nowhere", "BerlinToNowhereAt5", "BerlinToLondon", "To"])
def test_an_unknown_network_is_an_error(name: str) -> None:
    with pytest.raises(ConfigError):
        chain_named(name)


def test_a_network_may_have_blob_parameters_of_its_own() -> None:
    own = BlobSchedule(1, 2, 3)
    chain = chain_named("PragueToOsakaAtTime15k", 7, {"Osaka": own})
    assert chain.chain_id == 7
    assert chain.fork_at(1, 15_000).blobs == own
    assert chain.fork_at(1, 14_999).blobs == forks.PRAGUE.blobs
    assert chain.fork_at(1, 15_000) == forks.OSAKA


def test_a_chain_of_ones_own() -> None:
    rich = replace(forks.BERLIN, block_reward=9)
    chain = Chain(
        1337,
        (
            Activation(rich, block=0),
            Activation(forks.LONDON, block=10),
            Activation(forks.PARIS, total_difficulty=1000),
            Activation(forks.CANCUN, timestamp=500),
        ),
    )
    assert chain.fork_at(0, 0, 0).block_reward == 9
    assert chain.fork_at(10, 600, 999) == forks.LONDON  # time alone decides nothing
    assert chain.fork_at(10, 499, 1000) == forks.PARIS
    assert chain.fork_at(10, 500, 1000) == forks.CANCUN
    assert chain.dao_fork_block is None
    assert MAINNET.dao_fork_block == 1_920_000


@pytest.mark.parametrize(
    "make",
    [
        lambda: Chain(1, ()),
        lambda: Chain(1, (Activation(forks.LONDON, block=1),)),
        lambda: Chain(1, (Activation(forks.LONDON, 0), Activation(forks.BERLIN, 5))),
        lambda: Chain(1, (Activation(forks.LONDON, 0), Activation(forks.LONDON, 5))),
        lambda: Activation(forks.LONDON),
        lambda: Activation(forks.LONDON, block=1, timestamp=1),
        lambda: Activation(forks.LONDON, block=-1),
    ],
)
def test_a_chain_that_cannot_be_is_refused(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()
