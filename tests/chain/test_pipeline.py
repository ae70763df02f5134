"""Blocks imported several at a time come to the same as one after another, whatever goes wrong."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import (
    SENDERS,
    child,
    genesis,
    random_line,
    random_transactions,
    with_other_root,
)
from tests.chain.test_model import Model, compare
from tests.ethereum.made import signed

from blockstm.chain import Chain, ImportedBlock, importing
from blockstm.chain.blocks import Blocks
from blockstm.chain.disk_state import DiskState
from blockstm.chain.disk_working import DiskWorking
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.running_ahead import RunAhead
from blockstm.errors import (
    BlockstmError,
    DecodeError,
    ForkedError,
    InputError,
    InvalidBlock,
    PrunedState,
    StoreError,
    UnknownParent,
)
from blockstm.ethereum import Block
from blockstm.state.changes import RecordedChanges
from blockstm.types import Address

WINDOW = 12
SMALL_WINDOW = 5
Opened = Callable[[], Chain]


@pytest.fixture(params=["memory", "disk"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Opens a chain that begins anew each time."""
    chains: list[Chain] = []

    def begin() -> Chain:
        if request.param == "memory":
            chains.append(Chain.in_memory(genesis(), window=WINDOW, workers=1))
        else:
            pytest.importorskip("mdbx")
            folder = tmp_path / str(len(chains))
            chains.append(
                Chain.open(folder, genesis(), window=WINDOW, workers=1, cache_bytes=1 << 20)
            )
        return chains[-1]

    yield begin
    for chain in chains:
        chain.close()


@pytest.fixture(scope="module")
def line() -> list[Block]:
    """A chain of blocks."""
    return random_line(20, seed=3)


def outcome(chain: Chain, blocks: Any, *, pipelined: bool) -> tuple[Any, ...]:
    """What a stream gave, what it raised, and what the chain is then."""
    given: list[ImportedBlock] = []
    error: tuple[type, str] | None = None
    try:
        given.extend(chain.import_blocks(blocks, pipelined=pipelined))
    except (BlockstmError, RuntimeError) as raised:
        error = type(raised), str(raised)
    assert chain.audit().findings == ()
    told = [
        (each.hash, each.is_head, each.executed and each.executed.state_root, each.receipts)
        for each in given
    ]
    return told, error, chain.head.hash, chain.oldest_state, held(chain)


def held(chain: Chain) -> list[Any]:
    """Everything that can be asked of the blocks and the states of a chain."""
    blocks = []
    for number in range(chain.head.number + 1):
        block = chain.block(number)
        accounts = []
        if number >= chain.oldest_state:
            state = chain.state_at(number)
            accounts = [state.account(each.to) for each in block.transactions if each.to]
        blocks.append((block.encode(), block.senders, chain.receipts(number), accounts))
    return blocks


def same(opened: Opened, blocks: Callable[[], Any]) -> tuple[Any, ...]:
    """Both ways come to the same; what that is."""
    expected = outcome(opened(), blocks(), pipelined=False)
    assert outcome(opened(), blocks(), pipelined=True) == expected
    return expected


def with_other_receipts(block: Block) -> Block:
    header = replace(block.header, receipts_root=bytes(32))
    return replace(block, header=header, hash=header.hash)


