"""The statistics of ``blockstm run --stats``: times, aborts, conflicts, parallelism."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blockstm.cli.verdict import Subject
    from blockstm.ethereum import ExecutedBlock
    from blockstm.insight.critical_path import CriticalPath
    from blockstm.stopwatch import Stopwatch

__all__ = ["stats_as_text", "stats_object"]

HOTTEST = 10


def stats_object(subject: Subject, executed: ExecutedBlock, watch: Stopwatch) -> dict[str, Any]:
    """The object under ``stats`` of ``--json``; runs the block once more, in order.

    Raises:
        BlockError: the reference does not get to the end of the block.
    """
    # loads what only this command needs
    from blockstm.insight.critical_path import critical_path_of_block
    from blockstm.insight.locations import location_object

    stats = executed.stats
    return {
        "seconds": {"decode": watch.seconds["decode"], **executed.stages},
        "overlapped_seconds": dict(executed.overlapped),
        "worker_seconds": {**stats.phases, "parked": sum(stats.parked)},
        "incarnations": stats.incarnations,
        "incarnations_per_transaction": stats.incarnations_per_transaction,
        "aborts": dict(stats.aborts),
        "hottest": [
            {**location_object(key), "aborts": aborts} for key, aborts in stats.conflicts[:HOTTEST]
        ],
        "critical_path": _path_object(subject.given_to(critical_path_of_block)),
    }


def _path_object(path: CriticalPath) -> dict[str, Any]:
    return {
        "gas": path.gas,
        "heaviest_chain_gas": path.heaviest.gas,
        "heaviest_chain": list(path.heaviest.indices),
        "parallelism_by_gas": path.parallelism_by_gas,
        "transactions": path.transactions,
        "longest_chain": list(path.longest.indices),
        "parallelism": path.parallelism,
    }


def stats_as_text(stats: dict[str, Any]) -> list[str]:
    """The lines for people, from the object."""
    aborts = [f"{count} {cause}" for cause, count in stats["aborts"].items()]
    return [
        f"  {'time:':<13}{_times(stats['seconds'])}{_beside(stats['overlapped_seconds'])}",
        f"  {'workers:':<13}{_times(stats['worker_seconds'])}, all together",
        f"  {'aborts:':<13}{', '.join(aborts)}; "
        f"{stats['incarnations_per_transaction']:.2f} incarnations per transaction",
        *_hottest_as_text(stats["hottest"]),
        *_path_as_text(stats["critical_path"]),
    ]


def _times(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value * 1e3:.2f} ms" for name, value in seconds.items())


def _beside(seconds: dict[str, float]) -> str:
    return f"; beside them {_times(seconds)}" if seconds else ""


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _hottest_as_text(hottest: list[dict[str, Any]]) -> list[str]:
    from blockstm.insight.locations import location_in_words  # loads what only this command needs

    heads = ["hottest:"] + [""] * len(hottest)
    return [
        f"  {head:<13}{_count(each['aborts'], 'abort')}: {location_in_words(each)}"
        for head, each in zip(heads, hottest, strict=False)
    ]


def _path_as_text(path: dict[str, Any]) -> list[str]:
    lines = [
        f"  {'parallelism:':<13}{path['parallelism']:.1f} by transactions: "
        f"{path['transactions']}, {len(path['longest_chain'])} in the longest chain"
    ]
    if path["parallelism_by_gas"] is not None:
        lines.append(
            f"  {'':<13}{path['parallelism_by_gas']:.1f} by gas: {path['gas']:,}, "
            f"{path['heaviest_chain_gas']:,} in the heaviest chain of "
            f"{len(path['heaviest_chain'])}"
        )
    return lines
