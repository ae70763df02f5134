"""Files that hold a block, some of them with its witness: what stateless clients are fed with.

======================  ===========================================================================
``.json`` (``.gz``,     a block file; a JSON-RPC block; ``debug_getRawBlock``'s hex, each plain or
``.xz``)                in a node's whole answer; Scroll's block with ``states`` and ``codes``; an
                        object with ``statelessInputBytes``
``.ssz``, ``.bin``      the stateless input of EIP-8025
``.bundle``             what ``blockstm prove`` writes
``.bin``                two frames in bincode, as ZisK's client takes them: the block's RLP, a chain
                        and public keys, which are not used; nodes, codes, keys, headers
other                   the block's RLP, as bytes or in hex
======================  ===========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.blocks.withdrawal import Withdrawal
from blockstm.ethereum.codecs.fields import Fields, answer_in, parse_data, parse_hash
from blockstm.ethereum.codecs.json_files import SIZE_MAX, read_json
from blockstm.ethereum.files.block_files import parse_block_file
from blockstm.ethereum.witnesses.bundle import Bundle
from blockstm.ethereum.witnesses.reading import parse_witness
from blockstm.ethereum.witnesses.stateless_input import decode_stateless_input, is_stateless_input
from blockstm.ethereum.witnesses.witness import Witness
from blockstm.kinds import path_of
from blockstm.types import Hash32

__all__ = ["StatelessFile", "read_stateless_file"]

_FRAME: Final = 8
_VARINT_WIDTHS: Final = {251: 2, 252: 4, 253: 8}
_HEX_BEGINS: Final = b"0x"
_STATELESS_INPUT: Final = "statelessInputBytes"
_KINDS: Final = {"Legacy": 0, "Eip2930": 1, "Eip1559": 2, "Eip4844": 3, "Eip7702": 4}


@dataclass(frozen=True, slots=True)
class StatelessFile:
    """A block, and what of its witness stood in the same file.

    Attributes:
        block: the block.
        witness: of the block; None where the file has none.
        codes: more codes that the file has.
        block_hashes: number → hash, of blocks before, as the file says; nothing proves them.
        chain_id: of the chain that the block is on; None where the file does not say.
        request_root: ``hash_tree_root`` of the engine API request that the file has the block in
            (EIP-8025); None of any other file.
        bundle: which says what executing the block gives; None of any other file.
    """

    block: Block
    witness: Witness | None = None
    codes: tuple[bytes, ...] = ()
    block_hashes: dict[int, Hash32] = field(default_factory=dict)
    chain_id: int | None = None
    request_root: Hash32 | None = None
    bundle: Bundle | None = None


def read_stateless_file(path: str | Path) -> StatelessFile:
    """Read a file that holds a block, with its witness or without.

    Raises:
        OSError: the file cannot be opened or read.
        DecodeError: it is none of the forms; the message names the place.
        InvalidBlock: a stateless input's payload has not the hash or the blobs that it says.
    """
    path = path_of(path, "a file")
    if path.suffix in (".json", ".gz", ".xz"):
        return _from_json(read_json(path, "block"))
    with path.open("rb") as file:
        data = file.read(SIZE_MAX + 1)
    if len(data) > SIZE_MAX:
        raise DecodeError(f"not a block: longer than {SIZE_MAX:,} bytes")
    if path.suffix == ".bundle":
        bundle = Bundle.decode(data)
        return StatelessFile(bundle.block, bundle.witness, chain_id=bundle.chain_id, bundle=bundle)
    if path.suffix == ".ssz" or (path.suffix == ".bin" and is_stateless_input(data)):
        return _from_stateless_input(data)
    if path.suffix == ".bin":
        return _from_frames(data)
    if data[:2] == _HEX_BEGINS:
        data = parse_data(data.decode("ascii", "replace").strip(), "block")
    return StatelessFile(Block.decode(data))


def _from_json(document: object) -> StatelessFile:
    answer = answer_in(document, "")
    if isinstance(answer, str):
        return StatelessFile(Block.decode(parse_data(answer, "result")))
    if not isinstance(answer, dict):
        return StatelessFile(Block.from_fields(Fields(answer, "")))
    if _STATELESS_INPUT in answer:
        return _from_stateless_input(Fields(answer, "").data(_STATELESS_INPUT))
    if "states" in answer:
        return _from_scroll(Fields(answer, ""))
    if "block" in answer:
        file = parse_block_file(answer)
        codes = tuple(each.code for each in file.accounts.values() if each.code)
        return StatelessFile(file.block, None, codes, dict(file.block_hashes))
    return StatelessFile(Block.from_fields(Fields(document, "")))


def _from_stateless_input(data: bytes) -> StatelessFile:
    found = decode_stateless_input(data)
    return StatelessFile(
        found.block, found.witness, chain_id=found.chain_id, request_root=found.request_root
    )


# ---- Scroll's


def _from_scroll(fields: Fields) -> StatelessFile:
    header = Header.from_fields(_camel(fields.fields("header")))
    withdrawals = fields.elements_or_none("withdrawals")
    block = Block(
        header.hash,
        header,
        tuple(_scroll_transaction(*element) for element in fields.elements("transactions")),
        None
        if withdrawals is None
        else tuple(Withdrawal.from_fields(Fields(*element)) for element in withdrawals),
    )
    hashes = [parse_hash(*each) for each in fields.elements_or_none("block_hashes") or ()]
    numbers = range(int(header.number) - 1, -1, -1)
    return StatelessFile(
        block, parse_witness(_members(fields)), (), dict(zip(numbers, hashes, strict=False))
    )


def _scroll_transaction(value: object, place: str) -> Transaction:
    """A transaction by the name of its type, with its signature beside it."""
    fields = Fields(value, place)
    named = list(fields.fields("transaction").items())
    if len(named) != 1 or named[0][0] not in _KINDS:
        kinds = fields.place_of("transaction")
        raise DecodeError(f"{kinds}: not one of {', '.join(_KINDS)}", kinds)
    kind, inner, inner_place = named[0]
    signature = fields.fields("signature")
    inside = _camel(Fields(inner, inner_place))
    members = _members(inside) | {name: signature.member(name) for name in ("r", "s")}
    parity = signature.quantity("yParity", 1)
    members |= {"type": _KINDS[kind], "gas": inside.quantity("gasLimit", 64), "yParity": parity}
    if kind == "Legacy":
        del members["yParity"]
        chain_id = inside.quantity_or_none("chainId", 64)
        members["v"] = 27 + parity if chain_id is None else 35 + 2 * chain_id + parity
    return Transaction.from_fields(Fields(members, inner_place))


def _camel(fields: Fields) -> Fields:
    """The same members under the names of JSON-RPC: ``gas_limit`` becomes ``gasLimit``."""
    members = {}
    for name, value in _members(fields).items():
        first, *others = name.split("_")
        members[first + "".join(map(str.capitalize, others))] = value
    if "beneficiary" in members:
        members["miner"] = members.pop("beneficiary")
    return Fields(members, fields.place)


def _members(fields: Fields) -> dict[str, Any]:
    return {name: value for name, value, _ in fields.items()}


# ---- ZisK's


def _from_frames(data: bytes) -> StatelessFile:
    first, at = _frame(data, 0, "first frame")
    second, end = _frame(data, at, "second frame")
    if end < len(data):
        raise DecodeError("bytes stand behind the second frame", "second frame")
    block = _Bincode(first, "first frame").data("block")
    parts = _Bincode(second, "second frame")
    lists = {name: parts.list(name) for name in ("state", "codes", "keys", "headers")}
    parts.end()
    return StatelessFile(Block.decode(block), parse_witness(lists))


def _frame(data: bytes, at: int, place: str) -> tuple[bytes, int]:
    """A frame, and where the next begins: the length in 8 bytes, the content, zeros to 8 bytes."""
    start = at + _FRAME
    stop = start + int.from_bytes(data[at:start], "little")
    end = min(-(-stop // _FRAME) * _FRAME, len(data))
    if start > len(data) or stop > len(data) or any(data[stop:end]):
        raise DecodeError(f"{place}: it ends early", place)
    return data[start:stop], end


class _Bincode:
    """Values in bincode's encoding with lengths of varying width, one after another."""

    def __init__(self, data: bytes, place: str) -> None:
        self._data = data
        self._place = place
        self._at = 0

    def data(self, name: str) -> bytes:
        """Bytes behind their length."""
        size = self._size(name)
        if size > len(self._data) - self._at:
            raise self._refusal(name)
        self._at += size
        return self._data[self._at - size : self._at]

    def list(self, name: str) -> list[bytes]:
        """Several of them behind their number."""
        count = self._size(name)
        if count > len(self._data) - self._at:
            raise self._refusal(name)
        return [self.data(f"{name}[{index}]") for index in range(count)]

    def end(self) -> None:
        """Refuse what stands behind the last value."""
        if self._at < len(self._data):
            raise DecodeError(f"{self._place}: bytes stand behind the headers", self._place)

    def _size(self, name: str) -> int:
        first = self._data[self._at : self._at + 1]
        width = _VARINT_WIDTHS.get(first[0], 0) if first else 0
        stop = self._at + 1 + width
        if not first or first[0] > max(_VARINT_WIDTHS) or stop > len(self._data):
            raise self._refusal(name)
        size = int.from_bytes(self._data[self._at + 1 : stop], "little") if width else first[0]
        self._at = stop
        return size

    def _refusal(self, name: str) -> DecodeError:
        place = f"{self._place}.{name}"
        return DecodeError(f"{place}: the frame ends within it", place)
