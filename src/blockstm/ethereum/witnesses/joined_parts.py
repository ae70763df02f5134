"""All parts of a bundle's block, each checked by somebody: what only all of them tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.results.access_list_differences import differences
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.ethereum.witnesses.bundle import Bundle
from blockstm.ethereum.witnesses.parts import CheckedPart, Part, claim_of
from blockstm.kinds import check_kind
from blockstm.messages import brief
from blockstm.types import Address
from blockstm.vm.evm.admission import GAS_CAP

__all__ = ["join_parts"]


def join_parts(bundle: Bundle, parts: Iterable[CheckedPart]) -> None:
    """Check what no part of a block tells by itself: with that, its block is valid.

    That the access list has nothing more than what the parts have accessed; of a block that has its
    list in the header (from Amsterdam on) that it used as much gas as the header says, and had room
    for each transaction. Nothing runs. The bundle's changes and hints are not looked at.

    Args:
        bundle: what the parts are of.
        parts: what `check_part` gave of the start, of each transaction and of the end, in any
            order; each is believed.

    Raises:
        InputError: a part is missing, there twice, or of another bundle.
        DecodeError: the list has more; the message names the entry.
        InvalidBlock: the gas is another, or had no room for a transaction.

    Pure; safe from any thread.

    Source: EIP-7928, EIP-7778, EIP-8037.
    """
    check_kind(bundle, Bundle, "bundle")
    block = bundle.block
    known = _by_part(bundle, parts)
    _check_list(BlockAccessList.decode(bundle.access_list, "accessList"), known.values())
    if block.header.block_access_list_hash is not None:
        done = [known[place] for place in range(len(block.transactions))]
        violation = _room_violation(block, done) or _gas_violation(block, done)
        if violation is not None:
            raise violation.error()


def _by_part(bundle: Bundle, parts: Iterable[CheckedPart]) -> Mapping[Part, CheckedPart]:
    """The parts, of which there is each.

    Raises:
        InputError: there is not.
    """
    given, claim = list(parts), claim_of(bundle)
    for each in given:
        if not isinstance(each, CheckedPart):
            raise InputError(f"parts are what check_part gives, not {brief(each)}")
        if each.claim != claim:
            raise InputError(f"part {brief(each.part)} was checked of another bundle")
    wanted = ["start", *range(len(bundle.block.transactions)), "end"]
    counts = Counter(each.part for each in given)
    for part in wanted:
        if counts[part] != 1:
            raise InputError(f"part {brief(part)} is there {counts[part]} times, not once")
    return {each.part: each for each in given}


def _check_list(listed: BlockAccessList, parts: Iterable[CheckedPart]) -> None:
    """Check that somebody has accessed what the list names.

    Raises:
        DecodeError: nobody has; the message names the entry.
    """
    slots: defaultdict[Address, set[int]] = defaultdict(set)
    for part in parts:
        for account in part.accesses.accounts:
            changed = (slot for slot, _ in account.storage_changes)
            slots[account.address].update(account.storage_reads, changed)
    # The changes are those of the list: each part has compared its own.
    found = BlockAccessList(
        tuple(
            _accessed(account, slots[account.address])
            for account in listed.accounts
            if account.address in slots
        )
    )
    for difference in differences(found, listed):
        raise DecodeError(f"accessList: {difference}", "accessList")


def _accessed(account: AccountAccess, slots: set[int]) -> AccountAccess:
    reads = tuple(slot for slot in account.storage_reads if slot in slots)
    changes = tuple(each for each in account.storage_changes if each[0] in slots)
    return AccountAccess(
        account.address,
        changes,
        reads,
        account.balance_changes,
        account.nonce_changes,
        account.code_changes,
    )


def _room_violation(block: Block, parts: Sequence[CheckedPart]) -> Violation | None:
    """The first transaction that the block had no gas left for, of either kind."""
    execution = state = block.header.gas_limit
    for place, (transaction, part) in enumerate(zip(block.transactions, parts, strict=True)):
        asked = transaction.gas
        for gas, left in ((min(asked, GAS_CAP), execution), (asked, state)):
            if gas > left:
                detail = f"gas above block: it asks for {gas} where the block has {left} left"
                return Violation(Reason.GAS_ABOVE_BLOCK, detail, place)
        execution, state = execution - part.execution_gas, state - part.state_gas
    return None


def _gas_violation(block: Block, parts: Sequence[CheckedPart]) -> Violation | None:
    execution = sum(part.execution_gas for part in parts)
    used, said = max(execution, sum(part.state_gas for part in parts)), block.header.gas_used
    if used == said:
        return None
    return Violation(Reason.GAS_USED, f"{used} gas used, the header says {said}")
