"""Genesis files: how a chain begins, as clients write it.

The format of go-ethereum, Besu and Erigon, as JSON, plain or compressed with gzip or xz: ``alloc``
with the accounts, the members of the first header, and under ``config`` the chain's forks
(``"londonBlock": 5``, ``"cancunTime": 1710338135``, ``"terminalTotalDifficulty"``) and blob
parameters (``"blobSchedule"``). Or Nethermind's chain specification, which has ``params`` and
``accounts`` and names each EIP.

Numbers may be JSON numbers, decimal or hexadecimal, and names are found in any case, as clients
find them. A number or hash that is absent is zero, an absent ``chainId`` 1, absent accounts are
none; what has a name that means nothing, or asks for rules that are not Ethereum's, is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import BLOOM_SIZE, Header
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.codecs.json_files import read_json
from blockstm.ethereum.codecs.loose_fields import LooseFields, loose_bytes, loose_word, names
from blockstm.ethereum.genesis.geth import chain_of
from blockstm.ethereum.genesis.nethermind import chain_of_spec, is_chainspec
from blockstm.ethereum.rules.fees import FIRST_BASE_FEE
from blockstm.ethereum.rules.header_rules import NO_OMMERS_HASH
from blockstm.ethereum.tries.state_trie import state_root
from blockstm.messages import brief
from blockstm.state.accounts import Account
from blockstm.types import Address, BlockNumber
from blockstm.vm.forks import CANCUN, FRONTIER, LONDON, OSAKA_ACCESS_LISTS, PRAGUE, SHANGHAI, Fork

__all__ = ["Genesis", "parse_genesis", "read_genesis"]

# Members of the first header, and what else a genesis file has.
_HEADER: Final = names(
    "parenthash coinbase difficulty number gaslimit gasused timestamp extradata mixhash "
    "nonce basefeepergas blobgasused excessblobgas parentbeaconblockroot slotnumber"
)
# What follows from the rest: compared with what does.
_DERIVED: Final = {
    "hash": "hash",
    "stateroot": "state_root",
    "transactionstrie": "transactions_root",
    "transactionsroot": "transactions_root",
    "receipttrie": "receipts_root",
    "receiptsroot": "receipts_root",
    "unclehash": "ommers_hash",
    "sha3uncles": "ommers_hash",
    "bloom": "logs_bloom",
    "logsbloom": "logs_bloom",
    "withdrawalsroot": "withdrawals_root",
    "requestshash": "requests_hash",
    "blockaccesslisthash": "block_access_list_hash",
}
_REMARKS: Final = frozenset(("name", "description", "result"))
_KNOWN: Final = _HEADER | {*_DERIVED} | _REMARKS | {"config", "alloc"}
_ACCOUNT: Final = names("balance wei nonce code storage")
_ACCOUNT_REMARKS: Final = names("privatekey secretkey publickey name description")


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
        ConfigError: its forks are no chain's, or of a chain with other rules than Ethereum's.
    """
    return parse_genesis(read_json(path, "genesis file"))


def parse_genesis(document: object, *, chain: Chain | None = None) -> Genesis:
    """The genesis file that a parsed JSON document is.

    Args:
        document: as `read_genesis` finds it in a file.
        chain: whose first block it is, where the document has no ``config``.

    Raises:
        DecodeError: something is missing, malformed or unknown, or a root or hash that the file
            tells does not follow from it; the message names the place.
        ConfigError: its forks are no chain's, or of a chain with other rules than Ethereum's.
    """
    fields = LooseFields(document, "")
    if is_chainspec(fields):
        chain, fields, alloc = chain_of_spec(fields)
        return _genesis(chain, fields, alloc)
    fields.refuse_unknown(_KNOWN, "a genesis file")
    if not any(name.lower() in _KNOWN - _REMARKS for name in fields.written_names()):
        raise DecodeError("alloc: missing, and so is all else that a genesis file has", "alloc")
    config = fields.loose("config") if "config" in fields else None
    found = chain if config is None else chain_of(config)
    return _genesis(found, fields, fields.loose("alloc"))


