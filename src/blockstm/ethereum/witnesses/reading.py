"""A witness from JSON, strictly, in the forms that clients print and others keep.

===================  ==============================================================================
``state``            ``debug_executionWitness`` of go-ethereum, Reth, Nethermind and Erigon:
                     ``state``, ``codes``, ``headers`` (RLP, or JSON as go-ethereum has them),
                     ``keys``; a list, or an object from hashes to what has them
``nodes``            ``parentStateRoot``, ``nodes`` and, optionally, ``codes`` and ``headers``
``states``           a block with ``prev_state_root``, ``states`` and ``codes``, as of Scroll
===================  ==============================================================================

A node's whole answer with one of them is read, too. Order and repetitions mean nothing.
"""

from __future__ import annotations

from pathlib import Path

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.fields import Fields, answer_in, parse_data, parse_hash
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.json_files import read_json
from blockstm.ethereum.witnesses.witness import Witness

__all__ = ["parse_witness", "read_witness"]


def read_witness(path: str | Path) -> Witness:
    """Read a ``.json``, ``.json.gz`` or ``.json.xz`` file.

    Raises:
        OSError: the file cannot be opened or read.
        DecodeError: it is not the JSON or compressed JSON that its name says, or not a witness.
    """
    return parse_witness(read_json(path, "witness"))


def parse_witness(document: object) -> Witness:
    """The witness that a parsed JSON document is.

    Raises:
        DecodeError: something is missing or malformed; the message names the place.
    """
    is_answer = isinstance(document, dict) and "jsonrpc" in document
    fields = Fields(answer_in(document, ""), "result" if is_answer else "")
    if "state" in fields:
        return _execution_witness(fields)
    is_old = "states" in fields
    return Witness(
        fields.hash("prev_state_root" if is_old else "parentStateRoot"),
        _bytes_of(fields, "states" if is_old else "nodes"),
        _bytes_of(fields, "codes") if "codes" in fields else (),
        _headers(fields),
    )


def _execution_witness(fields: Fields) -> Witness:
    """As ``debug_executionWitness`` has it: the newest of its headers is the parent's."""
    headers = _headers(fields)
    if "keys" in fields:
        _bytes_of(fields, "keys")
    if not headers:
        place = fields.place_of("headers")
        raise DecodeError(f"{place}: there is no header of the block before", place)
    parent = max(headers, key=lambda header: header.number)
    codes = _bytes_of(fields, "codes") if "codes" in fields else ()
    return Witness(parent.state_root, _bytes_of(fields, "state"), codes, headers)


def _bytes_of(fields: Fields, name: str) -> tuple[bytes, ...]:
    """The elements of a list of data, each once; or of an object, by their hashes."""
    if isinstance(fields.member(name), dict):
        return tuple(_hashed(*item) for item in fields.fields(name).items())
    return tuple(dict.fromkeys(parse_data(*element) for element in fields.elements(name)))


def _hashed(name: str, value: object, place: str) -> bytes:
    data = parse_data(value, place)
    if keccak(data) != parse_hash(name, place):
        raise DecodeError(f"{place}: its hash is 0x{keccak(data).hex()}", place)
    return data


def _headers(fields: Fields) -> tuple[Header, ...]:
    elements = fields.elements_or_none("headers") or []
    return tuple(dict.fromkeys(_header(*element) for element in elements))


def _header(value: object, place: str) -> Header:
    if not isinstance(value, dict):
        return Header.decode(parse_data(value, place), place)
    fields = Fields(value, place)
    header = Header.from_fields(fields)
    if "hash" in fields and fields.hash("hash") != header.hash:
        name = fields.place_of("hash")
        raise DecodeError(f"{name}: the header's is 0x{header.hash.hex()}", name)
    return header
