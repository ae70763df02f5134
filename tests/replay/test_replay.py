"""Blocks executed again: equal however they are split, whatever dies, and wherever it goes on."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import genesis, random_line, with_other_root
from tests.fixtures import DATA, ROOT
from tests.replay.meddling import count, give, kill, with_step

from blockstm.chain import Chain, prove_block
from blockstm.cli import main
from blockstm.errors import (
    ConfigError,
    DecodeError,
    InputError,
    ProgressMismatch,
    PrunedState,
    UsageError,
)
from blockstm.ethereum import Block
from blockstm.replay import (
    BlockRecord,
    ChainBlocks,
    FileBlocks,
    FolderBlocks,
    Replay,
    Verdict,
    replay,
    write_metrics,
)
from blockstm.replay.dispatch import Dispatch
from blockstm.replay.from_chain import spans

BLOCKS = 20
SPEC = genesis().chain
assert SPEC is not None


@pytest.fixture(scope="module")
def line() -> list[Block]:
    """A chain's blocks, which change accounts in all ways."""
    return random_line(BLOCKS, seed=5)


@pytest.fixture(scope="module")
def chain(line: list[Block]) -> Iterator[Chain]:
    """The same, imported in memory."""
    with Chain.in_memory(genesis(), workers=1) as imported:
        for block in line:
            imported.import_block(block)
        yield imported


