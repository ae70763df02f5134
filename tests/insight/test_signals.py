"""Signals of blocks: conflicts, hot locations, groups, anomalies, trends; and the command."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.chain.growing import genesis, random_line
from tests.ethereum.made import block_of, sealed, signed, world
from tests.fixtures import DATA, mainnet_block

import blockstm
from blockstm.chain import Chain
from blockstm.cli import main
from blockstm.errors import InputError
from blockstm.ethereum import Account, Block, read_block_file
from blockstm.insight.anomalies import anomalies, trends
from blockstm.insight.graph import conflict_graph_svg
from blockstm.insight.groups import groups_of
from blockstm.insight.recording import Steps
from blockstm.insight.signals import (
    COLUMNS,
    BlockSignals,
    HotLocation,
    columns_of,
    signals_of,
    signals_of_steps,
)
from blockstm.vm.evm import BlockContext, Evm, Signed

COUNTER = bytes(19) + b"\xc7"
# Adds 1 to slot 0: PUSH1 0 SLOAD PUSH1 1 ADD PUSH1 0 SSTORE.
COUNT = bytes.fromhex("60005460010160005500")
READER = bytes(19) + b"\xc8"
# Keeps the balance of COUNTER at slot 1: PUSH1 0xc7 BALANCE PUSH1 1 SSTORE.
READ = bytes.fromhex("60c731600155")
BLOCK = 12_300_570

Capture = pytest.CaptureFixture[str]


def state() -> Any:
    return world({COUNTER: Account(5, 1, COUNT), READER: Account(0, 1, READ)})


def block(*calls: tuple[bytes, int]) -> Block:
    """A call for each: whom, with how much ether."""
    transactions = tuple(
        signed(place % 4, nonce=place // 4, to=to, value=value, gas=200_000)
        for place, (to, value) in enumerate(calls)
    )
    return sealed(block_of(transactions, "shanghai"), state(), fork="shanghai")


def signals(given: Block) -> BlockSignals:
    executed = blockstm.execute_block(given, state(), "evm", fork="shanghai", accesses=True)
    return signals_of(given, executed)


def test_the_numbers_of_a_block() -> None:
    found = signals(block((COUNTER, 0), (COUNTER, 0), (READER, 0), (COUNTER, 10**15), (READER, 0)))
    assert found.transactions == 5
    assert found.value == pytest.approx(0.001)
    assert found.failures == 0
    assert found.longest_chain == 4  # the counts, and the balance that the last one has changed
    assert found.group_sizes == (3, 2)
    assert (found.groups, found.largest_group) == (2, 3)
    # All read the slots that they change, but the last also a balance that it leaves.
    assert found.hot[0] == HotLocation((COUNTER, 0), 2, 3)
    assert found.hottest == 2
    assert (found.dependents, found.dependencies) == (3, 4)
    assert found.commuting_share == 3 / 4


def test_a_failure_is_counted() -> None:
    reverts = bytes(19) + b"\xc9"
    given = block((reverts, 0), (COUNTER, 0))
    code = {**dict(state().accounts()), reverts: Account(0, 1, bytes.fromhex("60006000fd"))}
    before = world(code)
    resealed = sealed(given, before, fork="shanghai")
    executed = blockstm.execute_block(resealed, before, "evm", fork="shanghai", accesses=True)
    assert signals_of(resealed, executed).failures == 1


def test_a_block_of_free_transactions_has_no_conflicts() -> None:
    found = signals(block((bytes(19) + b"\x01", 1), (bytes(19) + b"\x02", 1)))
    assert (found.dependencies, found.commuting_share, found.hot) == (0, 0.0, ())
    assert found.group_sizes == (1, 1)


def test_transactions_that_are_no_block_yet_have_the_same_numbers() -> None:
    reverts = bytes(19) + b"\xc9"
    accounts = {**dict(state().accounts()), reverts: Account(0, 1, bytes.fromhex("60006000fd"))}
    before = world(accounts)
    given = block_of(
        tuple(
            signed(place, nonce=0, to=to, value=value, gas=200_000)
            for place, (to, value) in enumerate([(COUNTER, 5), (reverts, 0), (COUNTER, 10**15)])
        ),
        "shanghai",
    )
    given = sealed(given, before, fork="shanghai")
    executed = blockstm.execute_block(given, before, "evm", fork="shanghai", accesses=True)
    header, senders = given.header, blockstm.ethereum.recover_senders(given.transactions)
    context = BlockContext(
        number=header.number,
        timestamp=header.timestamp,
        coinbase=header.coinbase,
        gas_limit=header.gas_limit,
        base_fee_per_gas=header.base_fee_per_gas,
    )
    signed_steps = list(map(Signed, given.transactions, senders))
    steps = Steps("three", signed_steps, before, Evm("shanghai", context), range(3))
    assert signals_of_steps(steps, number=header.number) == signals_of(given, executed)
    assert signals_of(given, executed).failures == 1


def test_signals_take_accesses() -> None:
    given = block((COUNTER, 0))
    executed = blockstm.execute_block(given, state(), "evm", fork="shanghai")
    with pytest.raises(InputError, match="accesses=True"):
        signals_of(given, executed)


def test_columns_are_arrays() -> None:
    import numpy as np

    found = [signals(block((COUNTER, 0), (COUNTER, 0))), signals(block((COUNTER, 0)))]
    columns = columns_of(found)
    assert tuple(columns) == COLUMNS
    assert np.asarray(columns["dependents"]).tolist() == [1.0, 0.0]


ORDINARY = BlockSignals(
    number=0,
    transactions=100,
    gas=10_000_000,
    value=50.0,
    failures=3,
    dependencies=40,
    dependents=30,
    commuting_share=0.5,
    longest_chain=6,
    groups=70,
    largest_group=6,
    hot=(HotLocation((COUNTER, 0), 6, 7),),
    group_sizes=(6,),
)


def series(count: int, **changes: Any) -> list[BlockSignals]:
    """Ordinary blocks that vary a little, the last with changes."""
    made = [
        replace(ORDINARY, number=n, gas=10_000_000 + 100_000 * (n % 5), failures=3 + n % 3)
        for n in range(count)
    ]
    return [*made[:-1], replace(made[-1], **changes)]


def test_ordinary_blocks_have_no_anomalies() -> None:
    assert anomalies(series(60)) == []


@pytest.mark.parametrize(
    "changes",
    [{"failures": 40}, {"gas": 30_000_000}, {"value": 5_000.0}, {"commuting_share": 0.0}],
    ids=repr,
)
def test_a_number_far_off_is_told(changes: dict[str, Any]) -> None:
    [found] = anomalies(series(40, **changes))
    [(name, value)] = changes.items()
    assert (found.number, found.signal, found.value) == (39, name, value)
    assert abs(found.score) > 3.5
    assert (found.score > 0) == (value > found.median)


def test_a_location_that_turns_hot_is_told() -> None:
    fresh = HotLocation((READER, 9), 20, 21)
    [found] = anomalies(series(40, hot=(fresh, *ORDINARY.hot)))[-1:]
    assert (found.signal, found.location, found.value) == ("turns hot", (READER, 9), 20.0)
    cold = HotLocation((READER, 9), 4, 4)
    assert anomalies(series(40, hot=(*ORDINARY.hot, cold))) == []


def test_a_block_is_compared_with_enough_others() -> None:
    assert anomalies(series(8, gas=1)) == []
    assert anomalies(series(9, gas=1)) != []
    with pytest.raises(InputError, match="8 blocks or more"):
        anomalies(series(9), last=7)


def test_one_odd_block_hides_no_other() -> None:
    odd = series(30, gas=90_000_000)
    after = replace(ORDINARY, number=30, gas=90_000_000)
    assert {(each.number, each.signal) for each in anomalies([*odd, after])} == {
        (29, "gas"),
        (30, "gas"),
    }


def test_trends_are_slopes() -> None:
    rising = [replace(ORDINARY, number=n, gas=1_000 * n) for n in range(20)]
    rising[7] = replace(rising[7], gas=10**9)
    assert trends(rising)["gas"] == pytest.approx(1_000)
    assert trends(rising)["failures"] == 0
    assert set(trends([]).values()) == {0}


def test_groups_are_all_transactions() -> None:
    given = block((COUNTER, 0), (READER, 0), (COUNTER, 0))
    executed = blockstm.execute_block(given, state(), "evm", fork="shanghai", accesses=True)
    assert executed.accesses is not None
    assert groups_of(executed.accesses) == ((0, 2), (1,))


def test_a_picture_has_a_dot_for_each_transaction_and_an_arc_for_each_dependency() -> None:
    text = conflict_graph_svg([(), (0,), (), (0, 1)], [(0, 1, 3), (2,)], title="a < b & c")
    root = ElementTree.fromstring(text)
    assert len(root.findall("{*}circle")) == 4
    assert len(root.findall("{*}path")) == 3
    [title] = root.findall("{*}text")
    assert title.text == "a < b & c"
    ElementTree.fromstring(conflict_graph_svg([]))


def test_the_command_tells_and_draws(capsys: Capture, tmp_path: Path) -> None:
    paths = [str(mainnet_block(number)) for number in (BLOCK, 1_150_000)]
    table = tmp_path / "signals.csv"
    asked = ["--csv", str(table), "--graphs", str(tmp_path / "graphs"), "--hot", "2"]
    assert main(["insight", *paths, *asked]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["block", "txs", "gas"]
    assert lines[1].split()[0] == "1150000"
    assert any(line.startswith("trend of gas: ") for line in lines)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == ["1150000", str(BLOCK)]
    executed_gas = read_block_file(DATA / "mainnet" / f"{BLOCK}.json.xz").block.header.gas_used
    assert float(rows[1]["gas"]) == executed_gas
    drawn = sorted((tmp_path / "graphs").iterdir())
    assert [each.name for each in drawn] == [f"{1_150_000}.svg", f"{BLOCK}.svg"]
    for each in drawn:
        ElementTree.fromstring(each.read_text())


def test_numbers_are_written_as_parquet_and_drawn(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("matplotlib")
    paths = [str(mainnet_block(number)) for number in (BLOCK, 1_150_000)]
    table, picture = tmp_path / "signals.parquet", tmp_path / "trends.svg"
    assert main(["insight", *paths, "--parquet", str(table), "--plot", str(picture)]) == 0
    columns = parquet.read_table(table).to_pydict()
    assert tuple(columns) == COLUMNS
    assert columns["number"] == [1_150_000, BLOCK]
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")


def test_the_command_gives_json(capsys: Capture) -> None:
    assert main(["insight", str(mainnet_block(BLOCK)), "--json"]) == 0
    found, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert found["number"] == BLOCK
    assert set(COLUMNS) <= set(found)
    assert all({"what", "dependents", "writers"} <= set(each) for each in found["hot"])
    assert last["anomalies"] == []
    assert set(last["trends"]) == set(COLUMNS[1:])


def test_the_command_tells_what_is_wrong(capsys: Capture) -> None:
    assert main(["insight", "no-such.json"]) == 2
    assert main(["insight", str(mainnet_block(BLOCK)), "--last", "3"]) == 2
    assert "8 blocks or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--plot", "trends.foo", "a picture ends in"),
        ("--hot", "-1", "from 0"),
        ("--last", "3", "8"),
    ],
)
def test_what_cannot_be_given_is_told_before_a_block_is_read(
    option: str, value: str, said: str, capsys: Capture
) -> None:
    pytest.importorskip("matplotlib")
    assert main(["insight", "no-such.json", f"{option}={value}"]) == 2
    told = capsys.readouterr().err
    assert option in told
    assert said in told


def test_the_command_tells_of_a_chains_range(capsys: Capture, tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    line = random_line(6, seed=3)
    with Chain.open(tmp_path, genesis=genesis()) as chain:
        assert all(each.is_head for each in chain.import_blocks(line))
    for named, wanted in (("..", range(1, 7)), ("2..4", range(2, 5)), ("5..", (5, 6)), ("3", (3,))):
        assert main(["insight", "--datadir", str(tmp_path), named, "--json"]) == 0
        *found, _ = map(json.loads, capsys.readouterr().out.splitlines())
        assert [each["number"] for each in found] == [*wanted]
        assert [each["transactions"] for each in found] == [
            len(line[number - 1].transactions) for number in wanted
        ]
    for named in ("0..3", "4..9", "5..2", "x", "1..2..3"):
        assert main(["insight", "--datadir", str(tmp_path), named]) == 2


def test_trends_of_a_chain_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    pytest.importorskip("matplotlib")
    with Chain.open(tmp_path / "chain", genesis=genesis()) as chain:
        assert all(each.is_head for each in chain.import_blocks(random_line(4, seed=3)))
    picture = tmp_path / "trends.svg"
    asked = ["--datadir", str(tmp_path / "chain"), "..", "--plot", str(picture)]
    assert main(["insight", *asked]) == 0
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
