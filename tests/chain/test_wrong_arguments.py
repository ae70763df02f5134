"""What a chain and its states are given in place of what they take: the error says so, at once."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import COUNTER, RECIPIENTS, genesis, random_line

from blockstm.chain import Chain
from blockstm.chain.archives import find_layout, read_archive
from blockstm.chain.files import (
    BlockFile,
    export_archive,
    export_archives,
    read_blocks,
    write_blocks,
)
from blockstm.errors import (
    BlockstmError,
    ClosedError,
    ConfigError,
    DecodeError,
    InputError,
    UnknownBlock,
    UsageError,
)
from blockstm.ethereum import (
    Block,
    read_block_file,
    read_stateless_file,
    read_witness,
    state_root,
)

pytest.importorskip("mdbx")


class OtherBytes(bytes):
    """Bytes, too."""


def kind(given: object) -> str:
    """A name that is the same in all processes, in place of one with an address."""
    name = type(given).__name__
    return f"{name}-{given}" if isinstance(given, int) else name


NO_HASHES: list[Any] = [None, True, 3, 1 << 70, 1.5, "0x11", b"", b"1" * 31, bytearray(32), [], {}]
NO_HASHES += [memoryview(bytes(32)), object(), int]
NO_NUMBERS: list[Any] = [None, 1.5, "3", b"1" * 32, [], {}, object(), int]


@pytest.fixture(scope="module")
def line() -> list[Block]:
    return random_line(6, seed=3)


@pytest.fixture(params=["memory", "disk", "read only"])
def chain(request: pytest.FixtureRequest, tmp_path: Path, line: list[Block]) -> Iterator[Chain]:
    opens: dict[str, Callable[[], Chain]] = {
        "memory": lambda: Chain.in_memory(genesis(), workers=1),
        "disk": lambda: Chain.open(tmp_path, genesis(), workers=1),
    }
    with opens.get(request.param, opens["disk"])() as chain:
        list(chain.import_blocks(line))
        if request.param != "read only":
            yield chain
            return
    with Chain.open(tmp_path, read_only=True) as reader:
        yield reader


@pytest.mark.parametrize("given", NO_HASHES, ids=kind)
def test_no_hash(chain: Chain, given: Any) -> None:
    for ask in (chain.has_block, chain.is_canonical, chain.transaction):
        with pytest.raises(InputError, match="32 bytes"):
            ask(given)
    with pytest.raises(InputError, match="32 bytes"):
        chain.state_at(3).code(given)


@pytest.mark.parametrize("given", NO_NUMBERS, ids=kind)
def test_no_number(chain: Chain, given: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the number of a block is an int"):
        chain.block_hash(given)
    for first, last in ((given, 3), (0, given)):
        with pytest.raises(InputError, match="the number of a block is an int"):
            export_archive(tmp_path / "one.ere", chain, first, last, "ere")
        with pytest.raises(InputError, match="the number of a block is an int"):
            export_archives(tmp_path / "many", chain, first, last, "ere", "net")
    assert not (tmp_path / "many").exists()
    state = chain.state_at(3)
    with pytest.raises(InputError, match="a slot is an int"):
        state.storage(COUNTER, given)
    with pytest.raises(InputError, match="a slot is an int"):
        state.proof(COUNTER, [given])
    assert given.__hash__ is None or given not in state.block_hashes


def test_a_hash_that_is_of_another_class_of_bytes(chain: Chain, line: list[Block]) -> None:
    assert chain.has_block(OtherBytes(line[2].hash))
    assert chain.is_canonical(OtherBytes(line[2].hash))
    assert not chain.has_block(b"1" * 32)
    with pytest.raises(UnknownBlock):
        chain.is_canonical(b"1" * 32)


@pytest.mark.parametrize("given", [None, 3, 1.5, True, object(), int], ids=kind)
def test_what_is_not_iterable(chain: Chain, given: Any, tmp_path: Path) -> None:
    for pipelined in (True, False):
        with pytest.raises((InputError, UsageError)):
            list(chain.import_blocks(given, pipelined=pipelined))
    with pytest.raises(InputError, match="blocks are iterable"):
        write_blocks(tmp_path / "blocks.rlp", given)
    with pytest.raises(InputError, match="slots are iterable"):
        chain.state_at(3).proof(COUNTER, given)


@pytest.mark.parametrize("given", [None, 0, 1, "no"])
def test_what_is_neither_true_nor_false(tmp_path: Path, given: Any, line: list[Block]) -> None:
    for name in ("read_only", "archive", "warm_up"):
        with pytest.raises(ConfigError, match=f"{name} is True or False"):
            Chain.open(tmp_path, genesis(), **{name: given})
    with Chain.in_memory(genesis(), workers=1) as chain:
        with pytest.raises(ConfigError, match="pipelined is True or False"):
            list(chain.import_blocks(line, pipelined=given))
        assert chain.head.number == 0


def test_a_closed_and_a_read_only_chain_ask_for_no_block(tmp_path: Path, line: list[Block]) -> None:
    def blocks() -> Iterator[Block]:
        raise AssertionError("asked")
        yield

    with Chain.open(tmp_path, genesis(), workers=1) as chain:
        list(chain.import_blocks(line))
    with pytest.raises(ClosedError):
        list(chain.import_blocks(blocks()))
    with Chain.open(tmp_path, read_only=True) as reader, pytest.raises(UsageError):
        list(reader.import_blocks(blocks()))


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_chains_and_states_are_not_copied(chain: Chain, act: Callable[[Any], object]) -> None:
    state = chain.state_at(3)
    with pytest.raises(InputError, match="open its folder"):
        act(chain)
    with pytest.raises(InputError, match="ask the chain"):
        act(state)
    for each in (chain.head, chain.block(3), chain.receipts(3), state.proof(RECIPIENTS[0])):
        act(each)
    assert dict(state.block_hashes) == pickle.loads(pickle.dumps(state.block_hashes))


def test_files_and_genesis(tmp_path: Path, chain: Chain) -> None:
    for given in (None, "data", object(), genesis()):
        no_chain: Any = given
        with pytest.raises(InputError, match="a chain is a blockstm"):
            export_archive(tmp_path / "one.ere", no_chain, 0, 2, "ere")
    no_file: Any
    for no_file in (None, "path", b"bytes", 3):
        with pytest.raises(InputError, match="opened to read bytes"):
            find_layout(no_file)
    with pytest.raises((BlockstmError, TypeError)):
        find_layout(StringIO("text"))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(DecodeError, match="the name of a member is text"):
        Chain.in_memory({1: 2})  # type: ignore[dict-item]  # on purpose


@pytest.mark.parametrize("given", [None, True, 3, 1.5, b"bytes", [], {}, object(), int], ids=kind)
def test_what_names_no_file(given: Any) -> None:
    for act in (
        Chain.open,
        read_block_file,
        read_witness,
        read_stateless_file,
        BlockFile,
        lambda path: list(read_blocks(path)),
        lambda path: list(read_archive(path)),
        lambda path: write_blocks(path, []),
    ):
        with pytest.raises(InputError, match="named by a str or a path"):
            act(given)


@pytest.mark.parametrize("given", [None, 3, "text", b"bytes", [1], [(1,)], object()], ids=kind)
def test_what_are_no_accounts(given: Any) -> None:
    with pytest.raises(InputError, match="accounts are"):
        state_root(given)
