"""The official tests' archives, read in place. No test of its own."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.fixtures import fixtures

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.chains import Chain, chain_named
from blockstm.vm.forks import BlobSchedule

SMALL_ARCHIVES = (
    "eest-amsterdam-eip7928-only.tar.xz",
    "eest-bpo2toamsterdam-glamsterdam-devnet-8attime15k.tar.xz",
    "eest-cancuntopragueattime15k.tar.xz",
    "eest-praguetoosakaattime15k.tar.xz",
    "eest-shanghai.tar.xz",
    "eest-shanghaitocancunattime15k.tar.xz",
    "ethereum-tests-blockchain.tar.xz",
)
LARGE_ARCHIVES = (
    "eest-amsterdam-glamsterdam-devnet-8.tar.xz",
    "eest-benchmark-osaka_at_0001M.tar.xz",
    "eest-cancun.tar.xz",
    "eest-london.tar.xz",
    "eest-osaka.tar.xz",
    "eest-prague.tar.xz",
    "legacy-tests.tar.xz",
)


def documents(archive: str, part: str = "") -> Iterator[tuple[str, Any]]:
    """The JSON files of an archive whose paths contain ``part``: path and content."""
    with tarfile.open(fixtures() / archive) as files:
        for member in files:
            if member.name.endswith(".json") and part in member.name:
                content = files.extractfile(member)
                if content is not None:
                    yield member.name, json.load(content)


@dataclass(frozen=True)
class OfficialBlock:
    """A block of a blockchain test.

    Attributes:
        encoding: its RLP, or what should be.
        exception: the name of what is wrong with it; None if nothing is, or it is not said.
        is_valid: whether it belongs to the chain.
        members: all that the test says of it.
    """

    encoding: bytes
    exception: str | None
    is_valid: bool
    members: dict[str, Any]


@dataclass(frozen=True)
class OfficialChain:
    """A blockchain test: its name, its chain, its first block, and blocks to be added."""

    name: str
    chain: Chain
    genesis: Block
    blocks: tuple[OfficialBlock, ...]


def official_chains(archive: str) -> Iterator[OfficialChain]:
    """The blockchain tests of an archive that give their first block as RLP."""
    for path, document in documents(archive, "lockchain"):
        for name, test in document.items():
            if isinstance(test, dict) and "genesisRLP" in test:
                yield official_chain(f"{path}:{name}", test)


def official_chain(name: str, test: dict[str, Any]) -> OfficialChain:
    network, config = test["network"], test.get("config", {})
    if network == "Amsterdam" and "slotNumber" not in test["genesisBlockHeader"]:
        network = "osaka_access_lists"
    schedules = {
        fork: BlobSchedule(*(int(s[m], 16) for m in ("target", "max", "baseFeeUpdateFraction")))
        for fork, s in config.get("blobSchedule", {}).items()
    }
    chain = chain_named(network, int(config.get("chainid", "0x1"), 16), schedules)
    genesis = Block.decode(bytes.fromhex(test["genesisRLP"][2:]))
    blocks = tuple(_official_block(block, test["network"]) for block in test["blocks"])
    return OfficialChain(name, chain, genesis, blocks)


def _official_block(block: dict[str, Any], network: str) -> OfficialBlock:
    names = ("expectException", "expectExceptionALL", f"expectException{network}")
    exception = next((block[name] for name in names if name in block), None)
    is_valid = exception is None and "blockHeader" in block
    return OfficialBlock(bytes.fromhex(block["rlp"][2:]), exception, is_valid, block)


@cache
def sample_blocks() -> tuple[bytes, ...]:
    """Encodings of valid blocks of every fork, of all types of transactions, with ommers."""
    chosen: dict[Any, bytes] = {}
    for archive in SMALL_ARCHIVES:
        for test in official_chains(archive):
            for block in test.blocks:
                if block.is_valid:
                    chosen.setdefault(_kind(Block.decode(block.encoding)), block.encoding)
    return tuple(chosen.values())


def _kind(block: Block) -> Any:
    types = frozenset(transaction.type for transaction in block.transactions)
    has = bool(block.ommers), bool(block.withdrawals)
    return block.header.member_count, types, has
