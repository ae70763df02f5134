"""Workloads from files in the format of the official state tests, such as ipsilon's evm-benchmarks.

Only what a workload needs is read: the accounts, the call, its data. A test with several data makes
a workload of each; the fork and the block are the benchmark's own.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from blockstm.bench.evm.workloads import Account, Workload
from blockstm.errors import DecodeError
from blockstm.messages import brief

__all__ = ["statetest_workloads"]


def statetest_workloads(path: Path) -> list[Workload]:
    """The workloads of a file, of all ``.json`` files of a folder, or of a ``.tar.xz`` archive.

    Raises:
        DecodeError: a file is no state test.
        OSError: it cannot be read.
    """
    return [workload for place, text in _texts(path) for workload in _workloads(place, text)]


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


def _workloads(place: str, text: bytes) -> Iterator[Workload]:
    try:
        for name, test in json.loads(text).items():
            accounts = {_bytes(key): _account(each) for key, each in test["pre"].items()}
            call = test["transaction"]
            for number, data in enumerate(call["data"]):
                yield Workload(
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