@pytest.fixture(scope="module")
def folder(line: list[Block], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, in a folder."""
    pytest.importorskip("mdbx")
    path = tmp_path_factory.mktemp("chain")
    with Chain.open(path, genesis=genesis(), workers=1) as imported:
        list(imported.import_blocks(line))
    return path


@pytest.fixture(scope="module")
def files(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path]]:
    """The same, as files of blocks and files of witnesses."""
    path = tmp_path_factory.mktemp("files")
    return [
        written(path, chain.block(number), chain.witness(number).to_json())
        for number in range(1, BLOCKS + 1)
    ]


def written(folder: Path, block: Block, witness: Any) -> tuple[Path, Path]:
    """The file of a block, and that of its witness."""
    number = block.header.number
    paths = folder / f"{number:02}.rlp", folder / f"witness-{number:02}.json"
    paths[0].write_bytes(block.encode())
    paths[1].write_text(json.dumps(witness))
    return paths


def facts(done: Replay) -> list[dict[str, Any]]:
    return [each.facts() for each in done.records]


# ---- equal


def test_blocks_of_mainnet_are_equal_by_their_witnesses_and_by_their_states() -> None:
    witnesses = sorted((DATA / "mainnet-witness").iterdir())
    pairs = [(DATA / "mainnet" / each.name, each) for each in witnesses]
    by_witness = replay(pairs, processes=0)
    assert by_witness.is_equal
    assert all("state_root" in each.compared and each.nodes for each in by_witness.records)
    by_state = replay([path for path, _ in pairs], processes=0)
    assert by_state.is_equal
    assert not any("state_root" in each.compared for each in by_state.records)
    assert [each.gas_used for each in by_state.records] == [
        each.gas_used for each in by_witness.records
    ]


def test_all_ways_say_the_same_of_a_chain(
    chain: Chain, folder: Path, files: list[tuple[Path, Path]]
) -> None:
    ways = [
        replay(chain, processes=0),
        replay(files, spec=SPEC, processes=0),
        replay(FolderBlocks(folder), processes=0),
        replay(FolderBlocks(folder, every=7), processes=0),
    ]
    assert [each.is_equal for each in ways] == [True] * 4
    hashes = [each.hash for each in ways[0].records]
    assert hashes == ["0x" + chain.block_hash(number).hex() for number in range(1, BLOCKS + 1)]
    for way in ways:
        assert [(each.hash, each.gas_used, each.receipts_root) for each in way.records] == [
            (each.hash, each.gas_used, each.receipts_root) for each in ways[0].records
        ]
    assert [bool(each.state_root) for each in ways[3].records] == [
        number % 7 == 0 or number == BLOCKS for number in range(1, BLOCKS + 1)
    ]


def test_processes_say_what_one_says(folder: Path, files: list[tuple[Path, Path]]) -> None:
    assert facts(replay(files, spec=SPEC, processes=1)) == facts(
        replay(files, spec=SPEC, processes=0)
    )
    source = FolderBlocks(folder, 3, 18, every=4)
    alone = replay(source, processes=0)
    assert facts(replay(FolderBlocks(folder, 3, 18, every=4), processes=2)) == facts(alone)
    assert [each.number for each in alone.records] == list(range(3, 19))


def test_pieces_end_where_roots_are_compared_wherever_a_range_begins() -> None:
    assert list(spans(1, 10, 4)) == [(1, 4), (5, 8), (9, 10)]
    assert list(spans(6, 10, 4)) == [(6, 8), (9, 10)]
    assert list(spans(2, 4, 1)) == [(2, 2), (3, 3), (4, 4)]


# ---- divergences


def test_the_first_block_with_another_state_is_found_by_bisection(folder: Path) -> None:
    """Gas and receipts of no block tell of it."""
    for number in (1, 5, 8, 13, BLOCKS):
        spec = with_step(SPEC, give, number=number)
        for every in (1, 8, 100):
            done = replay(FolderBlocks(folder, every=every), spec=spec, processes=0)
            found = done.first_divergence
            assert found is not None
            assert (found.number, found.verdict, found.field) == (
                number,
                Verdict.DIFFERENT,
                "state_root",
            )
            assert found.expected != found.got != ""
            assert done.counts == {Verdict.EQUAL: BLOCKS - 1, Verdict.DIFFERENT: 1}


def test_a_different_account_is_named(folder: Path) -> None:
    done = replay(FolderBlocks(folder, every=8), spec=with_step(SPEC, give, number=5), processes=0)
    found = done.first_divergence
    assert found is not None
    assert found.account == f"0x{'d3' * 20} exists only here"
    done = replay(FolderBlocks(folder, every=8), spec=with_step(SPEC, count, number=5), processes=0)
    found = done.first_divergence
    assert found is not None
    assert found.account.startswith(f"0x{'c7' * 20} slot 0x")
    assert ": expected 0x" in found.account


def test_a_state_that_differs_is_told_before_the_gas_that_follows_from_it(folder: Path) -> None:
    number = 2
    for every in (1, 100):
        done = replay(
            FolderBlocks(folder, every=every),
            spec=with_step(SPEC, count, number=number),
            processes=0,
        )
        found = done.first_divergence
        assert found is not None
        assert found.number == number


def test_a_transaction_with_another_receipt_is_named(chain: Chain, folder: Path) -> None:
    """Under a fork with other prices."""
    done = replay(FolderBlocks(folder), spec=SPEC.under("istanbul"), processes=0)
    assert {each.verdict for each in done.records} <= {Verdict.DIFFERENT, Verdict.INVALID}
    done = replay(FolderBlocks(folder), spec=SPEC.under("prague"), processes=0)
    assert not done.is_equal


def test_a_file_that_says_something_else_is_named_with_its_field(
    chain: Chain, files: list[tuple[Path, Path]], tmp_path: Path
) -> None:
    wrong = [
        with_other_root(chain.block(4)),
        _with_header(chain.block(9), gas_used=chain.header(9).gas_used + 1),
        _with_header(chain.block(14), receipts_root=bytes(32)),
    ]
    mixed = list(files)
    for block in wrong:
        number = int(block.header.number)
        mixed[number - 1] = written(tmp_path, block, chain.witness(number).to_json())
    done = replay(mixed, spec=SPEC, processes=0)
    found = [each for each in done.records if not each.is_equal]
    assert [(each.number, each.field) for each in found] == [
        (4, "state_root"),
        (9, "gas_used"),
        (14, "receipts_root"),
    ]
    assert found[1].expected == str(int(found[1].got) + 1)
    assert done.first_divergence == found[0]


def _with_header(block: Block, **members: Any) -> Block:
    header = replace(block.header, **members)
    return replace(block, header=header, hash=header.hash)


@pytest.mark.parametrize("version", [1, 2])
def test_a_bundle_is_compared_with_all_that_it_says(
    chain: Chain, tmp_path: Path, version: int
) -> None:
    bundle = max(
        (prove_block(chain, number) for number in range(1, chain.head.number + 1)),
        key=lambda each: len(each.receipts),
    )
    if version == 1:
        bundle = replace(bundle, hints=None, access_list=b"")
    assert len(bundle.receipts) > 1
    lies: dict[str, dict[str, Any]] = {
        "accessList": {"access_list": b"\xc0"},
        "receipts[0]": {"receipts": (b"\xc0", *bundle.receipts[1:])},
        "changes[0]": {"changes": bundle.changes[1:]},
    }
    if version == 2:
        assert bundle.hints is not None
        first, second, *others = bundle.hints
        lies["hints[1]"] = {"hints": (first, () if second else (0,), *others)}
    files = [tmp_path / f"{place}.bundle" for place in range(1 + len(lies))]
    files[0].write_bytes(bundle.encode())
    for path, lie in zip(files[1:], lies.values(), strict=True):
        path.write_bytes(replace(bundle, **lie).encode())
    right, *wrong = replay(files, spec=chain.spec, processes=0, workers=2).records
    assert right.verdict is Verdict.EQUAL, right
    assert "state_root" in right.compared
    assert {each.verdict for each in wrong} == {Verdict.DIFFERENT}
    assert [each.field for each in wrong] == list(lies)


def test_a_file_that_cannot_be_read_at_all_does_not_stop_the_rest(
    chain: Chain, tmp_path: Path
) -> None:
    path = tmp_path / "5.bundle"
    path.write_bytes(prove_block(chain, 5).encode())
    done = replay(["no\0path.bundle", path, "nowhere.json"], spec=chain.spec, processes=0)
    verdicts = [each.verdict for each in done.records]
    assert verdicts == [Verdict.UNREADABLE, Verdict.EQUAL, Verdict.UNREADABLE]


def test_what_cannot_be_executed_does_not_stop_the_rest(
    chain: Chain, files: list[tuple[Path, Path]], tmp_path: Path
) -> None:
    witness = chain.witness(2).to_json()
    lacking = written(tmp_path, chain.block(2), witness | {"state": witness["state"][1:]})
    garbage = tmp_path / "03.rlp"
    garbage.write_bytes(b"\xc0\x01")
    blocks = [files[0], lacking, (garbage, files[2][1]), (tmp_path / "04", files[3][1]), files[4]]
    for processes in (0, 1):
        done = replay(blocks, spec=SPEC, processes=processes)
        assert [each.verdict for each in done.records] == [
            Verdict.EQUAL,
            Verdict.INCOMPLETE,
            Verdict.UNREADABLE,
            Verdict.UNREADABLE,
            Verdict.EQUAL,
        ]


# ---- deaths


def test_a_process_that_is_killed_loses_nothing(folder: Path, tmp_path: Path) -> None:
    alone = replay(FolderBlocks(folder, every=5), processes=0)
    spec = with_step(SPEC, kill, number=7, beside=tmp_path / "died")
    done = replay(FolderBlocks(folder, every=5), spec=spec, processes=2)
    assert (facts(done), done.deaths) == (facts(alone), 1)


def test_a_block_that_kills_its_process_is_named_and_the_others_are_executed(folder: Path) -> None:
    alone = replay(FolderBlocks(folder, every=5), processes=0)
    spec = with_step(SPEC, kill, number=7)
    done = replay(FolderBlocks(folder, every=5), spec=spec, processes=1, tries=1)
    killed = done.records[6]
    assert (killed.number, killed.verdict) == (7, Verdict.KILLED)
    assert "SIGKILL" in killed.reason
    assert done.first_divergence == killed
    others = [each for each in facts(done) if each["number"] != 7]
    assert others == [each for each in facts(alone) if each["number"] != 7]
    assert done.deaths == 2  # of the piece, and of the block by itself


class FakeTask:
    """A task that runs nothing."""

    def __init__(self, places: range) -> None:
        self.places = places

    def split(self) -> list[FakeTask]:
        return [FakeTask(range(place, place + 1)) for place in self.places]

    def given_up(self, reason: str) -> BlockRecord:
        return BlockRecord(self.places[0], reason=reason, verdict=Verdict.KILLED)


def test_a_task_is_tried_again_then_block_by_block_then_given_up() -> None:
    task: Any = FakeTask(range(4, 6))
    dispatch = Dispatch(iter([task]), tries=2)
    assert dispatch.next() is task
    assert dispatch.next() is None
    assert dispatch.died(task, "SIGKILL") == ()
    assert dispatch.next() is task
    assert dispatch.died(task, "SIGKILL") == ()
    one, other = dispatch.next(), dispatch.next()
    assert one is not None
    assert other is not None
    assert (one.places, other.places) == (range(4, 5), range(5, 6))
    assert dispatch.died(one, "SIGKILL") == ()
    assert dispatch.next() is one
    [given_up] = dispatch.died(one, "SIGKILL")
    assert given_up.place == 4
    assert dispatch.next() is None


# ---- going on


def test_an_interrupted_replay_goes_on(folder: Path, tmp_path: Path) -> None:
    alone = replay(FolderBlocks(folder, every=4), processes=0)
    path = tmp_path / "progress.json"
    seen: list[int] = []

    def interrupt(records: Any) -> None:
        seen.append(len(records))
        if len(seen) == 2:
            raise KeyboardInterrupt

    for processes in (0, 1):
        path.unlink(missing_ok=True)
        seen.clear()
        with pytest.raises(KeyboardInterrupt):
            replay(
                FolderBlocks(folder, every=4),
                processes=processes,
                progress=path,
                on_blocks=interrupt,
            )
        done = replay(FolderBlocks(folder, every=4), processes=processes, progress=path)
        assert done.resumed == 8
        assert facts(done) == facts(alone)
        assert replay(FolderBlocks(folder, every=4), processes=0, progress=path).resumed == BLOCKS


def test_a_file_of_progress_of_another_replay_is_refused(
    chain: Chain, folder: Path, files: list[tuple[Path, Path]], tmp_path: Path
) -> None:
    path = tmp_path / "progress.json"
    replay(FolderBlocks(folder, 2, 9), processes=0, progress=path)
    before = path.read_bytes()
    others: list[Any] = [
        FolderBlocks(folder, 2, 10),
        FolderBlocks(folder, 3, 10),
        FolderBlocks(folder, 2, 9, every=2),
        ChainBlocks(chain, 2, 9),
        FileBlocks(files[1:9]),
    ]
    for other in others:
        with pytest.raises(ProgressMismatch, match=r"progress\.json"):
            replay(other, spec=SPEC, processes=0, progress=path)
    with pytest.raises(ProgressMismatch):
        replay(FolderBlocks(folder, 2, 9), spec=SPEC.under("prague"), processes=0, progress=path)
    assert path.read_bytes() == before


def test_what_is_no_file_of_progress_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    replay(FolderBlocks(folder, 2, 4), processes=0, progress=path)
    whole = path.read_bytes()
    for content in (b"", whole[:-5], b"[]", b"{}", whole.replace(b'"place":', b'"seat":')):
        path.write_bytes(content)
        with pytest.raises(DecodeError, match="no file of progress"):
            replay(FolderBlocks(folder, 2, 4), processes=0, progress=path)
    assert [each.name for each in tmp_path.iterdir()] == ["progress.json"]


# ---- what a caller does wrong


@pytest.mark.parametrize(
    "options",
    [
        {"processes": -1},
        {"processes": True},
        {"workers": 0},
        {"tries": 0},
        {"address": "auto"},
        {"ray": True, "processes": 2},
        {"spec": "mainnet"},
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], chain: Chain) -> None:
    with pytest.raises(ConfigError):
        replay(chain, **options)


def test_what_is_no_blocks_is_refused(folder: Path) -> None:
    for given in (3, "block.json", [3], [("a",)]):
        with pytest.raises(InputError, match="blocks come from"):
            replay(given)  # type: ignore[arg-type]  # what a caller may pass by mistake
    with pytest.raises(ConfigError):
        replay([])
    for first, last in ((0, 3), (5, 4), (1, BLOCKS + 1), (True, 3)):
        with pytest.raises(ConfigError, match="none of the chain's"):
            FolderBlocks(folder, first, last)
    with pytest.raises(ConfigError, match="every"):
        FolderBlocks(folder, every=0)


def test_a_state_that_is_kept_no_more_is_said_at_once(line: list[Block]) -> None:
    with Chain.in_memory(genesis(), workers=1, window=4) as short:
        for block in line:
            short.import_block(block)
        with pytest.raises(PrunedState, match="kept no more"):
            ChainBlocks(short, 2)
        assert ChainBlocks(short).count == 4


def test_rules_that_cannot_be_sent_are_refused(folder: Path) -> None:
    spec = with_step(SPEC, lambda view: None)
    assert replay(FolderBlocks(folder, 1, 2), spec=spec, processes=0).is_equal
    with pytest.raises(ConfigError, match="processes=0"):
        replay(FolderBlocks(folder, 1, 2), spec=spec, processes=1)


# ---- tables


def test_the_metrics_are_a_table(chain: Chain, tmp_path: Path) -> None:
    done = replay(chain, processes=0)
    write_metrics(done.records, tmp_path / "blocks.csv")
    with (tmp_path / "blocks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["gas_used"]) for row in rows] == [each.gas_used for each in done.records]
    parquet = pytest.importorskip("pyarrow.parquet")
    write_metrics(done.records, tmp_path / "blocks.parquet")
    table = parquet.read_table(tmp_path / "blocks.parquet")
    assert table["number"].to_pylist() == list(range(1, BLOCKS + 1))
    assert table["hash"].to_pylist() == [row["hash"] for row in rows]
    assert table["seconds"].to_pylist() == [each.seconds for each in done.records]
    far = replace(done.records[0], number=(1 << 64) - 1)
    write_metrics([far], tmp_path / "far.parquet")
    assert parquet.read_table(tmp_path / "far.parquet")["number"].to_pylist() == [far.number]
    with pytest.raises(ConfigError, match=r"\.parquet or \.csv"):
        write_metrics(done.records, tmp_path / "blocks.xlsx")


# ---- the command


def command(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    status = main(["replay", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_the_command_replays_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    block = DATA / "mainnet" / "2675001.json.xz"
    witnesses = DATA / "mainnet-witness"
    table = tmp_path / "m.csv"
    status, out, _ = command(
        capsys, block, "--witness", witnesses, "--processes", 0, "--json", "--metrics", table
    )
    first, total = map(json.loads, out.splitlines())
    assert status == 0
    assert (first["number"], first["verdict"], total["equal"]) == (2675001, "equal", 1)
    assert "2675001" in table.read_text()
    status, out, _ = command(capsys, block, "--processes", 0)
    assert (status, out.split(";")[0]) == (0, "1 blocks: 1 equal")
    status, out, _ = command(capsys, block, "--fork", "berlin", "--processes", 0)
    assert status == 1
    assert "first divergence: block 2675001 (2675001.json.xz): " in out


def test_the_command_replays_a_chain(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    given = ("--datadir", folder, "--processes", 0, "--json")
    for arguments, numbers in {
        ("3..9",): range(3, 10),
        ("..", "--checkpoints", 6): range(1, BLOCKS + 1),
        ("18..", "--witnesses"): range(18, BLOCKS + 1),
        ("..2",): range(1, 3),
        ("7",): range(7, 8),
    }.items():
        status, out, _ = command(capsys, *arguments, *given)
        *records, total = map(json.loads, out.splitlines())
        assert status == 0
        assert [each["number"] for each in records] == list(numbers)
        assert total["first_divergence"] is None
    status, out, _ = command(capsys, "..", *given, "--fork", "istanbul")
    assert status == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere.json"],
        ["a..b", "--datadir", "D"],
        ["²", "--datadir", "D"],
        ["١..", "--datadir", "D"],
        ["9" * 5000, "--datadir", "D"],
        ["1", "2", "--datadir", "D"],
        ["..", "--datadir", "D", "--witness", "w.json"],
        ["..", "--datadir", "D", "--witnesses", "--checkpoints", "3"],
        ["B", "--witnesses"],
        ["B", "--metrics", "table.txt"],
        ["B", "--address", "auto"],
        ["..", "--datadir", "nowhere"],
    ],
)
def test_wrong_usage_is_said_in_a_line(
    arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"D": str(folder), "B": str(DATA / "mainnet" / "1.json.xz")}
    status, _, err = command(capsys, *(places.get(each, each) for each in arguments))
    assert status == 2
    assert err.startswith("blockstm replay: ")
    assert err.count("\n") == 1


INTERRUPTED = """
import signal, sys
from blockstm.cli import main
from blockstm.replay.progress import ProgressFile
add, seen = ProgressFile.add, []
def interrupted(self, records):
    add(self, records)
    seen.append(records)
    if len(seen) == 3:
        signal.raise_signal(signal.SIGINT)
ProgressFile.add = interrupted
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_leaves_a_file_to_go_on_from(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = tmp_path / "progress.json"
    arguments = ["..", "--datadir", str(folder), "--processes", "0", "--progress", str(progress)]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, "replay", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert "the same command goes on from there" in done.stderr
    status, out, _ = command(capsys, *arguments)
    assert status == 0
    assert f"{BLOCKS} blocks: {BLOCKS} equal, 3 of them done before" in out


def test_a_mistake_in_a_progress_file_is_a_usage_error(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "progress.json"
    path.write_text("{}")
    with pytest.raises(UsageError):
        replay(FolderBlocks(folder, 1, 2), processes=0, progress=path)
