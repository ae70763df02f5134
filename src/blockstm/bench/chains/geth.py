"""A generated chain imported by go-ethereum, where a ``geth`` is on the path.

It starts from the same state, by a genesis file with every account and slot in it, and imports the
same file of blocks; its command checks what ours does: senders, receipts, requests, state roots.
What starting and ending it takes is measured by importing the first block alone, and is left out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Final

from blockstm.bench.bare_blocks import RULES
from blockstm.bench.chains.generated import Population, first_block
from blockstm.chain.files import read_blocks, write_blocks
from blockstm.chain.lookahead import decoded
from blockstm.errors import ConfigError, InternalError
from blockstm.types import Hash32

__all__ = ["Run", "import_by_geth", "why_no_geth", "write_genesis"]

_BLOCK_FORKS: Final = (
    "homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg",
    "istanbul", "muirGlacier", "berlin", "london", "arrowGlacier", "grayGlacier",
)  # fmt: skip
_TIMED_FORKS: Final = ("shanghai", "cancun", "prague")
_BLOBS: Final = {
    "cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3_338_477},
    "prague": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716},
}
_NONCE, _BALANCE, _CODE_HASH, _COUNT, _SLOTS = 21, 29, 61, 93, 97  # where each begins in a record
_KB: Final = 1024  # the unit of `ru_maxrss` on Linux


@dataclass(frozen=True)
class Run:
    """What one run of a program took.

    Attributes:
        seconds: wall time.
        processor_seconds: of all its threads.
        resident_bytes: the most that it held.
    """

    seconds: float
    processor_seconds: float
    resident_bytes: int


def why_no_geth() -> str | None:
    """Why geth cannot be run here, as a sentence without a full stop; None where it can."""
    return None if shutil.which("geth") else "geth (https://geth.ethereum.org) is not on the path"


def import_by_geth(place: Path, blocks: Path, population: Population) -> tuple[Run, Run, int]:
    """Import a file of blocks into a new folder of geth's.

    Args:
        place: where its folder and the genesis file are made.
        blocks: RLP of the chain's blocks, from the second on.
        population: the state that the chain starts from.

    Returns:
        Importing the first block alone, all that follow it, and bytes of the folder.

    Raises:
        ConfigError: there is no geth here.
        InternalError: it refused the genesis or a block, with the end of what it printed.
    """
    reason = why_no_geth()
    if reason:
        raise ConfigError(reason)
    folder, genesis, first = place / "geth", place / "genesis.json", place / "first.rlp"
    write_genesis(genesis, population)
    _geth("init", folder, genesis)
    write_blocks(first, (decoded(each) for each in islice(read_blocks(blocks), 1)))
    one = _geth("import", folder, first)
    others = _geth("import", folder, blocks)
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    return one, others, size


def write_genesis(path: Path, population: Population) -> None:
    """Write the state that a chain starts from as geth reads it, an account at a time."""
    codes = population.codes()
    with path.open("w") as file:
        file.write(json.dumps(_members())[:-1] + ', "alloc": {\n')
        between = ""
        for record in population.records():
            file.write(between + _entry(record, codes))
            between = ",\n"
        file.write("}}\n")


def _members() -> dict[str, object]:
    """All but the accounts; the state root follows from these."""
    header = first_block(Hash32(bytes(32))).header
    forks: dict[str, int] = {f"{name}Block": 0 for name in _BLOCK_FORKS}
    forks |= {f"{name}Time": 0 for name in _TIMED_FORKS}
    config = {"chainId": RULES.chain_id, "terminalTotalDifficulty": 0, "blobSchedule": _BLOBS}
    return {
        "config": config | forks,
        "coinbase": "0x" + header.coinbase.hex(),
        "difficulty": hex(header.difficulty),
        "extraData": "0x" + header.extra_data.hex(),
        "gasLimit": hex(header.gas_limit),
        "nonce": "0x" + header.nonce.hex(),
        "mixHash": "0x" + header.mix_hash.hex(),
        "timestamp": hex(header.timestamp),
        "baseFeePerGas": hex(header.base_fee_per_gas or 0),
        "excessBlobGas": hex(header.excess_blob_gas or 0),
        "blobGasUsed": hex(header.blob_gas_used or 0),
    }


def _entry(record: bytes, codes: dict[bytes, bytes]) -> str:
    """An account of ``alloc``, from its flat record."""
    members: dict[str, object] = {
        "balance": hex(int.from_bytes(record[_BALANCE:_CODE_HASH], "big")),
        "nonce": hex(int.from_bytes(record[_NONCE:_BALANCE], "little")),
    }
    code = codes.get(record[_CODE_HASH:_COUNT])
    if code:
        members["code"] = "0x" + code.hex()
    if len(record) > _SLOTS:
        members["storage"] = dict(_slots(record[_SLOTS:]))
    return f'"0x{record[:20].hex()}": {json.dumps(members)}'


def _slots(pairs: bytes) -> Iterator[tuple[str, str]]:
    for at in range(0, len(pairs), 64):
        yield "0x" + pairs[at : at + 32].hex(), "0x" + pairs[at + 32 : at + 64].hex()


def _geth(verb: str, folder: Path, file: Path) -> Run:
    """Run a command of geth's to its end."""
    log = folder.with_suffix(".log")
    command = ["geth", verb, "--datadir", str(folder), "--state.scheme", "path", str(file)]
    begin = perf_counter()
    with log.open("wb") as printed:
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InternalError(f"geth {verb} failed: ...{log.read_text(errors='replace')[-1000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KB)
