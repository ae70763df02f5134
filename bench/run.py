"""Run every benchmark, part by part: ``python bench/run.py``, or some of the parts by name.

Each part is a run of pytest of its own, which names what it is about to measure. When it has ended,
its sections of bench/README.md are written, so a run that is interrupted (Ctrl-C) or fails in one
part keeps those before it; the rows stay in build/bench, from where ``python bench/report.py
build/bench/*.json`` writes them anew.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "build" / "bench"

PARTS = {
    "pipeline": ("pipeline",),
    "imports": ("imports",),
    "engine": ("payments", "workloads", "python_vm", "memory"),
    "evm": ("evm", "blocks"),
    "parallel": ("parallel_blocks",),
    "hints": ("hints",),
    "bytes": ("signatures", "decoding", "keccak"),
    "inference": ("inference",),
}
"""Name → the files of benchmarks whose tables stand together, without ``test_``."""
TIMEOUT = 1800  # s, for a single benchmark, on a machine with much else to do
OPTIONS = (
    f"-v --no-header --tb short -p no:cacheprovider --timeout {TIMEOUT} --benchmark-enable "
    "--benchmark-disable-gc --benchmark-warmup off --benchmark-columns median,iqr,rounds "
    "--benchmark-sort name"
)
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """0, or 1 where a part failed, or 130 where the run was interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--pytest", default="", metavar="OPTIONS", help="more, as '-k zipf'")
    args = parser.parse_args(arguments)
    unknown = [name for name in args.parts if name not in PARTS]
    if unknown:
        parser.error(f"parts are {', '.join(PARTS)}, not {', '.join(unknown)}")
    chosen, begun = args.parts or list(PARTS), time.monotonic()
    failed: list[str] = []
    for place, name in enumerate(chosen):
        print(f"== {name}: part {place + 1} of {len(chosen)}, {_since(begun)}", flush=True)
        try:
            if not _measured(name, shlex.split(args.pytest)):
                failed.append(name)
        except KeyboardInterrupt:
            kept = ", ".join(each for each in chosen[:place] if each not in failed) or "nothing"
            print(f"\n== interrupted in {name} after {_since(begun)}; kept: {kept}")
            return INTERRUPTED
    print(f"== {_since(begun)} in all; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def _measured(name: str, more: Sequence[str]) -> bool:
    """Whether a part went well, with what it measured written to the page."""
    rows = ROWS / f"{name}.json"
    rows.parent.mkdir(parents=True, exist_ok=True)
    rows.unlink(missing_ok=True)
    files = [f"bench/test_{each}.py" for each in PARTS[name]]
    options = [*OPTIONS.split(), "--benchmark-json", str(rows), *more]
    status = _run("-m", "pytest", *files, *options)
    if not rows.exists():
        return False
    return _run("bench/report.py", str(rows)) == 0 and status == 0


def _run(*arguments: str) -> int:
    """The exit status of a Python of its own; Ctrl-C reaches it as well, so that is waited for."""
    with subprocess.Popen([sys.executable, *arguments], cwd=ROOT) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise


def _since(begun: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    return f"{minutes} min {seconds} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
