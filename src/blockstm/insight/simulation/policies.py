"""What decides the order of a block's runs, and what counts as a conflict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from blockstm.errors import ConfigError
from blockstm.insight.recording import Recording
from blockstm.messages import brief

__all__ = ["POLICIES", "Policy", "policy_named"]

_LONG_SHARE = 16

Lists = Sequence[tuple[int, ...]]


@dataclass(frozen=True)
class Policy:
    """How a block is scheduled, as the simulator takes it.

    Attributes:
        conflicts: for each transaction the earlier ones whose writes it must have read.
        awaited: for each transaction those that must have been executed before it is run.
        long: transactions to begin before their turn, the longest first.
        groups: the transactions after each of which a worker goes on with the next of its group, if
            there is one: index → index.
        redone: the part of a run that is repeated where its reads were wrong, 0 to 1.
    """

    conflicts: Lists
    awaited: Lists
    long: tuple[int, ...] = ()
    groups: Mapping[int, int] = field(default_factory=dict)
    redone: Sequence[float] = ()


def _optimistic(recording: Recording) -> Policy:
    return Policy(recording.dependencies, _none(recording))


def _dependencies(recording: Recording) -> Policy:
    return Policy(recording.dependencies, recording.dependencies)


def _weighted(recording: Recording) -> Policy:
    total = sum(recording.run_ns)
    long = [
        index for index, run_ns in enumerate(recording.run_ns) if run_ns * _LONG_SHARE >= total > 0
    ]
    long.sort(key=lambda index: -recording.run_ns[index])
    return Policy(recording.dependencies, recording.dependencies, tuple(long))


def _grouped(recording: Recording) -> Policy:
    """Those that write the same location, one after another on one worker."""
    groups = _groups(recording)
    awaited = _none(recording)
    follows: dict[int, int] = {}
    for members in groups:
        for before, after in pairwise(members):
            follows[before] = after
            awaited[after] = (before,)
    return Policy(recording.dependencies, awaited, groups=follows)


def _values(recording: Recording) -> Policy:
    """Reads are answered from a list that names the values: nothing waits, nothing is wrong."""
    return Policy(_none(recording), _none(recording))


def _commuting(recording: Recording) -> Policy:
    """As if each read of a location that its reader also changes were an addition that commutes."""
    writers: dict[object, int] = {}
    conflicts: list[tuple[int, ...]] = []
    for index, each in enumerate(recording.accesses):
        only_read = each.reads - each.writes
        found = {writers[location] for location in only_read if location in writers}
        conflicts.append(tuple(sorted(found)))
        writers |= dict.fromkeys(each.writes | each.adds, index)
    return Policy(conflicts, _none(recording))


def _redone(recording: Recording) -> Policy:
    """A wrong run repeats no more than the part of its reads that may have been wrong."""
    written: set[object] = set()
    parts = []
    for each in recording.accesses:
        parts.append(len(each.reads & written) / len(each.reads) if each.reads else 0.0)
        written |= each.writes | each.adds
    return Policy(recording.dependencies, _none(recording), redone=parts)


def _none(recording: Recording) -> list[tuple[int, ...]]:
    return [()] * len(recording)


def _groups(recording: Recording) -> list[list[int]]:
    """The connected sets of transactions that write a location in common, each in order."""
    root = list(range(len(recording)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    last: dict[object, int] = {}
    for index, each in enumerate(recording.accesses):
        for location in each.writes:
            if location[1] == "nonce":  # a transaction names its sender's itself
                continue
            if location in last:
                root[find(index)] = find(last[location])
            last[location] = index
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for index in range(len(recording)):
        groups[find(index)].append(index)
    return [*groups.values()]


POLICIES: Mapping[str, Callable[[Recording], Policy]] = MappingProxyType(
    {
        "optimistic": _optimistic,
        "dependencies": _dependencies,
        "weighted": _weighted,
        "grouped": _grouped,
        "values": _values,
        "commuting": _commuting,
        "redone": _redone,
    }
)
"""Name → what makes such a policy of a block that has been recorded. ``optimistic`` knows nothing;
``dependencies``, ``weighted`` (the long ones first, too), ``grouped`` and ``values`` know what a
run in order tells; ``commuting`` and ``redone`` are upper bounds of what the engine does not do."""


def policy_named(name: str) -> Callable[[Recording], Policy]:
    """What makes the policy with a name.

    Raises:
        ConfigError: there is no such policy.
    """
    if name not in POLICIES:
        raise ConfigError(f"a policy is one of {', '.join(POLICIES)}, not {brief(name)}")
    return POLICIES[name]
