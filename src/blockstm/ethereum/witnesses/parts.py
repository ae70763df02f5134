"""One transaction of a bundle, checked by what the access list says of those before it.

The list names every value that a transaction leaves. So each transaction can be run by itself: on
the parent's state, as the witness proves it, with the values that the list has from before the
transaction. If what it leaves is what the list says it leaves, and that holds of the block's start,
of every transaction and of its end, then its changes are those of the block, by induction; and many
can share the work. The one who has a transaction before which the list is wrong may be told so by a
difference of its own, but the one who has the transaction whose values are wrong always is.

What only all parts together tell is for `blockstm.ethereum.witnesses.joined_parts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from blockstm.config import Config
from blockstm.engine import POOL
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.receipt import Receipt
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.execution.options import BlockOptions, Surroundings, surroundings_of
from blockstm.ethereum.execution.preparation import prepare_under
from blockstm.ethereum.execution.senders import recover_senders
from blockstm.ethereum.results.access_list_differences import differences
from blockstm.ethereum.results.accesses import fold_accesses
from blockstm.ethereum.results.header_comparison import results_violation
from blockstm.ethereum.rules.block_rules import block_violation
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.ethereum.witnesses.bundle import Bundle
from blockstm.ethereum.witnesses.state import WitnessState
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.state.accounts import balance_of
from blockstm.state.changes import AccountChange
from blockstm.state.located import located
from blockstm.state.overlay import overlay
from blockstm.types import Address, Hash32
from blockstm.vm.forks import AMSTERDAM, CANCUN

__all__ = ["CheckedPart", "Part", "check_part", "claim_of", "verify_part"]

Part = int | str
"""A transaction by its place, from 0; ``"start"`` or ``"end"``: what a block does around them."""


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """What a part of a block did, which was found to be what its bundle says.

    Attributes:
        claim: what of the bundle was checked, in a hash: block, access list, parent's state root.
        part: which one.
        gas_used: of a transaction after refunds, in gas; 0 of the start and the end.
        execution_gas: what it spent before refunds, without state gas, in gas.
        state_gas: what it paid for the growth of the state, in gas (EIP-8037).
        accesses: what it read and changed, each change at its block access index.
    """

    claim: Hash32
    part: Part
    gas_used: int
    execution_gas: int
    state_gas: int
    accesses: BlockAccessList


def verify_part(bundle: Bundle, part: Part, *, chain: Chain = MAINNET) -> int:
    """Check a part of a bundle's block by itself; the gas that it used, 0 of the start and the end.

    See `check_part`, which tells more of it.
    """
    return check_part(bundle, part, chain=chain).gas_used


def check_part(bundle: Bundle, part: Part, *, chain: Chain = MAINNET) -> CheckedPart:
    """Check a part of a bundle's block by itself.

    The header and the body are checked whole, the receipts against the header's root. The end is
    where the state root is, that of the list's last values, and the block's requests. What no part
    tells by itself: whether the list has an account or a slot more, which is said to be read and is
    not; and of a block of Amsterdam its gas, and whether that had room for each transaction. That
    is for `blockstm.ethereum.join_parts`. The bundle's changes and hints are not looked at.

    Args:
        bundle: whose witness's root is trusted to be the parent's.
        part: which one.
        chain: whose rules hold.

    Raises:
        InputError: there is no such part, the bundle has no access list, or the block is of a fork
            before Cancun, where whole accounts go without the list naming their slots.
        DecodeError: the part left something else than the bundle says; the message names the entry.
        InvalidBlock, StateError, MissingHeader, MissingNode: see `blockstm.execute_block`.

    Deterministic; safe from any thread. It runs on one thread.

    Source: EIP-7928, of whose lists the values are.
    """
    check_kind(bundle, Bundle, "bundle")
    block = bundle.block
    index = _index(part, len(block.transactions))
    parent, hashes = bundle.witness.ancestry(block)
    around = surroundings_of(
        block,
        "evm",
        BlockOptions(
            chain=chain,
            parent=parent,
            block_hashes=hashes,
            total_difficulty=bundle.difficulty,
        ),
    )
    if around.fork < CANCUN:
        raise InputError(f"parts of a block are checked from Cancun on, not of {around.fork}")
    if not bundle.access_list:
        raise InputError("the bundle has no access list: it is of version 1; check all of it")
    listed = BlockAccessList.decode(bundle.access_list, "accessList")
    receipts = _receipts(bundle)
    _check_frame(bundle, around, listed, receipts)
    state = overlay(WitnessState(bundle.witness), _values_before(listed, index))
    prepared, outcome = _run(_alone(block, part), state, around, part)
    done = outcome.value
    found = fold_accesses([b""] * index + [done.accesses], partial(_balance, state))
    _compare(found, listed, index)
    if part == "end":
        _check_root(bundle, listed)
        _check_requests(block, prepared.requests_of(done, receipts))
    if isinstance(part, str):
        return CheckedPart(claim_of(bundle), part, 0, 0, 0, found)
    gas = _checked_receipt(receipts, part, block, done)
    return CheckedPart(claim_of(bundle), part, gas, done.gas_before_refund, done.state_gas, found)


def claim_of(bundle: Bundle) -> Hash32:
    """What parts are checked of, in a hash."""
    root = bundle.witness.parent_state_root
    return keccak(bundle.block.header.hash + keccak(bundle.access_list) + root)


def _index(part: Any, count: int) -> int:
    """The block access index of a part."""
    if part in ("start", "end"):
        return 0 if part == "start" else count + 1
    if type(part) is not int or not 0 <= part < count:
        raise InputError(f'a part is "start", "end" or below {count}, not {brief(part)}')
    return part + 1


def _receipts(bundle: Bundle) -> list[Receipt]:
    if len(bundle.receipts) != len(bundle.block.transactions):
        raise DecodeError("receipts: not as many as transactions", "receipts")
    return [
        Receipt.decode(encoding, f"receipts[{place}]")
        for place, encoding in enumerate(bundle.receipts)
    ]


def _check_frame(
    bundle: Bundle, around: Surroundings, listed: BlockAccessList, receipts: list[Receipt]
) -> None:
    """What is checked without running anything: header, body, what the header names of both, that
    there is gas for each transaction, and that all changes are of parts.

    Raises:
        InvalidBlock: one of them is wrong.
        DecodeError: a change is of a part that is none.
    """
    block, header = bundle.block, bundle.block.header
    violation = block_violation(
        block, around.parent, around.chain, None, around.total_difficulty, workers=1
    )
    used = receipts[-1].cumulative_gas_used if receipts else 0
    violation = violation or results_violation(
        header,
        header.gas_used if around.fork >= AMSTERDAM else used,
        receipts,
        access_list=None if header.block_access_list_hash is None else listed,
    )
    if violation is None and around.fork < AMSTERDAM:  # whose receipts do not tell its gas
        violation = _gas_violation(block, receipts)
    if violation is not None:
        raise violation.error()
    _check_indexes(listed, len(block.transactions) + 1)


def _gas_violation(block: Block, receipts: list[Receipt]) -> Violation | None:
    """The first transaction that asks for more gas than those before it left; None if none does."""
    left = limit = block.header.gas_limit
    for place, (transaction, receipt) in enumerate(zip(block.transactions, receipts, strict=True)):
        if transaction.gas > left:
            detail = (
                f"gas above block: it asks for {transaction.gas} where the block has {left} left"
            )
            return Violation(Reason.GAS_ABOVE_BLOCK, detail, place)
        left = limit - receipt.cumulative_gas_used
    return None


def _check_indexes(listed: BlockAccessList, last: int) -> None:
    """Refuse a change after the end of the block, which no part would miss.

    Raises:
        DecodeError: there is one.
    """
    for account in listed.accounts:
        slots = (changes for _, changes in account.storage_changes)
        of_account = account.balance_changes, account.nonce_changes, account.code_changes
        for changes in (*of_account, *slots):
            if changes and changes[-1][0] > last:  # they ascend
                raise DecodeError(
                    f"accessList: account 0x{account.address.hex()} has a change at "
                    f"blockAccessIndex {changes[-1][0]:#x}, and the block ends at {last:#x}",
                    "accessList",
                )


def _alone(block: Block, part: Part) -> Block:
    """The block with no other transaction than that of a part."""
    kept = () if isinstance(part, str) else (block.transactions[part],)
    return replace(block, transactions=kept, transaction_hashes=(), senders=(), access_list=None)


def _run(alone: Block, state: Any, around: Surroundings, part: Part) -> tuple[BlockOnEvm, Any]:
    """What has run a part, and the outcome."""
    senders = recover_senders(alone.transactions)
    prepared = prepare_under(
        *(around.fork, alone, located(state), "evm", around.chain, around.block_hashes, senders, 1),
        keeps_accesses=True,
    )
    assert isinstance(prepared, BlockOnEvm)  # no other VM was asked for
    engine = POOL.take(Config(workers=1))
    try:
        [outcome] = prepared.run_part(_PLACES.get(part, slice(1, 2)), engine.run).outcomes
    finally:
        POOL.give_back(engine)
    return prepared, outcome


_PLACES: Mapping[Any, slice] = {"start": slice(0, 1), "end": slice(-1, None)}


def _balance(state: Any, address: Address) -> int:
    balance: int = located(state).get(balance_of(address), 0)
    return balance


# ---- what the list says


def _values_before(listed: BlockAccessList, index: int) -> dict[Address, AccountChange]:
    """By account, what the parts before one have left."""
    found = {}
    for account in listed.accounts:
        code = _last(account.code_changes, index)
        slots = {slot: _last(changes, index) for slot, changes in account.storage_changes}
        found[account.address] = AccountChange(
            nonce=_last(account.nonce_changes, index),
            balance=_last(account.balance_changes, index),
            code=code,
            code_hash=None if code is None else keccak(code),
            storage={slot: value for slot, value in slots.items() if value is not None},
        )
    return found


def _last(changes: Any, index: int) -> Any:
    """The value before a part; None where none before it has changed it."""
    return next((value for at, value in reversed(changes) if at < index), None)


def _only(changes: Any, index: int) -> Any:
    return tuple(change for change in changes if change[0] == index)


def _compare(found: BlockAccessList, listed: BlockAccessList, index: int) -> None:
    """Compare what a part accessed with what the list says that it did.

    The list does not say which part read something: it must only have all that this one read.

    Raises:
        DecodeError: there is a difference, which the message names.
    """
    ours = {account.address: account for account in found.accounts}
    claimed = (_claimed(account, index, ours.get(account.address)) for account in listed.accounts)
    theirs = BlockAccessList(tuple(each for each in claimed if each is not None))
    for difference in differences(found, theirs):
        raise DecodeError(f"accessList: {difference}", "accessList")


def _claimed(
    account: AccountAccess, index: int, found: AccountAccess | None
) -> AccountAccess | None:
    """An account as the list has it of one part; None where that left it alone."""
    slots = [(slot, _only(changes, index)) for slot, changes in account.storage_changes]
    known = {*account.storage_reads, *(slot for slot, _ in account.storage_changes)}
    reads = () if found is None else tuple(slot for slot in found.storage_reads if slot in known)
    claimed = AccountAccess(
        account.address,
        tuple((slot, changes) for slot, changes in slots if changes),
        reads,
        _only(account.balance_changes, index),
        _only(account.nonce_changes, index),
        _only(account.code_changes, index),
    )
    return None if found is None and claimed == AccountAccess(account.address) else claimed


def _check_root(bundle: Bundle, listed: BlockAccessList) -> None:
    """Check that the list's last values make the header's state root.

    Raises:
        DecodeError: they do not.
    """
    last = _values_before(listed, len(bundle.block.transactions) + 2)
    root = overlay(WitnessState(bundle.witness)).root_after(last)  # type: ignore[attr-defined]  # a witness knows its root
    if root != bundle.block.header.state_root:
        raise DecodeError(
            f"accessList: its last values make the state root 0x{root.hex()}, and the header says "
            f"0x{bundle.block.header.state_root.hex()}",
            "accessList",
        )


def _check_requests(block: Block, requests: tuple[bytes, ...] | None) -> None:
    """Check the requests that the end collected.

    Raises:
        InvalidBlock: the header names others.
    """
    said = block.header.requests_hash
    if requests is not None and requests_hash(requests) != said:
        found = requests_hash(requests).hex()
        detail = f"the requests hash is 0x{found}, the header says 0x{(said or b'').hex()}"
        raise Violation(Reason.REQUESTS_HASH, detail).error()


def _checked_receipt(receipts: list[Receipt], place: int, block: Block, done: Any) -> int:
    """The gas of a transaction whose receipt is right.

    Raises:
        DecodeError: it is not.
    """
    before = receipts[place - 1].cumulative_gas_used if place else 0
    given = receipts[place]
    found = (block.transactions[place].type, done.succeeded, before + done.gas_used, done.logs)
    if found != (given.type, given.succeeded, given.cumulative_gas_used, given.logs):
        name = f"receipts[{place}]"
        raise DecodeError(f"{name}: executing the transaction gives something else", name)
    gas: int = done.gas_used
    return gas
