"""What a node has told of a state, kept in files: a block's state never changes.

A folder has a file for each block, a line of JSON for each account or slot, and one for each code.
Several processes may write to it: a line is written in one piece. A line that cannot be read, as of
a process that was killed, is passed over, and what it told is asked again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from blockstm.errors import BlockstmError
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.state.protocol import AccountInfo
from blockstm.types import Address, Hash32

__all__ = ["StateCache"]


class StateCache:
    """The files of one block's state. Any thread.

    Args:
        folder: which is made if it is not there.
        block_hash: of the block.
        is_proved: whether what is kept was proved; the rest is kept apart.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path, block_hash: Hash32, *, is_proved: bool) -> None:
        self._codes = folder / "codes"
        self._codes.mkdir(parents=True, exist_ok=True)
        kind = "proved" if is_proved else "told"
        self._path = folder / f"{block_hash.hex()}.{kind}.jsonl"
        self._lock = threading.Lock()

    def accounts(self) -> dict[Address, AccountInfo | None]:
        """The accounts that are kept; None where there is none."""
        return {address: _account(fields) for address, fields in self._kept("account")}

    def slots(self) -> dict[tuple[Address, int], int]:
        """The slots that are kept."""
        return {
            (address, fields.word("slot")): fields.word("value")
            for address, fields in self._kept("slot")
        }

    def _kept(self, name: str) -> Iterator[tuple[Address, Fields]]:
        if not self._path.exists():
            return
        for line in self._path.read_bytes().splitlines():
            try:
                fields = Fields(parse_json(line, "line"), "line")
                if name in fields:
                    found = fields.address("address"), fields
                    _ = _account(fields) if name == "account" else fields.word("value")
                    yield found
            except (ValueError, BlockstmError):
                continue

    def put(
        self,
        accounts: Iterable[tuple[Address, AccountInfo | None]],
        slots: Iterable[tuple[Address, int, int]],
    ) -> None:
        """Keep accounts and slots."""
        lines = [
            {"address": "0x" + address.hex(), "account": _members(account)}
            for address, account in accounts
        ]
        lines += [
            {"address": "0x" + address.hex(), "slot": hex(slot), "value": hex(value)}
            for address, slot, value in slots
        ]
        text = "".join(json.dumps(each) + "\n" for each in lines)
        with self._lock, self._path.open("a") as file:
            file.write(text)

    def code(self, code_hash: Hash32) -> bytes | None:
        """A code that is kept; None where it is not, or not whole."""
        try:
            code = (self._codes / code_hash.hex()).read_bytes()
        except OSError:
            return None
        return code if keccak(code) == code_hash else None

    def put_code(self, code_hash: Hash32, code: bytes) -> None:
        """Keep a code."""
        (self._codes / code_hash.hex()).write_bytes(code)


def _members(account: AccountInfo | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {
        "balance": hex(account.balance),
        "nonce": hex(account.nonce),
        "code_hash": "0x" + account.code_hash.hex(),
        "has_storage": account.has_storage,
    }


def _account(fields: Fields) -> AccountInfo | None:
    found = fields.fields("account")
    if "balance" not in found:
        return None
    return AccountInfo(
        found.quantity("balance"),
        found.quantity("nonce", 64),
        found.hash("code_hash"),
        bool(found.member("has_storage")),
    )
