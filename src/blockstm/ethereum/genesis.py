"""Genesis files: how a chain begins, as go-ethereum and its kin write it.

The format, as JSON, plain or compressed with gzip or xz: ``alloc`` with the accounts, the members
of the first header, and under ``config`` the chain's forks (``"londonBlock": 5``, ``"cancunTime":
1710338135``, ``"terminalTotalDifficulty"``) and blob parameters (``"blobSchedule"``). Numbers may
be JSON numbers, decimal or hexadecimal; what is not there is zero or empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from eth_typing import Address, BlockNumber, Hash32

from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.block import Block
from blockstm.ethereum.chains import MAINNET_DEPOSIT_CONTRACT, Activation, Chain
from blockstm.ethereum.fees import FIRST_BASE_FEE
from blockstm.ethereum.fields import Fields, parse_address, parse_data, parse_word
from blockstm.ethereum.forks import (
    AMSTERDAM,
    ARROW_GLACIER,
    BERLIN,
    BPO1,
    BPO2,
    BPO3,
    BPO4,
    BPO5,
    BYZANTIUM,
    CANCUN,
    CONSTANTINOPLE,
    CONSTANTINOPLE_UNCORRECTED,
    DAO_FORK,
    FRONTIER,
    GRAY_GLACIER,
    HOMESTEAD,
    ISTANBUL,
    LONDON,
    MUIR_GLACIER,
    OSAKA,
    OSAKA_ACCESS_LISTS,
    PARIS,
    PRAGUE,
    SHANGHAI,
    SPURIOUS_DRAGON,
    TANGERINE_WHISTLE,
    BlobSchedule,
    Fork,
    fork_named,
)
from blockstm.ethereum.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.header import BLOOM_SIZE, Header
from blockstm.ethereum.header_rules import NO_OMMERS_HASH
from blockstm.ethereum.jsonfile import read_json
from blockstm.ethereum.stateroot import state_root
from blockstm.messages import brief
from blockstm.state.accounts import Account

__all__ = ["Genesis", "parse_genesis", "read_genesis"]

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_DIGITS_MAX: Final = 80  # of a word in decimal there are 78

# The members of `config` that say where a fork begins, oldest first.
_BLOCKS: Final = (
    ("homesteadBlock", HOMESTEAD),
    ("daoForkBlock", DAO_FORK),
    ("eip150Block", TANGERINE_WHISTLE),
    ("eip158Block", SPURIOUS_DRAGON),
    ("byzantiumBlock", BYZANTIUM),
    ("constantinopleBlock", CONSTANTINOPLE_UNCORRECTED),
    ("petersburgBlock", CONSTANTINOPLE),
    ("istanbulBlock", ISTANBUL),
    ("muirGlacierBlock", MUIR_GLACIER),
    ("berlinBlock", BERLIN),
    ("londonBlock", LONDON),
    ("arrowGlacierBlock", ARROW_GLACIER),
    ("grayGlacierBlock", GRAY_GLACIER),
)
_TIMES: Final = (
    ("shanghaiTime", SHANGHAI),
    ("cancunTime", CANCUN),
    ("pragueTime", PRAGUE),
    ("osakaTime", OSAKA),
    ("bpo1Time", BPO1),
    ("bpo2Time", BPO2),
    ("bpo3Time", BPO3),
    ("bpo4Time", BPO4),
    ("bpo5Time", BPO5),
    ("amsterdamTime", AMSTERDAM),
)


@dataclass(frozen=True, slots=True)
class Genesis:
    """How a chain begins.

    Attributes:
        chain: its forks; None where the file has no ``config``.
        block: the first block; its hash is what tells chains apart.
        accounts: the state that it is of.
    """

    chain: Chain | None
    block: Block
    accounts: Mapping[Address, Account]


def read_genesis(path: str | Path) -> Genesis:
    """Read a ``.json``, ``.json.gz`` or ``.json.xz`` file.

    Raises:
        OSError: the file cannot be opened or read.
        DecodeError: it is not a genesis file; the message names the place.
        ConfigError: its forks are no chain's.
    """
    return parse_genesis(read_json(path, "genesis file"))


def parse_genesis(document: object) -> Genesis:
    """The genesis file that a parsed JSON document is.

    Raises:
        DecodeError: something is missing or malformed; the message names the place.
        ConfigError: its forks are no chain's.
    """
    fields = Fields(document, "")
    chain = _chain(fields.fields("config")) if "config" in fields else None
    accounts = dict(_accounts(fields.fields("alloc")))
    difficulty, timestamp = _number(fields, "difficulty"), _number(fields, "timestamp", bits=64)
    fork = FRONTIER
    if chain is not None:
        fork = chain.fork_at(0, timestamp, difficulty)
    header = Header(
        parent_hash=_hash(fields, "parentHash"),
        ommers_hash=NO_OMMERS_HASH,
        coinbase=Address(_bytes(fields, "coinbase", 20)),
        state_root=state_root(accounts),
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bytes(BLOOM_SIZE),
        difficulty=difficulty,
        number=BlockNumber(_number(fields, "number", bits=64)),
        gas_limit=_number(fields, "gasLimit", bits=63),
        gas_used=_number(fields, "gasUsed", bits=63),
        timestamp=timestamp,
        extra_data=_bytes(fields, "extraData"),
        mix_hash=_hash(fields, "mixHash"),
        nonce=_number(fields, "nonce", bits=64).to_bytes(8, "big"),
    )
    header = replace(header, **_later_members(fields, fork))
    withdrawals = () if fork >= SHANGHAI else None
    return Genesis(chain, Block(header.hash, header, (), withdrawals), accounts)


def _later_members(fields: Fields, fork: Fork) -> dict[str, Any]:
    """The header's members that came with a fork."""
    members: dict[str, Any] = {}
    if fork >= LONDON:
        members["base_fee_per_gas"] = _number(fields, "baseFeePerGas", FIRST_BASE_FEE)
    if fork >= SHANGHAI:
        members["withdrawals_root"] = EMPTY_TRIE_ROOT
    if fork >= CANCUN:
        members["blob_gas_used"] = _number(fields, "blobGasUsed", bits=64)
        members["excess_blob_gas"] = _number(fields, "excessBlobGas", bits=64)
        members["parent_beacon_block_root"] = _hash(fields, "parentBeaconBlockRoot")
    if fork >= PRAGUE:
        members["requests_hash"] = Hash32(sha256().digest())
    if fork >= OSAKA_ACCESS_LISTS:
        members["block_access_list_hash"] = NO_OMMERS_HASH  # of an empty list, as that is
    if fork > OSAKA_ACCESS_LISTS:
        members["slot_number"] = _number(fields, "slotNumber", bits=64)
    return members


