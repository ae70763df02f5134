"""Simulated cores: deterministic, within what a block allows, and right where that is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evm.world_blocks import SENDERS, context, transaction, world
from tests.fixtures import mainnet_block

from blockstm.cli import main
from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.results.block_accesses import BlockAccesses, TransactionAccesses
from blockstm.insight.recording import Recording, Steps
from blockstm.insight.simulation import measured
from blockstm.insight.simulation.estimates import CORES, estimate_cores, simulate_cores
from blockstm.insight.simulation.measured import measure_block
from blockstm.insight.simulation.model import Costs
from blockstm.insight.simulation.policies import POLICIES, policy_named
from blockstm.insight.simulation.simulator import simulate
from blockstm.state.accounts import AccountState
from blockstm.vm.evm import Evm

BLOCK = 12_300_570
RUN_NS = 20_000
COSTS = Costs(fixed_ns=10_000, joined_ns=30_000, claim_ns=50, publish_ns=300, validate_ns=100)
NO_COSTS = Costs()

Capture = pytest.CaptureFixture[str]


def slot(number: int) -> tuple[bytes, int]:
    return bytes(20), number


def recording(
    touched: Sequence[tuple[Sequence[int], Sequence[int]]], run_ns: Sequence[int] | None = None
) -> Recording:
    """A block of transactions that read and write slots by number."""
    accesses, needed = [], []
    writers: dict[int, int] = {}
    for index, (reads, writes) in enumerate(touched):
        needed.append(tuple(sorted({writers[each] for each in reads if each in writers})))
        writers |= dict.fromkeys(writes, index)
        accesses.append(
            TransactionAccesses(
                frozenset(map(slot, reads)), frozenset(map(slot, writes)), frozenset(), ()
            )
        )
    times = tuple(run_ns or [RUN_NS] * len(touched))
    listed = BlockAccesses(BlockAccessList(()), tuple(needed), accesses)
    return Recording("made", times, (100,) * len(touched), (21_000,) * len(touched), listed)


STEPS = Steps(
    "transfers",
    [transaction(sender, SENDERS[0], value=1) for sender in range(4)],
    AccountState(world()),
    Evm("cancun", context("cancun")),
    range(4),
)
FREE = recording([([n], [n]) for n in range(256)])
CHAIN = recording([([0], [0]) for _ in range(256)])
TWO_CHAINS = recording([([n % 2], [n % 2]) for n in range(256)])


def speedup(made: Recording, policy: str, cores: int, costs: Costs = NO_COSTS) -> float:
    return simulate_cores(made, costs, cores=[cores], policies=[policy]).speedup(policy, cores)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cores", [2, 4, 8])
def test_free_transactions_use_all_cores(policy: str, cores: int) -> None:
    assert speedup(FREE, policy, cores) > 0.85 * cores


@pytest.mark.parametrize("policy", ["optimistic", "dependencies", "weighted", "grouped"])
@pytest.mark.parametrize("cores", CORES)
def test_a_chain_is_no_faster_than_a_chain(policy: str, cores: int) -> None:
    estimates = simulate_cores(CHAIN, NO_COSTS, cores=[cores], policies=[policy])
    assert estimates.ceiling == pytest.approx(1)
    assert 0.5 < estimates.speedup(policy, cores) <= 1 + 1e-9


def test_upper_bounds_are_above_what_the_engine_does() -> None:
    for cores in (4, 16):
        optimistic = speedup(CHAIN, "optimistic", cores)
        assert speedup(CHAIN, "commuting", cores) > 3 * optimistic
        assert speedup(CHAIN, "values", cores) > 3 * optimistic


def test_groups_run_side_by_side_and_nothing_twice() -> None:
    made = simulate(TWO_CHAINS.run_ns, policy_named("grouped")(TWO_CHAINS), COSTS, 4)
    assert made.incarnations == 256
    assert 1.7 < speedup(TWO_CHAINS, "grouped", 4) <= 2 + 1e-9


def test_a_long_last_transaction_is_begun_early_where_weights_are_known() -> None:
    made = recording([([n], [n]) for n in range(65)], [RUN_NS] * 64 + [64 * RUN_NS])
    assert speedup(made, "weighted", 2) > 1.9
    assert speedup(made, "optimistic", 2) < 1.5


def test_with_all_dependencies_known_nothing_runs_twice() -> None:
    for cores in CORES:
        made = simulate(TWO_CHAINS.run_ns, policy_named("dependencies")(TWO_CHAINS), COSTS, cores)
        assert made.incarnations == 256


def test_a_short_block_is_left_to_one_core() -> None:
    short = recording([([n], [n]) for n in range(5)])
    assert speedup(short, "optimistic", 8, COSTS) == pytest.approx(1)


touches = st.lists(st.integers(0, 5), max_size=3)
made_blocks = st.lists(
    st.tuples(touches, touches, st.integers(1, 200_000)), min_size=1, max_size=60
)


@given(made_blocks, st.sampled_from([*POLICIES]), st.sampled_from(CORES))
def test_every_block_ends_in_time(drawn: Any, policy: str, cores: int) -> None:
    """Whatever conflicts there are: each transaction becomes final, no faster than cores allow."""
    made = recording([(reads, writes) for reads, writes, _ in drawn], [ns for *_, ns in drawn])
    found = simulate(made.run_ns, policy_named(policy)(made), COSTS, cores)
    again = simulate(made.run_ns, policy_named(policy)(made), COSTS, cores)
    assert found == again
    assert found.incarnations >= len(made)
    if policy != "redone":
        assert found.seconds * 1e9 >= max(sum(made.run_ns) / cores, max(made.run_ns))


def test_a_chain_whose_runs_are_redone_in_part_is_faster() -> None:
    made = recording([([0, *range(10 * n + 1, 10 * n + 10)], [0]) for n in range(256)])
    assert speedup(made, "redone", 4) >= speedup(made, "optimistic", 4)


def test_an_empty_block_takes_what_every_block_takes() -> None:
    made = simulate_cores(recording([]), COSTS, cores=[2])
    assert made.simulated["optimistic", 2].seconds == pytest.approx(10e-6)


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(ConfigError, match="a policy is one of"):
        simulate_cores(FREE, COSTS, policies=["clever"])
    for cores in (0, 257, "2"):
        with pytest.raises(InputError, match="from 1 to 256"):
            simulate_cores(FREE, COSTS, cores=[cores])  # type: ignore[list-item]  # the subject


@pytest.mark.parametrize("repeats", [0, -1, 1.5, None])
def test_a_block_is_timed_once_or_more(repeats: Any) -> None:
    with pytest.raises(ConfigError, match="a block is timed once or more, not"):
        measure_block(STEPS, repeats=repeats)
    with pytest.raises(ConfigError, match="a block is timed once or more, not"):
        estimate_cores(STEPS, repeats=repeats)


def test_long_gaps_alone_are_no_cost_of_finding_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine every gap may be one."""
    monkeypatch.setattr(measured, "_GAP_NS_MAX", 0)
    assert measure_block(STEPS, repeats=1).costs.claim_ns == 0


