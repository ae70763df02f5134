"""``anvil_dumpState``, ``anvil_loadState``: the whole state as bytes, to be had again elsewhere.

The bytes are JSON, compressed by gzip, with the members that Anvil gives them: ``accounts``, the
``block`` that they stand after, its number again as ``best_block_number``.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum import Account, Header
from blockstm.ethereum.codecs.fields import parse_address, parse_data, shown
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.messages import brief
from blockstm.rpc.dev.node import DevNode
from blockstm.rpc.dev.stepping import check_count, number
from blockstm.rpc.errors import LIMIT_EXCEEDED, RpcError
from blockstm.rpc.forms import word
from blockstm.rpc.params import Params, slot_key
from blockstm.state.changes import AccountChange
from blockstm.types import Address

__all__ = ["dump", "dump_state", "load", "load_state"]

_GZIP: Final = b"\x1f\x8b"
_WITH_HEADER: Final = 16 + zlib.MAX_WBITS  # of gzip, for `zlib.decompressobj`


def dump_state(node: DevNode, params: Params) -> Any:
    """``anvil_dumpState``: after the head, with its edits."""
    return shown(dump(node))


def load_state(node: DevNode, params: Params) -> Any:
    """``anvil_loadState``: the accounts of a dump replace those of the same addresses."""
    load(node, params.data(0))
    return True


# ---- out


def dump(node: DevNode) -> bytes:
    """The state after the head, with its edits, and the number and time of the head."""
    with node.miner.turn:
        head = node.chain.head.header
        accounts = {
            shown(address): _form(account) for address, account in node.chain.accounts().items()
        }
    document = {
        "block": _block_form(head),
        "accounts": accounts,
        "best_block_number": head.number,
        "blocks": [],
        "transactions": [],
        "historical_states": None,
    }
    text = json.dumps(document, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)  # the same state, the same bytes


def _form(account: Account) -> dict[str, Any]:
    return {
        "nonce": account.nonce,
        "balance": shown(account.balance),
        "code": shown(account.code or b""),
        "storage": {word(slot): word(value) for slot, value in sorted(account.storage.items())},
    }


def _block_form(head: Header) -> dict[str, Any]:
    return {
        "number": shown(head.number),
        "beneficiary": shown(head.coinbase),
        "timestamp": shown(head.timestamp),
        "gas_limit": head.gas_limit,
        "basefee": head.base_fee_per_gas or 0,
        "difficulty": shown(head.difficulty),
        "prevrandao": shown(head.mix_hash),
        "blob_excess_gas_and_price": None,
    }


# ---- in


def load(node: DevNode, dumped: bytes) -> None:
    """Have the accounts of a dump, in a chain that is as long and a clock as late, at least.

    Empty blocks are mined as long as the head is behind that of the dump: what contracts remember
    of numbers and times is past then. What waits goes on waiting, as the accounts are not there
    yet that it is to run on.

    Raises:
        DecodeError: it is no dump; it says where.
        RpcError: it is larger, or has more blocks before it, than the limits allow.
    """
    document = _document(dumped, node.limits.dump_bytes)
    edits = dict(_edit(*each) for each in _member(document, "accounts").items())
    block = document.get("block") or {}
    if not isinstance(block, dict):
        raise _refuse("block", "an object", block)
    height = _number(document.get("best_block_number"), "best_block_number")
    height = max(height, _number(block.get("number"), "block.number"))
    timestamp = _number(block.get("timestamp"), "block.timestamp")
    with node.miner.all_or_nothing():
        missing = max(height - node.chain.head.number, 0)
        check_count(node, missing)
        if timestamp > node.miner.now():
            node.miner.set_now(timestamp)
        waiting = node.pool.waiting()
        node.pool.replace_all(())
        for _ in range(missing):
            node.miner.mine()
        node.pool.replace_all(waiting)
        node.chain.edit(edits)
    node.announce()


def _document(dumped: bytes, bytes_max: int) -> dict[str, Any]:
    if dumped[:2] == _GZIP:
        reader = zlib.decompressobj(_WITH_HEADER)
        try:
            dumped = reader.decompress(dumped, bytes_max + 1)
        except zlib.error as error:
            raise DecodeError(f"state: cannot be decompressed: {error}", "state") from error
        if len(dumped) > bytes_max:
            raise RpcError(LIMIT_EXCEEDED, f"a state has at most {bytes_max} bytes")
        if not reader.eof:
            raise DecodeError("state: its compressed bytes end too early", "state")
        if reader.unused_data:
            raise DecodeError("state: there are bytes behind its compressed ones", "state")
    document = parse_json(dumped, "state")
    if not isinstance(document, dict):
        raise _refuse("state", "an object", document)
    return document


def _edit(address: str, given: Any) -> tuple[Address, AccountChange]:
    place = f"accounts.{address}"
    if not isinstance(given, dict):
        raise _refuse(place, "an object", given)
    storage = _member(given, "storage", place) if "storage" in given else {}
    change = AccountChange(
        nonce=_number(given.get("nonce"), f"{place}.nonce"),
        balance=_number(given.get("balance"), f"{place}.balance", 256),
        code=parse_data(given.get("code") or "0x", f"{place}.code"),
        storage={
            slot_key(slot, f"{place}.storage"): slot_key(value, f"{place}.storage.{slot}")
            for slot, value in storage.items()
        },
        cleared=True,
    )
    if any(change.storage.values()) and not (change.nonce or change.balance or change.code):
        # No state keeps an account that is empty (EIP-161), and its slots would go with it.
        raise _refuse(place, "with slots also a nonce, a balance or code", given)
    return parse_address(address, place), change


def _member(document: dict[str, Any], name: str, place: str = "state") -> dict[str, Any]:
    found = document.get(name)
    if not isinstance(found, dict):
        raise _refuse(f"{place}.{name}", "an object", found)
    return found


def _number(given: Any, place: str, bits: int = 64) -> int:
    return 0 if given is None else number(given, place, bits)


def _refuse(place: str, expected: str, value: object) -> DecodeError:
    return DecodeError(f"{place}: expected {expected}, not {brief(value)}", place)