def _accounts(alloc: Fields) -> Iterator[tuple[Address, Account]]:
    for name, value, place in alloc.items():
        address = parse_address(name if name.startswith("0x") else f"0x{name}", place)
        account = Fields(value, place)
        code = _bytes(account, "code")
        storage = account.fields("storage").items() if "storage" in account else ()
        yield (
            address,
            Account(
                _number(account, "wei" if "wei" in account else "balance"),  # as it was called
                _number(account, "nonce", bits=64),
                code,
                keccak(code),
                {parse_word(slot, where): parse_word(word, where) for slot, word, where in storage},
            ),
        )


def _chain(config: Fields) -> Chain:
    schedules = dict(_blob_schedules(config))
    activations = (
        replace(each, fork=replace(each.fork, blobs=schedules[each.fork.name]))
        if each.fork.name in schedules
        else each
        for each in _activations(config)
    )
    contract = MAINNET_DEPOSIT_CONTRACT
    if "depositContractAddress" in config:
        contract = config.address("depositContractAddress")
    return Chain(_number(config, "chainId", 1), tuple(activations), contract)


def _activations(config: Fields) -> Iterator[Activation]:
    """The forks that ``config`` names, oldest first, with Frontier before them."""
    yield Activation(FRONTIER, block=0)
    for member, fork in _BLOCKS:
        if member not in config or (fork == DAO_FORK and not _supports_dao_fork(config)):
            continue
        if fork == CONSTANTINOPLE_UNCORRECTED and "petersburgBlock" not in config:
            fork = CONSTANTINOPLE  # whoever does not know the correction has it
        yield Activation(fork, block=_number(config, member, bits=64))
    if "terminalTotalDifficulty" in config:
        yield Activation(PARIS, total_difficulty=_number(config, "terminalTotalDifficulty"))
    for member, fork in _TIMES:
        if member in config:
            yield Activation(fork, timestamp=_number(config, member, bits=64))


def _supports_dao_fork(config: Fields) -> bool:
    return "daoForkSupport" in config and config.member("daoForkSupport") is True


def _blob_schedules(config: Fields) -> Iterator[tuple[str, BlobSchedule]]:
    if "blobSchedule" not in config:
        return
    for name, value, place in config.fields("blobSchedule").items():
        entry = Fields(value, place)
        try:
            fork = fork_named(name)
        except ConfigError as error:
            raise DecodeError(f"{place}: {error}", place) from error
        numbers = (_number(entry, each) for each in ("target", "max", "baseFeeUpdateFraction"))
        yield fork.name, BlobSchedule(*numbers)


def _number(fields: Fields, name: str, default: int = 0, bits: int = 256) -> int:
    if name not in fields:
        return default
    value, place = fields.member(name), fields.place_of(name)
    if isinstance(value, str) and len(value) <= _DIGITS_MAX and _NUMBER.fullmatch(value):
        value = int(value[2:] or "0", 16) if value[:2].lower() == "0x" else int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise DecodeError(
            f"{place}: expected a number below 2**{bits}, not {brief(value, 60)}", place
        )
    return value


def _bytes(fields: Fields, name: str, size: int | None = None) -> bytes:
    if name not in fields:
        return bytes(size or 0)
    return parse_data(fields.member(name), fields.place_of(name), size)


def _hash(fields: Fields, name: str) -> Hash32:
    return Hash32(_bytes(fields, name, 32))