def _genesis(chain: Chain | None, fields: LooseFields, alloc: LooseFields) -> Genesis:
    accounts = dict(_accounts(alloc))
    header = _header(fields, chain, accounts)
    withdrawals = () if header.withdrawals_root is not None else None
    return Genesis(chain, Block(header.hash, header, (), withdrawals), accounts)


def _header(
    fields: LooseFields, chain: Chain | None, accounts: Mapping[Address, Account]
) -> Header:
    difficulty, timestamp = fields.number("difficulty"), fields.number("timestamp", bits=64)
    fork = FRONTIER
    if chain is not None:
        fork = chain.fork_at(0, timestamp, difficulty)
    header = Header(
        parent_hash=fields.loose_hash("parentHash"),
        ommers_hash=NO_OMMERS_HASH,
        coinbase=fields.loose_address("coinbase"),
        state_root=state_root(accounts),
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bytes(BLOOM_SIZE),
        difficulty=difficulty,
        number=BlockNumber(fields.number("number", bits=64)),
        gas_limit=fields.number("gasLimit", bits=63),
        gas_used=fields.number("gasUsed", bits=63),
        timestamp=timestamp,
        extra_data=fields.loose_bytes("extraData"),
        mix_hash=fields.loose_hash("mixHash"),
        nonce=fields.number("nonce", bits=64).to_bytes(8, "big"),
    )
    header = replace(header, **_later_members(fields, fork))
    _check_derived(fields, header)
    return header


def _later_members(fields: LooseFields, fork: Fork) -> dict[str, Any]:
    """The header's members that came with a fork."""
    members: dict[str, Any] = {}
    if fork >= LONDON:
        members["base_fee_per_gas"] = fields.number("baseFeePerGas", FIRST_BASE_FEE)
    if fork >= SHANGHAI:
        members["withdrawals_root"] = EMPTY_TRIE_ROOT
    if fork >= CANCUN:
        members["blob_gas_used"] = fields.number("blobGasUsed", bits=64)
        members["excess_blob_gas"] = fields.number("excessBlobGas", bits=64)
        members["parent_beacon_block_root"] = fields.loose_hash("parentBeaconBlockRoot")
    if fork >= PRAGUE:
        members["requests_hash"] = sha256().digest()
    if fork >= OSAKA_ACCESS_LISTS:
        members["block_access_list_hash"] = NO_OMMERS_HASH  # of an empty list, as that is
    if fork > OSAKA_ACCESS_LISTS:
        members["slot_number"] = fields.number("slotNumber", bits=64)
    return members


def _check_derived(fields: LooseFields, header: Header) -> None:
    """Raise unless the members that follow from others have the right values."""
    for name, attribute in _DERIVED.items():
        value = getattr(header, attribute)
        if name in fields and fields.loose_bytes(name) != (value or b""):
            place = fields.place_of(name)
            follows = "nothing" if value is None else shown(value)
            raise DecodeError(
                f"{place}: {brief(fields.member(name))} does not follow from the rest, but "
                f"{follows:.66} does",
                place,
            )


# ---- accounts


def _accounts(alloc: LooseFields) -> Iterator[tuple[Address, Account]]:
    for address, value, place in alloc.by_key(_address, "account"):
        account = LooseFields(value, place)
        account.refuse_unknown(_ACCOUNT | _ACCOUNT_REMARKS, "an account")
        if "wei" in account and "balance" in account:
            raise DecodeError(f"{place}: it has a balance, and wei, as that was called", place)
        code = account.loose_bytes("code")
        yield (
            address,
            Account(
                account.number("wei" if "wei" in account else "balance"),
                account.number("nonce", bits=64),
                code,
                keccak(code),
                {
                    slot: loose_word(word, where)
                    for slot, word, where in account.loose("storage").by_key(loose_word, "slot")
                },
            ),
        )


def _address(name: object, place: str) -> Address:
    return Address(loose_bytes(name, place, 20))
