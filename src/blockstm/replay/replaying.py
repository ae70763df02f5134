"""`replay`: a range of blocks executed again, by whatever runs its tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from blockstm.chain import Chain
from blockstm.cluster import cluster
from blockstm.cores import usable_cores
from blockstm.errors import ConfigError, InputError
from blockstm.ethereum import MAINNET
from blockstm.ethereum import Chain as Spec
from blockstm.messages import brief, kind_of
from blockstm.replay.dispatch import Dispatch
from blockstm.replay.on_ray import RayCluster
from blockstm.replay.outcome import Replay
from blockstm.replay.processes import Processes
from blockstm.replay.progress import ProgressFile
from blockstm.replay.records import BlockRecord
from blockstm.replay.sources import Source, digest_of, source_of
from blockstm.replay.task import Settings
from blockstm.replay.workplace import Died, Here, Workplace

__all__ = ["replay"]

OnBlocks = Callable[[Sequence[BlockRecord]], object]


def replay(
    blocks: Source | Chain | Sequence[str | Path | tuple[str | Path, str | Path]],
    *,
    spec: Spec | None = None,
    processes: int | None = None,
    ray: bool = False,
    address: str | None = None,
    workers: int = 1,
    tries: int = 3,
    progress: str | Path | None = None,
    on_blocks: OnBlocks | None = None,
) -> Replay:
    """Execute blocks again, and compare what each gives with its header: gas, receipts, roots.

    Args:
        blocks: a list of files as `blockstm verify` and `blockstm run` read them, each by itself or
            with the file of its witness; a `blockstm.chain.Chain`, whose blocks come with the
            witnesses that it makes; or a source: `FolderBlocks` for the chain of a folder from its
            checkpoints on, `ChainBlocks` and `FileBlocks` for parts of the others.
        spec: whose rules hold; by default those of the chain, and of files mainnet's.
        processes: of this machine, by default one for each usable core; 0: this process alone.
        ray, address: whether a Ray cluster runs them: one that is started on this machine, or the
            one at an address.
        workers: threads of each block.
        tries: how often a task whose process dies is tried.
        progress: a file that says what has been done: the same replay goes on from there, and
            another one is refused.
        on_blocks: told of the records of each task as it is done, in any order.

    Returns:
        The records of all blocks, which are the same, but for what is measured, however the blocks
        are split and whatever died on the way.

    Raises:
        InputError, ConfigError: an argument is of the wrong kind, or has a value it cannot have.
        ProgressMismatch, DecodeError: the file is of another replay, or is none.
        MissingExtra, ClusterError: Ray is not installed, or the cluster cannot be used.
        ChainError, OSError: the blocks, or the file, cannot be read or written.
        KeyboardInterrupt: comes through; what has been done is in the file.

    Thread-safety: it may be called from any thread, and starts processes of its own.
    """
    _check(processes, ray, address, workers, tries)
    if progress is not None and not isinstance(progress, str | Path):
        raise InputError(f"progress is a path, not {brief(progress)}")
    if on_blocks is not None and not callable(on_blocks):
        raise InputError(f"on_blocks is a function, not {brief(on_blocks)}")
    source = source_of(blocks)
    with ExitStack() as stack:
        stack.callback(source.close)
        rules = _rules(spec, source)
        path = None if progress is None else Path(progress)
        digest = "" if path is None else digest_of(source, rules)
        file = ProgressFile(path, digest, source.count)
        resumed, begin = len(file.records), monotonic()
        dispatch = Dispatch(source.tasks(set(file.records)), tries)
        place = stack.enter_context(_workplace(Settings(rules, workers), processes, ray, address))
        stack.callback(file.write)
        deaths = sum(_run(dispatch, place, file, on_blocks))
    records = tuple(file.records[each] for each in range(source.count))
    return Replay(records, resumed, deaths, monotonic() - begin)


def _run(
    dispatch: Dispatch, place: Workplace, file: ProgressFile, on_blocks: OnBlocks | None
) -> Iterator[int]:
    """Run all tasks; how many processes died, now and then."""
    while True:
        while place.is_free and (task := dispatch.next()) is not None:
            place.submit(task)
        over = place.wait()
        if not over:
            return
        for each in over:
            if isinstance(each, Died):
                yield 1
                records = dispatch.died(each.task, each.how)
            else:
                records = each.records
            file.add(records)
            if records and on_blocks is not None:
                on_blocks(records)


@contextmanager
def _workplace(
    settings: Settings, processes: int | None, on_ray: bool, address: str | None
) -> Iterator[Workplace]:
    with ExitStack() as stack:
        place: Workplace
        if on_ray:
            place = RayCluster(stack.enter_context(cluster(address)), settings)
        elif processes == 0:
            place = Here(settings)
        else:
            place = Processes(settings, processes or max(usable_cores() // settings.workers, 1))
        stack.callback(place.close)
        yield place


def _rules(given: Any, source: Source) -> Spec:
    if given is None:
        return MAINNET if source.spec is None else source.spec
    if not isinstance(given, Spec):
        raise ConfigError(f"spec is a blockstm.ethereum.Chain, not {kind_of(given)}")
    return given


def _check(processes: Any, ray: Any, address: Any, workers: Any, tries: Any) -> None:
    least = {"processes": (processes, 0), "workers": (workers, 1), "tries": (tries, 1)}
    for name, (given, minimum) in least.items():
        if name == "processes" and given is None:
            continue
        if type(given) is not int or given < minimum:
            raise ConfigError(f"{name} are {minimum} or more, not {brief(given)}")
    if ray and processes is not None:
        raise ConfigError("processes are of this machine: a Ray cluster has its own cores")
    if address is not None and not ray:
        raise ConfigError("an address is that of a Ray cluster: it goes with ray=True (--ray)")
