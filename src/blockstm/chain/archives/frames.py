"""Snappy's framing format: a stream identifier, then chunks of up to 64 KiB, each with its CRC-32C.

The library decompresses and compares the checksums. Before it does, the chunks are walked: whatever
the bytes are, what comes out is no longer than they announce, and that is bounded.
Source: google/snappy, ``framing_format.txt``.
"""

from __future__ import annotations

from typing import Final

from blockstm.errors import DecodeError
from blockstm.extras import need

__all__ = ["compress", "decompress"]

_IDENTIFIER: Final = b"\xff\x06\x00\x00sNaPpY"
_COMPRESSED: Final = 0x00
_UNCOMPRESSED: Final = 0x01
_SKIPPABLE: Final = range(0x80, 0xFF)
_CRC_SIZE: Final = 4
_CHUNK_MAX: Final = 1 << 16
_SIZE_MAX: Final = 1 << 28
"""Bytes that no part of a block has."""


def compress(data: bytes) -> bytes:
    """Bytes as a stream of frames.

    Raises:
        MissingExtra: there is no library for Snappy.
    """
    need("archives", "writing an archive")
    from cramjam import snappy  # an extra

    return bytes(snappy.compress(data))


def decompress(data: bytes, place: str) -> bytes:
    """What a stream of frames holds; ``place`` names it.

    Raises:
        MissingExtra: there is no library for Snappy.
        DecodeError: it is no such stream, ends early, or a checksum is not that of its chunk.
    """
    need("archives", "reading an archive")
    from cramjam import DecompressionError, snappy  # an extra

    size = _size(data, place)
    try:
        found = bytes(snappy.decompress(data))
    except DecompressionError as error:
        raise _refusal(place, str(error)) from error
    if len(found) != size:
        raise _refusal(place, f"{size} bytes are announced, {len(found)} are there")
    return found


def _size(data: bytes, place: str) -> int:
    """How many bytes the chunks announce."""
    if not data.startswith(_IDENTIFIER):
        raise _refusal(place, f"they begin with 0x{data[: len(_IDENTIFIER)].hex()}")
    at, size = len(_IDENTIFIER), 0
    while at < len(data):
        kind, length = data[at], int.from_bytes(data[at + 1 : at + 4], "little")
        chunk = data[at + 4 : at + 4 + length]
        if len(chunk) < length or at + 4 > len(data):
            raise _refusal(place, f"they end within the chunk at {at}")
        if kind in (_COMPRESSED, _UNCOMPRESSED):
            size += _chunk_size(kind, chunk, f"{place}, chunk at {at}")
        elif kind not in _SKIPPABLE and data[at : at + len(_IDENTIFIER)] != _IDENTIFIER:
            raise _refusal(place, f"the chunk at {at} is of the unknown kind 0x{kind:02x}")
        if size > _SIZE_MAX:
            raise _refusal(place, f"more than {_SIZE_MAX:,} bytes are announced")
        at += 4 + length
    return size


def _chunk_size(kind: int, chunk: bytes, place: str) -> int:
    """How many bytes a chunk announces, behind its checksum: in a varint, or by its length."""
    size = len(chunk) - _CRC_SIZE
    if kind == _COMPRESSED:
        digits = chunk[_CRC_SIZE : _CRC_SIZE + 3]
        size, shift = 0, 0
        for digit in digits:
            size |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                break
        else:
            size = -1
    if not 0 <= size <= _CHUNK_MAX:
        raise _refusal(place, "its length is none that a chunk has")
    return size


def _refusal(place: str, what: str) -> DecodeError:
    return DecodeError(f"{place}: no Snappy frames: {what}", place)
