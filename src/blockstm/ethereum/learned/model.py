"""Which locations a call of a method touches: counts that fade with each block, bounded in size.

Deterministic: what is learnt depends on the blocks and their order alone, and what has to make room
is what counts least, of equals the one whose name comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from blockstm.errors import DecodeError, InputError
from blockstm.ethereum.learned.patterns import ARGUMENTS, SENDER, Method, Pattern
from blockstm.messages import brief

__all__ = ["ConflictModel", "Prediction"]

_ADDRESS_BYTES: Final = 20
_COUNT_MAX: Final = (1 << 63) - 1
_GAS_MAX: Final = 1 << 53
_SELECTOR_MAX: Final = 4
_VERSION: Final = 1
_FADING: Final = 0.98
_LEAST_SHARE: Final = 0.5


@dataclass(slots=True)
class _Count:
    """A count that fades: ``value`` at block ``at``."""

    value: float = 0.0
    at: int = 0

    def now(self, block: int) -> float:
        return float(self.value * _FADING ** (block - self.at))

    def add(self, amount: float, block: int) -> None:
        self.value, self.at = self.now(block) + amount, block


@dataclass(slots=True)
class _MethodCounts:
    calls: _Count = field(default_factory=_Count)
    gas: _Count = field(default_factory=_Count)
    reads: dict[Pattern, _Count] = field(default_factory=dict)
    writes: dict[Pattern, _Count] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a call of a method will probably do.

    Attributes:
        reads, writes: patterns that half of its calls or more touched.
        gas: the mean that they used.
    """

    reads: tuple[Pattern, ...]
    writes: tuple[Pattern, ...]
    gas: int


