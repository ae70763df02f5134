"""Loads from files in the format of the official state tests, such as ipsilon's evm-benchmarks.

Only what a load needs is read: the accounts, the call, its data. A test with several data makes a
load of each; the fork and the block are the benchmark's own.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from blockstm.bench.evm.workloads import Account, Load
from blockstm.errors import DecodeError
from blockstm.messages import brief

__all__ = ["statetest_loads"]


def statetest_loads(path: Path) -> list[Load]:
    """The loads of a file, of all ``.json`` files of a folder, or of a ``.tar.xz``'s benchmarks.

    Raises:
        DecodeError: a file is no state test.
        OSError: it cannot be read.
    """
    return [load for place, text in _texts(path) for load in _loads(place, text)]


def _texts(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every file and what it says, in order of the names."""
    if path.is_dir():
        yield from ((str(each), each.read_bytes()) for each in sorted(path.rglob("*.json")))
    elif path.suffix == ".json":
        yield str(path), path.read_bytes()
    else:
        with tarfile.open(path) as archive:
            members = {each.name: each for each in archive if "/benchmarks/" in each.name}
            for name, member in sorted(members.items()):
                file = archive.extractfile(member)
                if file is not None and name.endswith(".json"):
                    yield name, file.read()


def _loads(place: str, text: bytes) -> Iterator[Load]:
    try:
        for name, test in json.loads(text).items():
            accounts = {_bytes(key): _account(each) for key, each in test["pre"].items()}
            call = test["transaction"]
            for number, data in enumerate(call["data"]):
                yield Load(
                    name=name if len(call["data"]) == 1 else f"{name}-{number}",
                    about=f"from {Path(place).name}",
                    accounts=accounts,
                    to=_bytes(call["to"]),
                    data=_bytes(data),
                    gas=int(call["gasLimit"][0], 16),
                )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise DecodeError(f"{place} is no state test: {brief(error)}", place) from error


def _account(account: Mapping[str, Any]) -> Account:
    return Account(
        code=_bytes(account["code"]),
        balance=int(account["balance"], 16),
        nonce=int(account["nonce"], 16),
        storage={int(slot, 16): int(value, 16) for slot, value in account["storage"].items()},
    )


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
