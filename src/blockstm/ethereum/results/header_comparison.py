"""Whether executing a block gave what its header says it gives (Yellow Paper 4.3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blockstm.ethereum.blocks.access_list import ITEM_GAS, BlockAccessList
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.receipt import Receipt, receipts_bloom, receipts_root
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.ethereum.rules.requests import requests_hash
from blockstm.types import Hash32

__all__ = ["check_results", "results_violation"]


def check_results(
    header: Header,
    gas_used: int,
    receipts: Sequence[Receipt],
    *,
    state_root: Hash32 | None = None,
    requests: Sequence[bytes] | None = None,
    access_list: BlockAccessList | None = None,
    has_receipts_root: bool = True,
    given_list: BlockAccessList | None = None,
) -> None:
    """Compare the results of a block with its header.

    Args:
        header: the block's.
        gas_used: by its transactions; as the header counts it.
        receipts: one per transaction, in order.
        state_root: after the block; None where it is not known, and then it is not checked.
        requests: as `requests_of` gives them; None before Prague.
        access_list: what the block touched; None before Amsterdam.
        has_receipts_root: False where the receipts should have state roots and these are not
            known: then their root is not checked.
        given_list: the access list that came with the block; None where none did.

    Raises:
        InvalidBlock: they differ; ``reason`` says in what first, ``index`` is None.
    """
    violation = results_violation(
        header,
        gas_used,
        receipts,
        state_root=state_root,
        requests=requests,
        access_list=access_list,
        has_receipts_root=has_receipts_root,
        given_list=given_list,
    )
    if violation is not None:
        raise violation.error()


def results_violation(
    header: Header,
    gas_used: int,
    receipts: Sequence[Receipt],
    *,
    state_root: Hash32 | None = None,
    requests: Sequence[bytes] | None = None,
    access_list: BlockAccessList | None = None,
    has_receipts_root: bool = True,
    given_list: BlockAccessList | None = None,
) -> Violation | None:
    """The first difference, None if there is none; see `check_results`."""
    given = (state_root, requests, access_list, has_receipts_root, given_list)
    return next(_violations(header, gas_used, receipts, *given), None)


def _violations(
    header: Header,
    gas_used: int,
    receipts: Sequence[Receipt],
    state_root: Hash32 | None,
    requests: Sequence[bytes] | None,
    access_list: BlockAccessList | None,
    has_receipts_root: bool,
    given_list: BlockAccessList | None,
) -> Iterator[Violation]:
    if gas_used != header.gas_used:
        yield Violation(Reason.GAS_USED, f"{gas_used} gas used, the header says {header.gas_used}")
    if has_receipts_root:
        yield from _unequal(Reason.RECEIPTS_ROOT, receipts_root(receipts), header.receipts_root)
    yield from _unequal(Reason.LOGS_BLOOM, receipts_bloom(receipts), header.logs_bloom)
    if requests is not None:
        yield from _unequal(Reason.REQUESTS_HASH, requests_hash(requests), header.requests_hash)
    if access_list is not None:
        items, items_max = access_list.item_count, header.gas_limit // ITEM_GAS
        if items > items_max:
            detail = f"an access list of {items} items, over {items_max}"
            yield Violation(Reason.ACCESS_LIST_TOO_LARGE, detail)
        if given_list is not None:
            # Few blocks come with one: not loaded at each start.
            from blockstm.ethereum.results.access_list_differences import given_list_violations

            yield from given_list_violations(access_list, given_list)
        yield from _unequal(
            Reason.ACCESS_LIST_HASH, access_list.hash, header.block_access_list_hash
        )
    if state_root is not None:
        yield from _unequal(Reason.STATE_ROOT, state_root, header.state_root)


def _unequal(reason: Reason, ours: bytes, theirs: bytes | None) -> Iterator[Violation]:
    if ours != theirs:
        said = "nothing" if theirs is None else f"0x{theirs.hex()}"
        what = reason.replace("_", " ")
        yield Violation(reason, f"the {what} is 0x{ours.hex()}, the header says {said}")