class ConflictModel:
    """Counts by method, of all blocks that it was shown.

    Args:
        methods_max: how many methods are kept.
        patterns_max: how many locations of each are kept, of those that are read and of those
            that are written.

    To be used by one thread at a time.

    Raises:
        InputError: one of them is less than 1.
    """

    def __init__(self, methods_max: int = 4096, patterns_max: int = 64) -> None:
        for each in (methods_max, patterns_max):
            if type(each) is not int or not 1 <= each <= _COUNT_MAX:
                raise InputError(f"a model keeps 1 or more of each, not {brief(each)}")
        self.methods_max, self.patterns_max = methods_max, patterns_max
        self.blocks = 0
        self._methods: dict[Method, _MethodCounts] = {}

    def __len__(self) -> int:
        """How many methods are known."""
        return len(self._methods)

    def note(
        self, method: Method, reads: Iterable[Pattern], writes: Iterable[Pattern], gas: int
    ) -> None:
        """Count a call of the block that is being learnt."""
        counts = self._methods.setdefault(method, _MethodCounts())
        counts.calls.add(1, self.blocks)
        counts.gas.add(gas, self.blocks)
        for kept, found in ((counts.reads, reads), (counts.writes, writes)):
            for pattern in sorted(set(found), key=_order):
                kept.setdefault(pattern, _Count()).add(1, self.blocks)

    def end_block(self) -> None:
        """All calls of a block have been noted: what counts least makes room."""
        self.blocks += 1
        for counts in self._methods.values():
            for kept in (counts.reads, counts.writes):
                self._shrink(kept, self.patterns_max)
        surplus = len(self._methods) - self.methods_max
        if surplus > 0:
            least = sorted(self._methods, key=lambda each: (self._calls(each), each))
            for method in least[:surplus]:
                del self._methods[method]

    def predict(self, method: Method) -> Prediction | None:
        """What a call will probably do; None where nothing is known of the method."""
        counts = self._methods.get(method)
        if counts is None:
            return None
        calls = counts.calls.now(self.blocks)

        def likely(kept: dict[Pattern, _Count]) -> tuple[Pattern, ...]:
            return tuple(
                pattern
                for pattern, count in kept.items()
                if count.now(self.blocks) >= _LEAST_SHARE * calls
            )

        gas = int(min(counts.gas.now(self.blocks) / calls, _GAS_MAX)) if calls else 0
        return Prediction(likely(counts.reads), likely(counts.writes), gas)

    def document(self) -> dict[str, Any]:
        """The model as a JSON object."""
        return {
            "version": _VERSION,
            "blocks": self.blocks,
            "methods_max": self.methods_max,
            "patterns_max": self.patterns_max,
            "methods": [_written(method, counts) for method, counts in self._methods.items()],
        }

    @classmethod
    def of_document(cls, document: Any) -> ConflictModel:
        """The model that `document` gave.

        Raises:
            DecodeError: it is no such object.
        """
        try:
            if document["version"] != _VERSION:
                raise DecodeError(f"a model of version {brief(document['version'])}", "version")
            model = cls(document["methods_max"], document["patterns_max"])
            model.blocks = _whole(document["blocks"], 0, _COUNT_MAX)
            model._methods = dict(_read(each, model.blocks) for each in document["methods"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DecodeError(f"no model of conflicts: {brief(error)}", "methods") from error
        return model

    def _calls(self, method: Method) -> float:
        return self._methods[method].calls.now(self.blocks)

    def _shrink(self, kept: dict[Pattern, _Count], most: int) -> None:
        if len(kept) > most:
            least = sorted(kept, key=lambda each: (kept[each].now(self.blocks), _order(each)))
            for pattern in least[: len(kept) - most]:
                del kept[pattern]


def _order(pattern: Pattern) -> tuple[bytes, int, int, bool]:
    source = -2 if pattern.source is None else pattern.source
    return pattern.address, source, pattern.place, pattern.key_first


def _written(method: Method, counts: _MethodCounts) -> dict[str, Any]:
    return {
        "to": method.to.hex(),
        "selector": method.selector.hex(),
        "calls": [counts.calls.value, counts.calls.at],
        "gas": [counts.gas.value, counts.gas.at],
        "reads": [*_written_patterns(counts.reads)],
        "writes": [*_written_patterns(counts.writes)],
    }


def _written_patterns(kept: dict[Pattern, _Count]) -> Iterator[list[Any]]:
    for pattern, count in kept.items():
        source, place, key_first = pattern[1:]
        yield [pattern.address.hex(), source, hex(place), key_first, count.value, count.at]


def _read(given: dict[str, Any], blocks: int) -> tuple[Method, _MethodCounts]:
    method = Method(_address(given["to"]), bytes.fromhex(given["selector"]))
    if len(method.selector) > _SELECTOR_MAX:
        raise ValueError(f"a selector is {_SELECTOR_MAX} bytes at most, not {brief(method[1])}")
    patterns = [
        dict(_read_pattern(each, blocks) for each in given[name]) for name in ("reads", "writes")
    ]
    (calls, calls_at), (gas, gas_at) = given["calls"], given["gas"]
    counts = _count(calls, calls_at, blocks), _count(gas, gas_at, blocks)
    return method, _MethodCounts(*counts, *patterns)


def _read_pattern(given: list[Any], blocks: int) -> tuple[Pattern, _Count]:
    address, source, place, key_first, value, at = given
    if type(key_first) is not bool:
        raise ValueError(f"whether the key is first is true or false, not {brief(key_first)}")
    kept_source = None if source is None else _whole(source, SENDER, ARGUMENTS - 1)
    number = _whole(int(place, 16), 0, (1 << 256) - 1)
    return Pattern(_address(address), kept_source, number, key_first), _count(value, at, blocks)


def _address(given: str) -> bytes:
    address = bytes.fromhex(given)
    if len(address) != _ADDRESS_BYTES:
        raise ValueError(f"an address is {_ADDRESS_BYTES} bytes, not {brief(given)}")
    return address


def _count(value: Any, at: Any, blocks: int) -> _Count:
    """A count of blocks that were: none can be of one that is to come."""
    if type(value) not in (int, float) or not 0 <= value <= _COUNT_MAX:
        raise ValueError(f"a count is from 0 to {_COUNT_MAX}, not {brief(value)}")
    return _Count(float(value), _whole(at, 0, blocks))


def _whole(number: Any, least: int, most: int) -> int:
    if type(number) is not int or not least <= number <= most:
        raise ValueError(f"an integer from {least} to {most}, not {brief(number)}")
    return number
