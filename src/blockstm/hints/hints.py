"""The hints of one block, and what has hints of many."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

from blockstm._native.engine.expectations import Expectations
from blockstm._native.engine.mvmemory.listed import ListedValues
from blockstm.errors import InputError
from blockstm.messages import brief, kind_of

__all__ = ["Expected", "HintSource", "Hints", "LearningSource"]

_READ, _ADD, _WRITE = range(3)
_WEIGHT_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one transaction is expected to do. All of it is optional, and none of it is believed.

    Attributes:
        reads, writes, adds: keys of locations; a key that is read and written is in both. Only
            equality counts, so any names do that are the same for the same location.
        weight: how long it runs, in any unit: time or gas.
        dependencies: indices of earlier transactions whose writes it reads.
    """

    reads: Iterable[Hashable] = ()
    writes: Iterable[Hashable] = ()
    adds: Iterable[Hashable] = ()
    weight: int | None = None
    dependencies: Iterable[int] = ()


@runtime_checkable
class HintSource(Protocol):
    """Hints of any block that is run with it."""

    def for_block(self, block: Any) -> Hints | None:
        """The hints of a block; None where it has none.

        Called once before the block runs, on the caller's thread. What it raises, `execute_block`
        raises.

        Args:
            block: what `execute_block` was called with.
        """


@runtime_checkable
class LearningSource(HintSource, Protocol):
    """A source that is told what each block did, so that it knows more of the next."""

    def learn(self, block: Any, executed: Any, /) -> None:
        """Learn from a block that is final.

        A chain calls it once a block is durable, in order, behind the execution of those after it;
        ``executed`` has its ``accesses``. What it raises ends the import there; the block stays.
        """


class Written(Protocol):
    """What a list says of the accounts of an Ethereum block as a whole."""

    @property
    def touched(self) -> tuple[bytes, bytes]:
        """Addresses one behind the other, and addresses with slots, 52 bytes each."""

    def records(self) -> bytes | None:
        """What changed accounts are in the end, as flat records; None: no account can be so."""


class Hints:
    """Hints of one block, in native arrays; immutable.

    Whatever they say, a block's result is the same. Hints of fewer transactions than the block has
    say nothing of the others; of more, the rest is ignored.

    Thread-safety: any number of blocks may use them at once.

    >>> hints = Hints.of([Expected(writes=["a"]), Expected(reads=["a"]), None])
    >>> hints.dependencies
    [(), (0,), ()]
    """

    __slots__ = ("_arrays", "_count", "_made", "_offset", "_shifted", "_values", "written")

    def __init__(
        self,
        count: int,
        offset: int = 0,
        values: Any = None,
        written: Written | None = None,
        **arrays: Any,
    ) -> None:
        """Use `of`, `from_arrays` or a source instead."""
        self._count, self._arrays, self._values = count, arrays, values
        self._offset = offset
        self._made: tuple[Expectations, ListedValues | None] | None = None
        self._shifted: Hints | None = None
        self.written = written

    @classmethod
    def of(cls, transactions: Iterable[Expected | None]) -> Self:
        """From an object for each transaction; None where nothing is known of one.

        Raises:
            InputError: something is of another kind.
        """
        listed = [_expected(each, index) for index, each in enumerate(transactions)]
        return cls(
            len(listed),
            dependencies=_dependencies([each.dependencies for each in listed]),
            accesses=_accesses(listed),
            weights=_weights([each.weight for each in listed]),
        )._checked()

    @classmethod
    def from_arrays(
        cls,
        count: int,
        *,
        dependencies: tuple[Any, Any] | None = None,
        accesses: tuple[Any, Any, Any] | None = None,
        weights: Any = None,
        values: tuple[Any, Any, Any] | None = None,
    ) -> Self:
        """From arrays (NumPy's, `array.array`, any buffer), without a Python object for a location.

        Args:
            count: of transactions.
            dependencies: int64 starts, ``count + 1`` of them, and int64 indices of earlier
                transactions: those of transaction i are ``indices[starts[i]:starts[i + 1]]``.
            accesses: int64 starts, int64 locations and uint8 kinds: 0 a read, 1 an add, 2 a write.
                A location is any number that is the same for the same location.
            weights: int64, one for each transaction.
            values: what is written, for native VMs: int64 indices of the transactions, one for each
                write; int64 starts, two for each and one more; bytes. Write n is of the key
                ``data[starts[2 * n]:starts[2 * n + 1]]`` and its value goes on from there to
                ``starts[2 * n + 2]``; no bytes: there is none then. Reads are answered from it.

        Raises:
            InputError: an array is of another kind or length.
        """
        given: dict[str, Any] = {
            "dependencies": dependencies,
            "accesses": accesses,
            "weights": weights,
            "values": values,
        }
        try:
            return cls(count, **given)._checked()
        except (BufferError, IndexError, OverflowError, TypeError, ValueError) as error:
            raise InputError(f"these are no arrays of hints: {error}") from error

    def _checked(self) -> Self:
        self._parts()
        return self

    def _parts(self) -> tuple[Expectations, ListedValues | None]:
        """What the core takes, made when it is first asked for: twice, where two ask at once."""
        made = self._made
        if made is None:
            has_values, offset = self._values is not None, self._offset
            made = (
                Expectations(self._count, offset=offset, has_values=has_values, **self._arrays),
                _listed(self._count, offset, self._values) if has_values else None,
            )
            self._made = made
        return made

    @property
    def core(self) -> Expectations:
        """What the core knows beforehand of each transaction."""
        return self._parts()[0]

    @property
    def listed(self) -> ListedValues | None:
        """What the core takes for written; None where no values are given."""
        return self._parts()[1]

    @property
    def count(self) -> int:
        """The transactions that it is of."""
        return self._count

    @property
    def dependencies(self) -> Sequence[tuple[int, ...]]:
        """What each transaction depends on as far as that is used: the highest 8 indices, from the
        highest down."""
        return self.core.dependencies()

    @property
    def groups(self) -> Sequence[tuple[int, ...]]:
        """The groups of two transactions or more: the connected sets of those that write a location
        in common; where no accesses are known, of those that depend on each other."""
        return self.core.groups()

    @property
    def long_transactions(self) -> tuple[int, ...]:
        """Those that are begun before their turn, the longest first: each has 1/16 of the block's
        weight, or more; 1/64 where values are given."""
        return self.core.long_transactions()

    def shifted(self, offset: int) -> Hints:
        """The same of transactions that begin at the index ``offset`` of a longer block."""
        shifted = self._shifted
        if shifted is None or shifted._offset != offset:
            shifted = Hints(self._count, offset, self._values, self.written, **self._arrays)
            self._shifted = shifted
        return shifted