def test_a_block_without_transactions_is_measured() -> None:
    empty = Steps("empty", [], STEPS.state, STEPS.evm, range(0))
    found = estimate_cores(empty, cores=[1, 8], repeats=2)
    assert found.transactions == 0
    assert set(found.measured) == {1, 2}
    assert found.costs.fixed_ns > 0
    assert found.speedup("optimistic", 8) == found.ceiling == pytest.approx(1)


def test_a_speedup_is_over_one_core() -> None:
    made = simulate_cores(FREE, COSTS, cores=[4])
    several = {at: each for at, each in made.simulated.items() if at[1] > 1}
    for lacking in (replace(made, simulated=several), simulate_cores(FREE, COSTS, policies=[])):
        with pytest.raises(InputError, match="a speed-up is over one core"):
            _ = lacking.ceiling
    with pytest.raises(InputError, match="a speed-up is over one core"):
        replace(made, simulated=several).speedup("optimistic", 4)
    with pytest.raises(InputError, match="'weighted' was not simulated on 4 cores"):
        made.speedup("weighted", 4)
    nothing = simulate_cores(recording([]), NO_COSTS, cores=[4])
    assert nothing.ceiling == nothing.speedup("optimistic", 4) == 1


def test_the_command_prints_and_draws(capsys: Capture, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path, picture = str(mainnet_block(BLOCK)), tmp_path / "cores.png"
    asked = ["--cores", "1,4", "--policy", "optimistic,values", "--repeats", "2"]
    assert main(["simulate-cores", path, *asked, "--plot", str(picture)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"block {BLOCK}: ")
    assert [line.split()[0] for line in lines[3:]] == ["cores", "optimistic", "values", "ceiling"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_command_takes_generated_blocks(capsys: Capture) -> None:
    asked = ["--load", "erc20", "--gas", "1e6", "--cores", "2", "--repeats", "1", "--json"]
    assert main(["simulate-cores", *asked]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["block"] == "erc20"
    assert {(each["policy"], each["cores"]) for each in found["simulated"]} == {
        (policy, cores) for policy in POLICIES for cores in (1, 2)
    }
    assert set(found["measured"]) == set(found["errors"]) == {"1", "2"}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such.json"],
        ["--load", "nothing"],
        ["--load", "erc20", "--gas", "1e6", "--policy", "x"],
    ],
)
def test_the_command_tells_what_is_wrong(arguments: list[str], capsys: Capture) -> None:
    assert main(["simulate-cores", *arguments]) == 2
    assert capsys.readouterr().err.startswith("blockstm simulate-cores: ")
