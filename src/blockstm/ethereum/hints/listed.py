"""Hints from access lists: the block's own (EIP-7928) and its transactions' (EIP-2930).

A block's list has the values of balances, nonces, codes and slots after each transaction that
changes them: the reads of those after it are answered from there, so that nothing waits. For VMs
that take no values, and from a transaction's list, which has none, there are dependencies. Neither
tells a read from a write of the same transaction; what dependencies are taken from are slots:
EIP-2200 has every SSTORE read the slot first. Balances and nonces order nothing, as the EVM adds to
the first and expects the second.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Final

from blockstm._native.state.listed_writes import ListedWrites
from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.hints.hints import Expected, Hints
from blockstm.messages import brief

__all__ = ["from_access_list", "from_transactions", "touched_by"]

_PLACE: Final = "blockAccessList"
_WEIGHT_MAX = (1 << 63) - 1
_COUNT_MAX = 1 << 24


def from_access_list(
    access_list: BlockAccessList | bytes,
    transactions: int | Sequence[Transaction] | Sequence[int],
) -> Hints:
    """Hints from a block's access list: the values that it names answer reads, whether or not who
    writes them has run. Where values are not taken, a transaction that changes a slot depends on
    the one that changed it last. A chain on disk reads ahead what the list names.

    Args:
        access_list: right or wrong, as it came with the block; or its RLP, which costs less than to
            decode it.
        transactions: the block's, whose gas limits are taken for their weights; or those limits, or
            how many there are, 16,777,216 at most. What is listed of others is left out.

    Raises:
        InputError: an argument is of the wrong kind, or a number out of range.
        DecodeError: the bytes are of no list; whether it is in its canonical form is not asked.
    """
    weights, count = _gas_limits(transactions)
    written = _written(access_list)
    return Hints(
        count,
        values=_arrays(*written.values),
        written=written,
        accesses=_arrays(*written.accesses(count)),
        weights=weights,
    )


def _written(access_list: Any) -> ListedWrites:
    if isinstance(access_list, BlockAccessList):
        return ListedWrites(access_list.accounts)
    if not isinstance(access_list, bytes):
        raise InputError(
            f"an access list is a BlockAccessList or its RLP, not {brief(access_list)}"
        )
    try:
        return ListedWrites(access_list)
    except ValueError as error:
        BlockAccessList.decode(access_list, canonical=False)  # it says where
        raise DecodeError(f"{_PLACE}: {error}", _PLACE) from error


def _arrays(first: bytes, second: bytes, last: bytes) -> tuple[memoryview, memoryview, memoryview]:
    """Two arrays of int64 and one of bytes, as `Hints.from_arrays` takes them."""
    return memoryview(first).cast("q"), memoryview(second).cast("q"), memoryview(last)


def _gas_limits(
    transactions: int | Sequence[Transaction] | Sequence[int],
) -> tuple[memoryview | None, int]:
    """The gas limits, where they are known, and how many transactions there are."""
    given: Any = transactions
    if type(given) is int and 0 <= given <= _COUNT_MAX:
        return None, given
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InputError(
            "transactions are those of the block, their gas limits, or how many they are, from 0 "
            f"to {_COUNT_MAX:,}, not {brief(given)}"
        )
    limits: list[Any] = [getattr(each, "gas", each) for each in given]
    for each in limits:
        if type(each) is not int:
            raise InputError(f"a gas limit is an int, not {brief(each)}")
    return memoryview(array("q", [min(max(each, 0), _WEIGHT_MAX) for each in limits])), len(limits)


def touched_by(access_list: BlockAccessList) -> tuple[bytes, bytes]:
    """The accounts and slots that a list names: addresses, and addresses with slots, 52 bytes each,
    one behind the other."""
    return ListedWrites(access_list.accounts).touched


def from_transactions(transactions: Iterable[Transaction]) -> Hints:
    """Hints from the access lists of transactions: those that list the same slot depend on each
    other, in order."""
    return Hints.of(_expected(each) for each in transactions)


def _expected(transaction: Transaction) -> Expected:
    slots = [(address, slot) for address, listed in transaction.access_list for slot in listed]
    return Expected(reads=slots, writes=slots)
