"""Archives taken apart and put together anew. No test of its own."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from blockstm.chain import Chain
from blockstm.chain.archives import ArchivedBlock, archived_blocks, find_layout, write_archive
from blockstm.chain.archives.e2store import Kind, walk

Part = tuple[int, bytes]
"""The type of an entry, and its data."""

ERE_ORDER = (
    *(Kind.HEADER, Kind.BODY, Kind.SLIM_RECEIPTS),
    *(Kind.TOTAL_DIFFICULTY, Kind.PROOF),
)


def written(chain: Chain, path: Path, kind: str) -> bytes:
    """All blocks of a chain in an archive."""
    numbers = range(chain.head.number + 1)
    blocks = ((chain.block(n), chain.receipts(n), chain.total_difficulty(n)) for n in numbers)
    write_archive(path, blocks, kind)
    return path.read_bytes()


def read(data: bytes) -> list[ArchivedBlock]:
    """The blocks of an archive."""
    file = io.BytesIO(data)
    return list(archived_blocks(file, find_layout(file)))


def parts_of(data: bytes) -> list[Part]:
    """The entries of an archive."""
    return [
        (each.kind, data[each.at + 8 : each.at + 8 + each.size]) for each in walk(io.BytesIO(data))
    ]


def joined(parts: Iterable[Part]) -> bytes:
    """Entries one behind the other."""
    return b"".join(
        kind.to_bytes(2, "little") + len(data).to_bytes(4, "little") + bytes(2) + data
        for kind, data in parts
    )


def indexed(parts: Sequence[Part], first: int = 0) -> bytes:
    """Entries with an index behind them that fits: where each part of each block stands."""
    is_old = any(kind == Kind.RECEIPTS for kind, _ in parts)
    order = [Kind.HEADER] if is_old else [*ERE_ORDER]
    places: dict[int, list[int]] = {}
    at = 0
    for kind, data in parts:
        places.setdefault(kind, []).append(at)
        at += 8 + len(data)
    columns = [places[kind] for kind in order if kind in places]
    words = [first]
    words += [(place - at) % 2**64 for block in zip(*columns, strict=False) for place in block]
    words += [] if is_old else [len(columns)]
    words.append(len(columns[0]))
    index = b"".join(word.to_bytes(8, "little") for word in words)
    kind = Kind.BLOCK_INDEX if is_old else Kind.DYNAMIC_BLOCK_INDEX
    return joined([*parts, (kind, index)])
