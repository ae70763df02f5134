"""What go-ethereum's ``config`` and Nethermind's ``params`` have in common, and their chain.

The start of Paris, the deposit contract and blob parameters have the same names in both; in both
the forks come in their order, or it is no chain. Source: EIP-3675, EIP-6110, EIP-7840, EIP-7892.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.chains.chain import MAINNET_DEPOSIT_CONTRACT, Activation, Chain
from blockstm.ethereum.codecs.loose_fields import LooseFields
from blockstm.vm import forks
from blockstm.vm.forks import BlobSchedule, Fork, fork_named

__all__ = [
    "BLOB_PARAMETER_FORKS",
    "blob_schedule",
    "chain_with",
    "one_start",
    "paris",
    "schedules_by_fork",
]

BLOB_PARAMETER_FORKS: Final = (forks.BPO1, forks.BPO2, forks.BPO3, forks.BPO4, forks.BPO5)
"""The forks that change blob parameters and nothing else (EIP-7892), oldest first."""

_SCHEDULE: Final = ("target", "max", "baseFeeUpdateFraction")
_DECIDED: Final = (forks.BPO1, forks.BPO2)  # mainnet's figures are known


def chain_with(
    members: LooseFields,
    chain_id: int,
    activations: Sequence[Activation],
    schedules: Mapping[str, BlobSchedule] | None,
) -> Chain:
    """The chain of these forks, with the deposit contract of ``members``.

    Args:
        members: ``config`` or ``params``.
        chain_id: of the chain.
        activations: as the file has them.
        schedules: fork's name → its blob parameters; None where the file gives none at all.

    Raises:
        DecodeError: the deposit contract is malformed.
        ConfigError: a fork begins before an older one, or lacks its blob parameters.
    """
    with_blobs = _with_schedules(activations, schedules, members.place)
    for before, after in pairwise(with_blobs):
        for start, last in ((after.block, before.block), (after.timestamp, before.timestamp)):
            if start is not None and last is not None and start < last:
                raise ConfigError(
                    f"{members.place}: {after.fork} begins at {start}, before {before.fork} at "
                    f"{last}"
                )
    contract = MAINNET_DEPOSIT_CONTRACT
    if "depositContractAddress" in members:
        contract = members.loose_address("depositContractAddress")
    netsplit = None
    if "mergeNetsplitBlock" in members:
        netsplit = members.number("mergeNetsplitBlock", bits=64)
    return Chain(chain_id, tuple(with_blobs), contract, netsplit_block=netsplit)


# ---- forks


def paris(members: LooseFields) -> Iterator[Activation]:
    """The start of Paris, if it has one."""
    if "terminalTotalDifficulty" in members:
        difficulty = members.number("terminalTotalDifficulty")
        yield Activation(forks.PARIS, total_difficulty=difficulty)


def one_start(members: LooseFields, names: Collection[str], why: str) -> int | None:
    """The number that all of these members say; None where none is there.

    Raises:
        DecodeError: one is malformed.
        ConfigError: they differ; the message says ``why`` they may not.
    """
    given = {name: members.number(name, bits=64) for name in names if name in members}
    if len(set(given.values())) > 1:
        told = ", ".join(f"{name} {start}" for name, start in given.items())
        raise ConfigError(f"{members.place}: {why}, not by {told}")
    return next(iter(given.values()), None)


# ---- blobs


def schedules_by_fork(entries: LooseFields) -> dict[str, BlobSchedule]:
    """Fork's name → its blob parameters.

    Raises:
        DecodeError: a fork is unknown or there twice, or its parameters are malformed.
    """
    return {
        fork.name: blob_schedule(LooseFields(value, place))
        for fork, value, place in entries.by_key(_fork_of, "fork")
    }


def blob_schedule(entry: LooseFields, *beside: str) -> BlobSchedule:
    """The blob parameters that an entry has; ``beside`` them it may have other members.

    Raises:
        DecodeError: a member is missing, malformed or unknown, or they are no parameters.
    """
    entry.refuse_unknown({*map(str.lower, _SCHEDULE), *beside}, "a blob schedule's entry")
    for name in _SCHEDULE:
        if name not in entry:
            raise DecodeError(f"{entry.place_of(name)}: missing", entry.place_of(name))
    try:
        return BlobSchedule(*(entry.number(name, bits=64) for name in _SCHEDULE))
    except ConfigError as error:
        raise DecodeError(f"{entry.place}: {error}", entry.place) from error


def _fork_of(name: object, place: str) -> Fork:
    try:
        return fork_named(str(name))
    except ConfigError as error:
        raise DecodeError(f"{place}: {error}", place) from error


def _with_schedules(
    activations: Sequence[Activation], schedules: Mapping[str, BlobSchedule] | None, place: str
) -> list[Activation]:
    """The forks, each with the blob parameters that its chain gives it.

    A fork without an entry has those of the newest entry before it, or mainnet's where there is
    none. Those that change nothing but blob parameters must have their entry.
    """
    newest: BlobSchedule | None = None
    result = []
    for each in activations:
        fork = each.fork
        newest = (schedules or {}).get(fork.name, newest)
        if fork in BLOB_PARAMETER_FORKS and (schedules is not None or fork not in _DECIDED):
            _check_has_entry(fork, schedules or {}, place)
        if newest is not None and fork >= forks.CANCUN:
            each = replace(each, fork=replace(fork, blobs=newest))
        result.append(each)
    return result


def _check_has_entry(fork: Fork, schedules: Mapping[str, BlobSchedule], place: str) -> None:
    if fork.name not in schedules:
        raise ConfigError(
            f"{place}.blobSchedule: no entry for {fork.name}, which begins and sets blob parameters"
        )