def _listed(count: int, offset: int, values: tuple[Any, Any, Any]) -> ListedValues:
    indices, starts, data = values
    return ListedValues(count, indices, starts, data, offset=offset)


def _expected(given: Any, index: int) -> Expected:
    if given is None:
        return Expected()
    if not isinstance(given, Expected):
        raise InputError(f"hints[{index}] is a blockstm.hints.Expected or None, not {brief(given)}")
    return given


def _dependencies(lists: Sequence[Iterable[int]]) -> tuple[memoryview, memoryview]:
    starts, indices = array("q", [0]), array("q")
    for index, given in enumerate(lists):
        for each in _iterated(given, f"dependencies of transaction {index}"):
            if not isinstance(each, int):
                raise InputError(
                    f"a dependency is the index of a transaction, not {brief(each)} "
                    f"(transaction {index})"
                )
            indices.append(each if 0 <= each < index else -1)
        starts.append(len(indices))
    return memoryview(starts), memoryview(indices)


def _accesses(listed: Sequence[Expected]) -> tuple[memoryview, memoryview, memoryview]:
    numbers: dict[Hashable, int] = {}
    starts, locations, kinds = array("q", [0]), array("q"), array("B")
    for index, each in enumerate(listed):
        for kind, keys in ((_READ, each.reads), (_ADD, each.adds), (_WRITE, each.writes)):
            for key in _iterated(keys, f"accesses of transaction {index}"):
                locations.append(_number(numbers, key))
                kinds.append(kind)
        starts.append(len(locations))
    return memoryview(starts), memoryview(locations), memoryview(kinds)


def _number(numbers: dict[Hashable, int], key: Hashable) -> int:
    try:
        return numbers.setdefault(key, len(numbers))
    except TypeError:
        raise InputError(f"a location of a hint is a hashable key, not {kind_of(key)}") from None


def _weights(given: Sequence[int | None]) -> memoryview:
    """Unknown ones weigh nothing: they are not begun early."""
    weights = array("q")
    for index, weight in enumerate(given):
        if weight is not None and not isinstance(weight, int):
            raise InputError(f"a weight is an int, not {brief(weight)} (transaction {index})")
        weights.append(min(max(weight or 0, 0), _WEIGHT_MAX))
    return memoryview(weights)


def _iterated(given: Any, what: str) -> Iterable[Any]:
    if not isinstance(given, Iterable):
        raise InputError(f"the {what} are an iterable, not {kind_of(given)}")
    return given
