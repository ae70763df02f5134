"""Hypothesis strategies: blocks with chosen contention, states to run them on, schedules.

Needs ``hypothesis`` (the extra ``blockstm[testing]``).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from blockstm.extras import need

need("testing", "blockstm.testing.strategies")

from hypothesis import strategies as st

__all__ = ["OPERATIONS", "blocks", "choices", "numbers", "operations", "states", "values"]

OPERATIONS = (
    "get",
    "put",
    "delete",
    "add",
    "expect",
    "at_least",
    "try_add",
    "charge",
    "bump",
    "copy",
    "follow",
    "branch",
    "revert",
    "invalid",
    "raise",
)
"""The operations that `blocks` draws from, see `blockstm.testing.scripts`."""

SMALL = st.integers(-3, 3)


def numbers() -> st.SearchStrategy[Any]:
    """Numbers of every kind whose sums differ by order, size or type."""
    return st.one_of(
        SMALL,
        st.integers(-(1 << 70), 1 << 70),
        st.booleans(),
        st.floats(allow_nan=False, width=64),
        st.sampled_from([0.1, 0.2, 0.3, 1e16, -0.0]),
        st.sampled_from([Decimal("0.1"), Decimal("1.00")]),
        st.builds(Fraction, SMALL, st.integers(1, 3)),
    )


def values() -> st.SearchStrategy[Any]:
    """Values of every kind, most of them numbers."""
    others = st.sampled_from([None, "", "text", "x" * 100, b"bytes" * 20, (1, "two"), ()])
    return st.one_of(numbers(), others)


def choices(*, workers: int = 2, max_length: int = 60) -> st.SearchStrategy[list[int]]:
    """Schedules for `blockstm.executor.explore`; they shrink towards the one without preemption.

    Example:
        >>> from blockstm.testing.strategies import choices
        >>> import hypothesis
        >>> hypothesis.find(choices(), lambda schedule: 1 in schedule)
        [1]
    """
    return st.lists(st.integers(0, workers - 1), max_size=max_length)


def states(
    keys: int | Sequence[Any] = 4, values: st.SearchStrategy[Any] = SMALL
) -> st.SearchStrategy[dict[Any, Any]]:
    """Mappings from some of the keys to values."""
    return st.dictionaries(st.sampled_from(_keys(keys)), values, max_size=8)


def blocks(
    *,
    max_transactions: int = 8,
    max_operations: int = 4,
    keys: int | Sequence[Any] = 4,
    hot: float = 0.0,
    ops: Sequence[str] = OPERATIONS,
    values: st.SearchStrategy[Any] = SMALL,
    deltas: st.SearchStrategy[Any] = SMALL,
) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Blocks of transactions for `scripted_vm`.

    Contention is chosen by how many keys there are and how often the first one is taken.

    Args:
        max_transactions: transactions per block, 0 to this.
        max_operations: operations per transaction, 0 to this.
        keys: the keys, or how many (they are then strings).
        hot: from 0 to 1: how often an operation takes the first key, whatever else it draws.
        ops: which operations; a name given twice is drawn twice as often.
        values: what is put.
        deltas: what is added.

    Example:
        >>> from blockstm.testing.strategies import blocks
        >>> import hypothesis
        >>> hypothesis.find(blocks(keys=1, ops=["bump"]), lambda block: len(block) == 2)
        [(), ()]
    """
    one = operations(keys=keys, hot=hot, ops=ops, values=values, deltas=deltas)
    transactions = st.lists(one, max_size=max_operations).map(tuple)
    return st.lists(transactions, max_size=max_transactions)


def operations(
    *,
    keys: int | Sequence[Any] = 4,
    hot: float = 0.0,
    ops: Sequence[str] = OPERATIONS,
    values: st.SearchStrategy[Any] = SMALL,
    deltas: st.SearchStrategy[Any] = SMALL,
) -> st.SearchStrategy[tuple[Any, ...]]:
    """One operation of a scripted transaction; the arguments are those of `blocks`."""
    key = _hot_keys(_keys(keys), hot)
    bound = st.one_of(st.none(), deltas)
    messages = st.sampled_from(["no", "out of funds"])
    simple = {
        "get": st.tuples(key),
        "put": st.tuples(key, values),
        "delete": st.tuples(key),
        "add": st.tuples(key, deltas),
        "expect": st.tuples(key, values),
        "at_least": st.tuples(key, deltas),
        "try_add": st.tuples(key, deltas, bound, bound),
        "charge": st.tuples(st.integers(0, 5)),
        "bump": st.tuples(key, deltas),
        "copy": st.tuples(key, key),
        "follow": st.tuples(key, deltas),
        "revert": st.tuples(messages),
        "invalid": st.tuples(messages),
        "raise": st.tuples(messages),
    }
    plain = [_named(name, simple[name]) for name in ops if name != "branch"]
    if "branch" not in ops:
        return st.one_of(plain)
    then = st.lists(st.one_of(plain), max_size=2).map(tuple)
    return st.one_of([*plain, _named("branch", st.tuples(key, then, then))])


def _named(name: str, arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return arguments.map(lambda drawn: (name, *drawn))


def _keys(keys: int | Sequence[Any]) -> list[Any]:
    if isinstance(keys, int):
        return [chr(ord("a") + n) if n < 26 else f"k{n}" for n in range(keys)]
    return list(keys)


def _hot_keys(keys: list[Any], hot: float) -> st.SearchStrategy[Any]:
    """A key; the first one in ``hot`` of all cases, in steps of a tenth."""
    tenths = round(hot * 10)
    if tenths <= 0:
        return st.sampled_from(keys)
    if tenths >= 10:
        return st.just(keys[0])
    cold = st.sampled_from(keys)
    return st.integers(0, 9).flatmap(lambda n: st.just(keys[0]) if n < tenths else cold)