def test_a_block_on_the_head_becomes_it_without_a_way_being_looked_for(
    opened: Opened, line: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = opened()
    monkeypatch.setattr(Blocks, "path", lambda *_: pytest.fail("it stands on the head"))
    assert [each.hash for each in chain.import_blocks(line[:4])] == [each.hash for each in line[:4]]
    assert chain.import_block(line[4]).is_head
    monkeypatch.undo()
    assert [chain.block(each.header.number).hash for each in line[:5]] == [
        each.hash for each in line[:5]
    ]


def test_a_stream_is_imported(opened: Opened, line: list[Block]) -> None:
    told, error, head, _, _ = same(opened, lambda: [each.encode() for each in line])
    assert error is None
    assert head == line[-1].hash
    assert [each[0] for each in told] == [each.hash for each in line]
    assert all(
        root == each.header.state_root for (_, _, root, _), each in zip(told, line, strict=True)
    )


@pytest.mark.parametrize("spoiled", [with_other_root, with_other_receipts])
@pytest.mark.parametrize("place", [0, 1, 2, 3, 9, 18, 19])
def test_a_bad_block_takes_what_ran_on_it_with_it(
    opened: Opened, line: list[Block], place: int, spoiled: Callable[[Block], Block]
) -> None:
    """Those behind stand on the bad one, as if nothing were wrong with it."""
    bad = spoiled(line[place])
    rest = []
    for block in line[place + 1 :]:
        header = replace(block.header, parent_hash=(rest or [bad])[-1].hash)
        rest.append(replace(block, header=header, hash=header.hash))
    told, error, head, _, _ = same(opened, lambda: [*line[:place], bad, *rest])
    assert error is not None
    assert error[0] is InvalidBlock
    assert len(told) == place
    assert head == (line[place - 1].hash if place else genesis().block.hash)


@pytest.mark.parametrize("place", [0, 1, 5])
def test_what_is_no_block_ends_a_stream(opened: Opened, line: list[Block], place: int) -> None:
    for wrong, kind in ((b"\xc0", DecodeError), (7, InputError), (line[place + 3], UnknownParent)):
        stream = [*line[:place], wrong, *line[place:]]
        told, error, _, _, _ = same(opened, lambda stream=stream: stream)
        assert len(told) == place
        assert error is not None
        assert error[0] is kind


def test_what_the_source_raises_comes_behind_its_blocks(opened: Opened, line: list[Block]) -> None:
    def source() -> Iterator[Block]:
        yield from line[:4]
        raise RuntimeError("the source ends")

    told, error, _, _, _ = same(opened, source)
    assert len(told) == 4
    assert error == (RuntimeError, "the source ends")


def test_a_stream_may_hold_known_blocks_and_other_branches(
    opened: Opened, line: list[Block]
) -> None:
    with Chain.in_memory(genesis(), workers=1) as chain:
        list(chain.import_blocks(line[:5]))
        aside = [child(chain, line[2].hash, (), seconds=15)]
        chain.import_block(aside[0])
        aside.append(child(chain, aside[0].hash, (), seconds=15))
    stream = [*line[:6], line[2], *aside, *line[4:9], aside[0], *line[9:]]
    told, error, head, _, _ = same(opened, lambda: stream)
    assert error is None
    assert (len(told), head) == (len(stream), line[-1].hash)


def test_other_calls_in_the_middle_of_a_stream(opened: Opened, line: list[Block]) -> None:
    """Each sees what the stream has come to."""
    chain = opened()
    given = chain.import_blocks(iter(line))
    first = next(given)
    assert chain.has_block(first.hash)
    for block in line[:3]:
        assert chain.import_block(block).hash == block.hash
    assert chain.audit().findings == ()
    assert [first.hash, *(each.hash for each in given)] == [each.hash for each in line]
    assert chain.head.hash == line[-1].hash


def test_a_stream_that_is_left_keeps_what_ran(opened: Opened, line: list[Block]) -> None:
    chain = opened()
    given = chain.import_blocks(line)
    first = next(given)
    given.close()
    assert first.number == 1
    assert chain.audit().findings == ()
    assert chain.is_canonical(first.hash)
    list(chain.import_blocks(line))
    assert chain.head.hash == line[-1].hash
    assert chain.audit().findings == ()


def test_a_forked_child_imports_nothing(
    tmp_path: Path, line: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mdbx")
    monkeypatch.setattr(importing, "_STAGED_SECONDS", 0.0)  # a few blocks are given at a time
    asked = 0

    def source() -> Iterator[Block]:
        nonlocal asked
        for block in line:
            asked += 1
            yield block

    with Chain.open(tmp_path / "data", genesis(), workers=1) as chain:
        given = chain.import_blocks(source())
        next(given)
        before = asked
        child_id = os.fork()
        if child_id == 0:
            try:
                with suppress(ForkedError):  # unless all blocks had been imported before
                    list(given)
            except BaseException:
                os._exit(1)
            os._exit(0 if asked == before else 2)
        assert os.waitstatus_to_exitcode(os.waitpid(child_id, 0)[1]) == 0
        assert len(list(given)) == len(line) - 1
        assert chain.head.hash == line[-1].hash


def test_a_commit_that_fails_behind_leaves_the_last(
    tmp_path: Path, line: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was given before is there, and the stream can be imported again."""
    pytest.importorskip("mdbx")
    monkeypatch.setattr(importing, "_STAGED_SECONDS", 0.0)
    commit = MdbxStore.commit
    for failing in range(1, 6):
        with Chain.open(tmp_path / str(failing), genesis(), window=WINDOW, workers=1) as chain:
            count = 0

            def fail(self: MdbxStore, batch: Any, failing: int = failing) -> None:
                nonlocal count
                count += 1
                if count == failing:
                    raise StoreError("the disk fails")
                commit(self, batch)

            monkeypatch.setattr(MdbxStore, "commit", fail)
            given: list[ImportedBlock] = []
            with suppress(StoreError):
                given.extend(chain.import_blocks(line))
            assert chain.head.number >= len(given)
            assert [each.hash for each in given] == [each.hash for each in line[: len(given)]]
            assert chain.audit().findings == ()
            list(chain.import_blocks(line))
            assert chain.head.hash == line[-1].hash
            assert chain.audit().findings == ()


def test_readers_see_what_is_given_where_the_database_stops(
    tmp_path: Path, line: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops beside the thread that has just heard that blocks are durable."""
    pytest.importorskip("mdbx")
    monkeypatch.setattr(importing, "_STAGED_SECONDS", -1.0)  # always full
    seal, chunks = RunAhead.seal, 0

    def stop(self: MdbxStore, *_: Any) -> None:
        raise StoreError("the database has stopped")

    def seal_and_stop(self: RunAhead, *given: Any, **options: Any) -> None:
        nonlocal chunks
        chunks += 1
        if chunks == 2:  # in the step that finds the first durable
            monkeypatch.setattr(MdbxStore, "commit", stop)
            monkeypatch.setattr(MdbxStore, "snapshot", stop)
        seal(self, *given, **options)
        self.wait(for_all=False)

    monkeypatch.setattr(RunAhead, "seal", seal_and_stop)
    chain = Chain.open(tmp_path / "chain", genesis(), window=WINDOW, workers=1)
    given: list[ImportedBlock] = []
    with pytest.raises(StoreError, match="has stopped"):
        given.extend(chain.import_blocks(line))
    assert chain.head.number >= len(given)
    assert chain.state_at(chain.head.number).root == chain.head.header.state_root
    chain.close()


@pytest.mark.parametrize("is_pipelined", [False, True])
def test_more_blocks_than_the_window_are_taken_back(
    tmp_path: Path, line: list[Block], monkeypatch: pytest.MonkeyPatch, is_pipelined: bool
) -> None:
    """What is forgotten behind the window still leads back to what is durable."""
    pytest.importorskip("mdbx")
    monkeypatch.setattr(importing, "_STAGED_SECONDS", 1e9)  # nothing is durable before the end
    with Chain.open(tmp_path / "chain", genesis(), window=SMALL_WINDOW, workers=1) as chain:
        chain.import_block(line[0])
        state = chain.state_at(1)
        with monkeypatch.context() as disk:

            def fail(self: MdbxStore, batch: Any) -> None:
                raise StoreError("the disk fails")

            disk.setattr(MdbxStore, "commit", fail)
            with pytest.raises(StoreError, match="the disk fails"):
                list(chain.import_blocks(line, pipelined=is_pipelined))
        assert (chain.head.number, chain.oldest_state) == (1, 0)
        assert chain.audit().findings == ()
        list(chain.import_blocks(line, pipelined=is_pipelined))
        assert chain.head.hash == line[-1].hash
        assert chain.oldest_state == len(line) - SMALL_WINDOW
        assert chain.audit().findings == ()
        assert state.root == line[0].header.state_root


def test_what_fails_behind_a_commit_leaves_the_block_that_is_kept(
    tmp_path: Path, line: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only reading from what was written fails: the block is durable, and the chain knows it."""
    pytest.importorskip("mdbx")
    with Chain.open(tmp_path / "chain", genesis(), window=WINDOW, workers=1) as chain:
        chain.import_block(line[0])
        with monkeypatch.context() as memory:

            def fail(self: DiskWorking) -> None:
                raise MemoryError

            memory.setattr(DiskWorking, "follow", fail)
            with pytest.raises(MemoryError):
                chain.import_block(line[1])
        assert chain.head.hash == line[1].hash
        for block in line[2:]:
            chain.import_block(block)
        assert chain.audit().findings == ()
    with Chain.open(tmp_path / "chain") as chain:
        assert chain.head.hash == line[-1].hash


@pytest.mark.parametrize("is_slow", [False, True])
def test_all_is_forgotten_behind_the_window(
    tmp_path: Path, line: list[Block], monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    """Also what still led back to a durable head while later blocks were staged."""
    pytest.importorskip("mdbx")
    monkeypatch.setattr(importing, "_STAGED_SECONDS", 1e9 if is_slow else 0.0)
    for pipelined in (False, True):
        folder = tmp_path / str(pipelined)
        with Chain.open(folder, genesis(), window=SMALL_WINDOW, workers=1) as chain:
            list(chain.import_blocks(line, pipelined=pipelined))
            oldest = len(line) - SMALL_WINDOW
            assert chain.oldest_state == oldest
            assert chain.state_at(oldest).root == line[oldest - 1].header.state_root
            with pytest.raises(PrunedState):
                chain.state_at(oldest - 1)


@pytest.mark.parametrize("place", [1, 4, 12])
def test_what_cannot_be_taken_back_ends_importing(
    tmp_path: Path, line: list[Block], monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """No block runs on a state that is none's: until the folder is opened again all say so."""
    pytest.importorskip("mdbx")
    apply_ahead = DiskState.apply_ahead

    def fail(self: DiskState, changes: Any) -> bytes:
        if isinstance(changes, RecordedChanges):  # those that take a block back
            raise StoreError("the disk fails")
        return apply_ahead(self, changes)

    monkeypatch.setattr(DiskState, "apply_ahead", fail)
    bad = with_other_root(line[place])
    with Chain.open(tmp_path / "data", genesis(), window=WINDOW, workers=1) as chain:
        with pytest.raises(StoreError, match=r"the disk fails|open it again"):
            list(chain.import_blocks([*line[:place], bad]))
        monkeypatch.undo()  # it does no more
        for call in (
            lambda: chain.import_block(line[0]),
            lambda: list(chain.import_blocks(line)),
            lambda: chain.set_head(genesis().block.hash),
            chain.audit,
        ):
            with pytest.raises(StoreError, match="open it again"):
                call()
        assert chain.head.number <= place
        assert chain.state_at(chain.head.number).root == chain.head.header.state_root
    with Chain.open(tmp_path / "data", window=WINDOW, workers=1) as chain:
        assert chain.audit().findings == ()
        list(chain.import_blocks(line))
        assert chain.head.hash == line[-1].hash


def test_recipients_of_a_wrong_block_have_nothing(opened: Opened, line: list[Block]) -> None:
    """Nor do blocks that are imported afterwards find what it paid."""
    stranger = Address(b"\x77" * 20)
    with Chain.in_memory(genesis(), workers=1) as aside:
        list(aside.import_blocks(line[:9]))
        top = aside.head.hash
        sender = aside.state_at(top).account(SENDERS[0])
        pays = signed(0, nonce=sender.nonce if sender else 0, to=stranger, gas_price=10**9)
        good = child(aside, top, [pays])
        aside.import_block(good)
        on_it = child(aside, good.hash)
    wrong = with_other_root(good)
    header = replace(on_it.header, parent_hash=wrong.hash)
    chain = opened()
    with pytest.raises(InvalidBlock):
        list(
            chain.import_blocks([*line[:9], wrong, replace(on_it, header=header, hash=header.hash)])
        )
    assert chain.head.hash == top
    assert chain.state_at(top).account(stranger) is None
    list(chain.import_blocks(line[9:]))  # their roots are compared
    assert chain.state_at(chain.head.number).account(stranger) is None
    assert chain.audit().findings == ()


@pytest.mark.parametrize("seed", range(3))
def test_streams_of_any_blocks_are_as_the_model(tmp_path: Path, seed: int) -> None:
    """Random streams with bad blocks and branches among them, heads and reopenings in between."""
    pytest.importorskip("mdbx")
    draw = random.Random(seed)

    def begin() -> Chain:
        return Chain.open(
            tmp_path / "data", genesis(), window=WINDOW, workers=1, cache_bytes=1 << 20
        )

    chain = begin()
    with Chain.in_memory(genesis(), window=None, workers=1) as scratch:
        model = Model(scratch)
        for _ in range(8):
            stream: list[Block] = []
            top = draw.choice(model.lineage()[:4])
            scratch.set_head(top)
            for _ in range(draw.randrange(1, 9)):
                transactions = random_transactions(scratch, top, draw)
                block = child(scratch, top, transactions, seconds=12 + draw.randrange(9))
                if scratch.import_block(block).executed is not None:
                    model.add(block)
                top = block.hash
                stream.append(block)
            bad = draw.randrange(3) == 0
            if bad:
                stream.append(with_other_root(child(scratch, top)))
            chain.set_head(stream[0].header.parent_hash)
            try:
                given = [each.hash for each in chain.import_blocks(stream)]
                assert given == [each.hash for each in stream]
                assert not bad
            except InvalidBlock:
                assert bad
            model.head = top
            chain.set_head(top)
            if draw.randrange(2):
                chain.close()
                chain = begin()
            compare(chain, model, chain.oldest_state)
        assert chain.audit().findings == ()
        chain.close()
