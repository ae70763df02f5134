"""Archives, ``.era1`` and ``.ere``: written, read, compared with go-ethereum's, and damaged."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("cramjam")

from cramjam import snappy
from tests.chain.archive_parts import Part, indexed, joined, parts_of, read, written
from tests.chain.growing import child, genesis, random_transactions
from tests.ethereum.test_chain_imports import members

from blockstm.chain import Chain
from blockstm.chain.archives import read_archive, write_archive
from blockstm.chain.archives.accumulator import accumulator_root
from blockstm.chain.archives.e2store import Kind
from blockstm.chain.archives.frames import compress, decompress
from blockstm.chain.files import read_blocks, split_blocks
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.genesis import parse_genesis
from blockstm.types import Hash32

Change = Callable[[list[Part]], list[Part]]

KINDS = ("era1", "ere")
COUNT = 6
MERGE = 36
"""The first block after the merge of the chain of execution-apis."""


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """A chain before the merge, with all kinds of transactions."""
    draw = random.Random(3)
    with Chain.in_memory(genesis("london"), workers=1) as chain:
        for _ in range(COUNT):
            made = random_transactions(chain, chain.head.hash, draw)
            chain.import_block(child(chain, None, made))
        yield chain


@pytest.fixture(scope="module")
def archives(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("archives")
    return {kind: written(chain, folder / f"chain.{kind}", kind) for kind in KINDS}


@cache
def official() -> Chain:
    """The chain of execution-apis: all forks, legacy receipts with state roots to blobs."""
    found = members("execution-apis")
    chain = Chain.in_memory(parse_genesis(json.loads(found["genesis.json"])), workers=1)
    for _ in chain.import_blocks(split_blocks(io.BytesIO(found["chain.rlp"]))):
        pass
    return chain


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read(chain: Chain, archives: dict[str, bytes], kind: str) -> None:
    found = read(archives[kind])
    assert len(found) == COUNT + 1
    for number, each in enumerate(found):
        assert each.block.encode() == chain.block(number).encode()
        assert each.receipts == tuple(one.encode() for one in chain.receipts(number))
        assert each.total_difficulty == chain.total_difficulty(number)


@pytest.mark.parametrize(
    ("kind", "last", "content"),
    [
        ("era1", MERGE - 1, "e706c894b9275fce6953660106398bbccd9db436de92ce40c6f960d88a2d2abf"),
        ("ere", 54, "b2d4e11977e63e18138c7788f6fb891dfefb063a897abd60cb0b1bc9434f7f68"),
    ],
)
def test_it_is_what_geth_writes(tmp_path: Path, kind: str, last: int, content: str) -> None:
    """The digests are of what ``geth export-history`` wrote, frames decompressed."""
    chain = official()
    numbers = range(last + 1)
    blocks = ((chain.block(n), chain.receipts(n), chain.total_difficulty(n)) for n in numbers)
    done = write_archive(tmp_path / "archive", blocks, kind)
    assert done.accumulator is not None
    assert done.accumulator.hex().startswith("7c27d1f93977601e08887431c3a4124d")
    assert digest((tmp_path / "archive").read_bytes()) == content
    assert [each.block.hash for each in read_archive(tmp_path / "archive")] == [
        chain.block_hash(n) for n in numbers
    ]


def digest(data: bytes) -> str:
    """A digest of an archive but for how it was compressed, and so for the places in its index."""
    hashed = hashlib.sha256()
    for kind, part in parts_of(data)[:-1]:
        is_framed = kind not in (Kind.VERSION, Kind.TOTAL_DIFFICULTY, Kind.ACCUMULATOR)
        content = decompress(part, "part") if is_framed else part
        hashed.update(kind.to_bytes(2) + len(content).to_bytes(8) + content)
    return hashed.hexdigest()


def test_after_the_merge_there_are_no_difficulties(tmp_path: Path) -> None:
    chain = official()
    blocks = [(chain.block(n), chain.receipts(n), 0) for n in range(MERGE, 55)]
    done = write_archive(tmp_path / "a.ere", blocks, "ere")
    assert done.accumulator is None
    assert done.name("mainnet", "ere") == f"mainnet-00000-{chain.head.hash.hex()[:8]}-noproofs.ere"
    found = list(read_archive(tmp_path / "a.ere"))
    assert [each.block.header.number for each in found] == list(range(MERGE, 55))
    assert {each.total_difficulty for each in found} == {None}


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_imported(
    chain: Chain, archives: dict[str, bytes], kind: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(archives[kind])
    with Chain.in_memory(genesis("london"), workers=1) as other:
        done = list(other.import_blocks(read_blocks(path)))
        assert (other.head.hash, len(done)) == (chain.head.hash, COUNT + 1)


# ---- what is damaged


def refused(data: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        read(data)
    assert caught.value.place, caught.value
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_that_ends_early_is_refused(archives: dict[str, bytes], kind: str) -> None:
    data = archives[kind]
    draw = random.Random(1)
    places = {*range(40), *range(len(data) - 300, len(data)), *draw.sample(range(len(data)), 300)}
    for end in places:
        refused(data[:end])


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_told_or_changes_nothing(archives: dict[str, bytes], kind: str) -> None:
    data, draw = archives[kind], random.Random(2)
    whole, told = read(data), 0
    for _ in range(600):
        at, bit = draw.randrange(len(data)), 1 << draw.randrange(8)
        damaged = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        try:
            found = read(damaged)
        except DecodeError:
            told += 1
        else:
            assert found == whole
    assert told > 500


def moved(parts: list[Part], kind: int, to: int) -> list[Part]:
    """The first entry of a kind at another place."""
    at = next(n for n, part in enumerate(parts) if part[0] == kind)
    part = parts.pop(at)
    return [*parts[:to], part, *parts[to:]]


def swapped(kind: int) -> Change:
    """The first two entries of a kind, each in the place of the other."""

    def change(parts: list[Part]) -> list[Part]:
        one, two = [n for n, part in enumerate(parts) if part[0] == kind][1:3]
        parts[one], parts[two] = parts[two], parts[one]
        return parts

    return change


def without(kind: int) -> Change:
    """One entry of a kind is missing."""

    def change(parts: list[Part]) -> list[Part]:
        del parts[max(n for n, part in enumerate(parts) if part[0] == kind)]
        return parts

    return change


def with_other(kind: int, data: bytes) -> Change:
    """The last entry of a kind has other data."""

    def change(parts: list[Part]) -> list[Part]:
        at = max(n for n, part in enumerate(parts) if part[0] == kind)
        parts[at] = kind, data
        return parts

    return change


EMPTY_BODY = compress(encode([[], []]))
WRONG: dict[str, Change] = {
    "no version": lambda parts: parts[1:],
    "a version twice": lambda parts: [parts[0], *parts],
    "headers in another order": swapped(Kind.HEADER),
    "bodies in another order": swapped(Kind.BODY),
    "no header": without(Kind.HEADER),
    "no body": without(Kind.BODY),
    "no difficulty": without(Kind.TOTAL_DIFFICULTY),
    "the accumulator first": lambda parts: moved(parts, Kind.ACCUMULATOR, 1),
    "a body before its header": lambda parts: moved(parts, Kind.BODY, 1),
    "something between the blocks": lambda parts: [*parts[:3], (0x1234, b""), *parts[3:]],
    "another accumulator": with_other(Kind.ACCUMULATOR, bytes(32)),
    "a short accumulator": with_other(Kind.ACCUMULATOR, bytes(31)),
    "another difficulty": with_other(Kind.TOTAL_DIFFICULTY, bytes(32)),
    "a short difficulty": with_other(Kind.TOTAL_DIFFICULTY, bytes(8)),
    "the body of another block": with_other(Kind.BODY, EMPTY_BODY),
    "no RLP in a body": with_other(Kind.BODY, compress(b"\xff")),
    "no frames": with_other(Kind.BODY, b"hello"),
    "an empty stream": with_other(Kind.BODY, compress(b"")),
    "an entry behind the accumulator": lambda parts: [*parts, (0x1234, b"")],
    "no blocks": lambda parts: [parts[0], parts[-1]],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", WRONG)
def test_what_is_out_of_order_is_refused(archives: dict[str, bytes], kind: str, what: str) -> None:
    parts = WRONG[what](parts_of(archives[kind])[:-1])
    refused(indexed(parts) if "no blocks" not in what else joined(parts))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [0, 1, 2, -2, -1])
def test_an_index_that_says_something_else_is_refused(
    archives: dict[str, bytes], kind: str, place: int
) -> None:
    *parts, (index_kind, index) = parts_of(archives[kind])
    words = [index[at : at + 8] for at in range(0, len(index), 8)]
    for other in (b"\1" + bytes(7), b"\xff" * 8, words[place][:1] + words[place][1:7] + b"\x7f"):
        changed = [*words]
        changed[place] = other
        if changed != words:
            refused(joined([*parts, (index_kind, b"".join(changed))]))
    refused(joined([*parts, (index_kind, index[:-1])]))
    refused(joined([*parts, (index_kind, b"")]))
    refused(archives[kind] + joined([(0x1234, b"")]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_names_the_place(archives: dict[str, bytes], kind: str) -> None:
    parts = parts_of(archives[kind])[:-1]
    at = [n for n, part in enumerate(parts) if part[0] == Kind.BODY][2]
    data = parts[at][1]
    parts[at] = Kind.BODY, data[:-1] + bytes([data[-1] ^ 1])
    byte = len(joined(parts[:at]))
    assert refused(indexed(parts)).place == f"body at byte {byte}"


@pytest.mark.parametrize("kind", KINDS)
def test_other_entries_stand_behind_the_blocks(archives: dict[str, bytes], kind: str) -> None:
    *parts, accumulator = parts_of(archives[kind])[:-1]
    assert read(indexed([*parts, (0x1234, b"other"), accumulator])) == read(archives[kind])


@pytest.mark.parametrize("left", [(), (Kind.SLIM_RECEIPTS,), (Kind.TOTAL_DIFFICULTY,)])
def test_ere_may_leave_parts_out(archives: dict[str, bytes], left: tuple[int, ...]) -> None:
    parts = [part for part in parts_of(archives["ere"])[:-1] if part[0] not in left]
    found, whole = read(indexed(parts)), read(archives["ere"])
    assert [each.block for each in found] == [each.block for each in whole]
    assert (found[1].receipts is None) == (Kind.SLIM_RECEIPTS in left)
    assert (found[1].total_difficulty is None) == (Kind.TOTAL_DIFFICULTY in left)
    if Kind.TOTAL_DIFFICULTY in left:  # from block 0 on the headers say them
        refused(indexed(with_other(Kind.ACCUMULATOR, bytes(32))(parts)))


def test_proofs_stand_where_they_belong(archives: dict[str, bytes]) -> None:
    parts = parts_of(archives["ere"])[:-1]
    proof = (int(Kind.PROOF), compress(encode([0, b"proof"])))
    at = 1 + 3 * (COUNT + 1)
    with_proofs = [*parts[:at], *[proof] * (COUNT + 1), *parts[at:]]
    assert read(indexed(with_proofs)) == read(archives["ere"])
    refused(indexed([*parts[:at], proof, *parts[at:]]))


def test_a_stream_is_no_longer_than_it_may_be() -> None:
    chunk = snappy.compress(bytes(1 << 16))
    many = bytes(chunk) + bytes(chunk)[10:] * 4096
    with pytest.raises(DecodeError, match="more than"):
        decompress(many, "part")


@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 200_000])
def test_frames_hold_what_was_put_in(size: int) -> None:
    data = random.Random(size).randbytes(size // 2) + bytes(size - size // 2)
    assert decompress(compress(data), "part") == data


def test_what_is_after_the_merge_is_no_era1(tmp_path: Path) -> None:
    chain = official()
    blocks = [(chain.block(n), chain.receipts(n), 1) for n in (MERGE - 1, MERGE)]
    with pytest.raises(InputError, match="after the merge"):
        write_archive(tmp_path / "a.era1", blocks, "era1")
    with pytest.raises(InputError, match="does not stand on"):
        write_archive(tmp_path / "a.ere", blocks[::-1], "ere")
    with pytest.raises(InputError, match="one block at least"):
        write_archive(tmp_path / "a.ere", [], "ere")
    assert not list(tmp_path.iterdir())  # nothing that is no archive is left


def test_an_accumulator_is_the_root_of_a_list() -> None:
    """Of nothing, one record and all: against the tree as the SSZ specification draws it."""

    def sha(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(left + right).digest()

    def tree(leaves: list[bytes], depth: int) -> bytes:
        if not depth:
            return leaves[0] if leaves else bytes(32)
        half = 1 << depth - 1
        return sha(tree(leaves[:half], depth - 1), tree(leaves[half:], depth - 1))

    for count in (0, 1, 2, 3, 100):
        records = [(Hash32(bytes([n]) * 32), n << 70) for n in range(count)]
        leaves = [sha(one, total.to_bytes(32, "little")) for one, total in records]
        wanted = sha(tree(leaves, 13), count.to_bytes(32, "little"))
        assert accumulator_root(records) == wanted
