"""The accounts that a block reads, as block files and nodes' tracers write them.

A block file names all of an account: balance, nonce, code or its hash, storage. go-ethereum's
``prestateTracer`` leaves out what is zero or empty, and a whole block's trace
(``debug_traceBlockByNumber``) is a list with the accounts before each transaction: of those, an
account and a slot are as they were when they were first seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from blockstm.errors import DecodeError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.codecs.fields import Fields, answer_in, parse_address, parse_word
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.state.accounts import EMPTY_CODE_HASH, Account
from blockstm.types import Address, Hash32

__all__ = ["parse_pre_state"]


def parse_pre_state(value: object, place: str, block: Block) -> dict[Address, Account]:
    """The accounts that there are for a block.

    Args:
        value: an object, address → account; a whole answer of a node that has it; or the trace of
            a whole block.
        place: where it stands.
        block: the block, whose contracts a trace shows only once they are there.

    Raises:
        DecodeError: something is missing or malformed, or an account or a slot is there twice, or
            it is a trace of differences, which lacks what was read and not changed.
    """
    value = answer_in(value, place)
    if not isinstance(value, list | tuple):
        return _accounts(_full(Fields(value, place)))
    if len(value) != len(block.transactions):
        raise DecodeError(f"{place}: a trace of a block is one of each transaction", place)
    return _first_seen(value, place, block)


def _full(fields: Fields) -> Fields:
    if "pre" in fields and "post" in fields:
        raise DecodeError(
            f"{fields.place}: a trace of differences lacks what the block reads and does not "
            "change; trace with diffMode false",
            fields.place,
        )
    return fields


def _accounts(fields: Fields) -> dict[Address, Account]:
    accounts: dict[Address, Account] = {}
    for name, value, place in fields.items():
        address = parse_address(name, place)
        if address in accounts:
            raise DecodeError(f"{place}: this account is there twice", place)
        account = Fields(value, place)
        if not _is_none(account):
            accounts[address] = _account(account)
    return accounts


def _is_none(account: Fields) -> bool:
    """Whether a tracer shows an account that does not exist: it has no more than no balance."""
    is_balance_alone = [name for name, _, _ in account.items()] == ["balance"]
    return is_balance_alone and account.quantity("balance") == 0


def _account(fields: Fields) -> Account:
    code, code_hash = _code(fields)
    return Account(
        fields.quantity("balance"),
        fields.quantity_or_none("nonce", 64) or 0,
        code,
        code_hash,
        _storage(fields) if "storage" in fields else {},
    )


def _code(fields: Fields) -> tuple[bytes | None, Hash32]:
    """The code and its hash; a tracer leaves out both of an account that has none."""
    name = fields.named("code_hash", "codeHash")
    told = fields.hash_or_none(name)
    if "code" in fields:
        code = fields.data("code")
        code_hash = keccak(code)
        if told is not None and told != code_hash:
            place = fields.place_of(name)
            raise DecodeError(f"{place}: not the hash of the code beside it", place)
        return code, code_hash
    if told is not None:
        return (b"" if told == EMPTY_CODE_HASH else None), told
    if "storage" in fields:
        place = fields.place_of("code")
        raise DecodeError(f"{place}: missing, of an account with storage", place)
    return b"", EMPTY_CODE_HASH


def _storage(fields: Fields) -> dict[int, int]:
    storage: dict[int, int] = {}
    for name, value, place in fields.fields("storage").items():
        slot = parse_word(name, place)
        if slot in storage:
            raise DecodeError(f"{place}: this slot is there twice", place)
        storage[slot] = parse_word(value, place)
    return storage


# ---- the trace of a whole block


def _first_seen(traces: Collection[Any], place: str, block: Block) -> dict[Address, Account]:
    """Each account and slot as the first transaction that shows it found it."""
    accounts: dict[Address, Account] = {}
    made: set[Address] = set()  # by an earlier transaction: before the block there was nothing
    for index, (trace, creation) in enumerate(zip(traces, _creations(block), strict=True)):
        fields = Fields(trace, f"{place}[{index}]")
        result = Fields(answer_in(fields.member("result"), fields.place), fields.place_of("result"))
        for address, found in _accounts(_full(result)).items():
            if address in accounts:
                storage = {**found.storage, **accounts[address].storage}
                accounts[address] = _with_storage(accounts[address], storage)
            elif address not in made:
                accounts[address] = found
        if creation is not None and creation not in accounts:
            made.add(creation)
    return accounts


def _with_storage(account: Account, storage: Mapping[int, int]) -> Account:
    return Account(account.balance, account.nonce, account.code, account.code_hash, storage)


def _creations(block: Block) -> Iterator[Address | None]:
    """The address of the contract that each transaction creates; None where it creates none."""
    senders = block.senders or (None,) * len(block.transactions)
    for transaction, sender in zip(block.transactions, senders, strict=True):
        if transaction.to is not None or sender is None:
            yield None
        else:
            yield Address(keccak(encode([sender, transaction.nonce]))[12:])
