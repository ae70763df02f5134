"""Small official-looking tests, made here, to be spoilt by tests. No test of its own."""

from __future__ import annotations

import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import Any

from tests.ethereum.documents import KEY, SENDER, hex_of

from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt, receipts_root
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT, keccak
from blockstm.ethereum.tries.list_root import list_root
from blockstm.ethereum.tries.state_trie import state_root
from blockstm.state.accounts import Account

RECEIVER, COINBASE = b"\x22" * 20, b"\xcb" * 20
ETHER = 10**18
GAS_PRICE, GAS_OF_A_TRANSFER = 10, 21_000
NO_OMMERS = keccak(b"\xc0")
NO_LOGS = NO_OMMERS  # both are an empty list


def transfer(value: int, *, nonce: int = 0, gas: int = GAS_OF_A_TRANSFER) -> Transaction:
    """A signed transfer from `SENDER` to `RECEIVER`."""
    members: dict[str, Any] = {
        "type": 0,
        "nonce": nonce,
        "gas": gas,
        "gas_price": GAS_PRICE,
        "to": RECEIVER,
        "value": value,
        "data": b"",
    }
    unsigned = Transaction(**members, v=27, r=1, s=1)
    signature = KEY.sign_msg_hash(unsigned.signing_hash)
    return Transaction(**members, v=27 + signature.v, r=signature.r, s=signature.s)


def accounts_after(*values: int) -> dict[Any, Account]:
    """The accounts of Berlin after transfers of these values, fees included, rewards not."""
    fee = GAS_PRICE * GAS_OF_A_TRANSFER
    accounts = {SENDER: Account(ETHER - sum(values) - len(values) * fee, len(values))}
    if sum(values):
        accounts[RECEIVER] = Account(sum(values))
    if values:
        accounts[COINBASE] = Account(len(values) * fee)
    return accounts


def allocation(accounts: dict[Any, Account]) -> dict[str, Any]:
    """Accounts as the tests write them."""
    return {
        hex_of(address): {
            "balance": hex_of(account.balance),
            "nonce": hex_of(account.nonce),
            "code": "0x",
            "storage": {},
        }
        for address, account in accounts.items()
    }


def state_test(*, network: str = "Berlin", is_signed: bool = True) -> dict[str, Any]:
    """A state test of three cases: transfers of 1 and of 7 wei, and one of more than there is."""
    posts: list[dict[str, Any]] = [_post(0, 1), _post(1, 7)]
    posts.append(_post(2, 2 * ETHER, accounts_after()))
    posts[2]["expectException"] = "TransactionException.INSUFFICIENT_ACCOUNT_FUNDS"
    if not is_signed:
        for post in posts:
            del post["txbytes"]
    return {
        "_info": {},
        "env": {
            "currentCoinbase": hex_of(COINBASE),
            "currentDifficulty": "0x020000",
            "currentGasLimit": "0x0f4240",
            "currentNumber": "0x01",
            "currentTimestamp": "0x03e8",
        },
        "pre": allocation(accounts_after()),
        "transaction": {
            "data": ["0x"],
            "gasLimit": [hex_of(GAS_OF_A_TRANSFER)],
            "gasPrice": hex_of(GAS_PRICE),
            "nonce": "0x00",
            "sender": hex_of(SENDER),
            "to": hex_of(RECEIVER),
            "value": ["0x01", "0x07", hex_of(2 * ETHER)],
        },
        "post": {network: posts},
    }


def _post(number: int, value: int, accounts: dict[Any, Account] | None = None) -> dict[str, Any]:
    accounts = accounts or accounts_after(value)
    return {
        "hash": hex_of(state_root(accounts)),
        "logs": hex_of(NO_LOGS),
        "txbytes": hex_of(transfer(value).encode()),
        "indexes": {"data": 0, "gas": 0, "value": number},
        "state": allocation(accounts),
    }


def block_test() -> dict[str, Any]:
    """A blockchain test of Berlin's: two blocks with a transfer each; the second spoilt once."""
    genesis = _block(None, ())
    first = _block(genesis, (1,))
    second = _block(first, (1, 7))
    spoilt = _block(first, (1, 7), gas_used=GAS_OF_A_TRANSFER + 1)
    return {
        "_info": {},
        "network": "Berlin",
        "sealEngine": "NoProof",
        "pre": allocation(accounts_after()),
        "genesisBlockHeader": _header(genesis.header),
        "genesisRLP": hex_of(genesis.encode()),
        "blocks": [
            {"rlp": hex_of(first.encode()), "blockHeader": {}},
            {"rlp": hex_of(spoilt.encode()), "expectException": "InvalidGasUsed"},
            {"rlp": hex_of(second.encode()), "blockHeader": {}},
        ],
        "postState": allocation(_accounts_of_block(2, (1, 7))),
        "lastblockhash": hex_of(second.hash),
    }


def _block(parent: Block | None, values: tuple[int, ...], **spoilt: Any) -> Block:
    """The block whose chain has made transfers of ``values``; the last of them is its own."""
    number = 0 if parent is None else parent.header.number + 1
    transactions = tuple(transfer(value, nonce=number - 1) for value in values[-1:])
    receipts = [Receipt(0, True, GAS_OF_A_TRANSFER, ()) for _ in transactions]
    members: dict[str, Any] = {
        "parent_hash": bytes(32) if parent is None else parent.hash,
        "ommers_hash": NO_OMMERS,
        "coinbase": COINBASE,
        "state_root": state_root(_accounts_of_block(number, values)),
        "transactions_root": list_root([each.encode() for each in transactions]),
        "receipts_root": receipts_root(receipts) if receipts else EMPTY_TRIE_ROOT,
        "logs_bloom": bytes(256),
        "difficulty": 0x20000 + 0x40 * number,
        "number": number,
        "gas_limit": 3_141_592,
        "gas_used": GAS_OF_A_TRANSFER * len(transactions),
        "timestamp": 1000 + number,
        "extra_data": b"",
        "mix_hash": bytes(32),
        "nonce": bytes(8),
    }
    header = Header(**members | spoilt)
    return Block(header.hash, header, transactions)


def _header(header: Header) -> dict[str, Any]:
    """A header as the tests write it."""
    members = {
        "parentHash": header.parent_hash,
        "uncleHash": header.ommers_hash,
        "coinbase": header.coinbase,
        "stateRoot": header.state_root,
        "transactionsTrie": header.transactions_root,
        "receiptTrie": header.receipts_root,
        "bloom": header.logs_bloom,
        "difficulty": header.difficulty,
        "number": header.number,
        "gasLimit": header.gas_limit,
        "gasUsed": header.gas_used,
        "timestamp": header.timestamp,
        "extraData": header.extra_data,
        "mixHash": header.mix_hash,
        "nonce": header.nonce,
        "hash": header.hash,
    }
    return {name: hex_of(value) for name, value in members.items()}


def _accounts_of_block(number: int, values: tuple[int, ...]) -> dict[Any, Account]:
    accounts = accounts_after(*values)
    if number:
        fees = accounts[COINBASE].balance
        accounts[COINBASE] = Account(fees + number * 2 * ETHER)  # the rewards
    return accounts


def write(folder: Path, document: Any, name: str = "test.json") -> Path:
    """Write a document as JSON."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def write_archive(path: Path, files: dict[str, bytes]) -> Path:
    """Write an archive, compressed as its name says."""
    kind = {".tar": "", ".gz": "gz", ".xz": "xz"}[path.suffix]
    with tarfile.open(path, f"w:{kind}") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def compressed(document: Any) -> bytes:
    """A document as compressed JSON."""
    return lzma.compress(json.dumps(document).encode())
