"""Write the tables of bench/README.md and the plots from the last run of ``make bench``.

``python bench/report.py build/bench.json``, or several files of runs of parts. What they
have rows of is replaced between the two marks of the page; all else stays.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.decoding_table import decoding_section  # noqa: E402  # found through the line above
from bench.evm_table import (  # noqa: E402  # likewise
    block_rows,
    block_section,
    evm_rows,
    evm_section,
    jump_section,
)
from bench.hints_table import hints_section  # noqa: E402  # likewise
from bench.imports_table import imports_section  # noqa: E402  # likewise
from bench.inference_table import inference_section  # noqa: E402  # likewise
from bench.parallel_table import parallel_section  # noqa: E402  # likewise
from bench.pipeline_table import pipeline_section  # noqa: E402  # likewise
from bench.plots import draw  # noqa: E402  # likewise
from bench.signature_table import (  # noqa: E402  # likewise
    signature_rows,
    signature_section,
)
from bench.targets import TARGETS, Row, Target  # noqa: E402  # likewise

PAGE = ROOT / "bench" / "README.md"
TARGETS_TITLE = "### Figures to reach"
START, END = "<!-- results -->", "<!-- end of results -->"
PLACES = {
    "### Jumps, beside revm 43": "### The EVM against revm",
    "### Hints": "### Blocks in parallel: mainnet",
    "### Chains imported": "### From bytes to verified",
}
"""Section → the one that it is put behind, where the page has none like it yet."""

COLUMNS = {
    "transactions": ("block", "{:,}"),
    "accounts": ("accounts", "{:,}"),
    "work_us": ("work, µs", "{:g}"),
    "workers": ("workers", "{}"),
    "seconds": ("time, ms", "{:.2f}"),
    "spread": ("spread", "{:.1%}"),
    "baseline_seconds": ("baseline, ms", "{:.2f}"),
    "speedup_over_baseline": ("speed-up", "{:.2f}x"),
    "incarnations_per_transaction": ("runs/tx", "{:.2f}"),
    "cpu_cores": ("cores", "{:.2f}"),
}
SCALE = {"seconds": 1000.0, "baseline_seconds": 1000.0}


def measured_rows(results: Iterable[Path]) -> list[Row]:
    """The rows of one run, or of several of parts, in the order they were measured."""
    return [
        each["extra_info"]
        for path in results
        for each in json.loads(path.read_text())["benchmarks"]
    ]


def report(rows: list[Row]) -> str:
    """What stands between the marks."""
    timed = [row for row in rows if "workload" in row]
    sections = [_machine(rows), f"{TARGETS_TITLE}\n", _targets(rows)]
    sections += [pipeline_section(rows), imports_section(rows)]
    for title, chosen in _tables(timed).items():
        sections += [f"### {title}\n", _table(chosen)]
    sections += [_losses(timed)] if timed else []
    sections += [evm_section(evm_rows(rows)), jump_section(rows), block_section(block_rows(rows))]
    sections += [
        parallel_section(rows),
        hints_section(rows),
        signature_section(signature_rows(rows)),
    ]
    sections += [decoding_section(rows), inference_section(rows)]
    return "\n".join(sections)


def _machine(rows: list[Row]) -> str:
    about = next(each["machine"] for each in _flat(rows) if "machine" in each)
    return (
        f"Measured on: {about['processor']}, {about['cores']} cores, {about['system']}, "
        f"Python {about['python']}, GIL {about['gil']}.\n"
    )


def _flat(rows: list[Row]) -> Iterator[Mapping[str, Any]]:
    """The rows, and those that stand in them under the name of their kind."""
    for row in rows:
        yield row
        for value in row.values():
            yield from (each for each in _listed(value) if isinstance(each, Mapping))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _targets(rows: list[Row]) -> str:
    lines = ["| figure | to reach | measured | |", "|---|---|---|---|"]
    for target in TARGETS:
        value = target.measured(rows)
        sign = "≤" if target.at_most else "≥"
        lines.append(
            f"| {target.words} | {sign} {target.bound:g}{target.unit} | {_verdict(target, value)} |"
        )
    return "\n".join(lines) + "\n"


def _verdict(target: Target, value: float | None) -> str:
    if value is None:
        return "not measured |"
    figure = f"{value:.0f}" if target.bound > 100 else f"{value:.2f}"
    return f"{figure}{target.unit} | {'met' if target.met(value) else '**missed**'}"


def _tables(rows: list[Row]) -> dict[str, list[Row]]:
    """The rows by the title they stand under."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        kind = "Python function" if row["vm"] == "python" else "kernel"
        tables.setdefault(f"{row['workload']}, {kind}", []).append(row)
    return tables


def _table(rows: Iterable[Row]) -> str:
    rows = list(rows)
    names = [name for name in COLUMNS if name in rows[0]]
    lines = [
        "| " + " | ".join(COLUMNS[name][0] for name in names) + " | |",
        "|" + "---:|" * len(names) + "---|",
    ]
    for row in rows:
        cells = [COLUMNS[name][1].format(row[name] * SCALE.get(name, 1)) for name in names]
        lines.append("| " + " | ".join([*cells, _remark(row)]) + " |")
    return "\n".join(lines) + "\n"


def _remark(row: Row) -> str:
    remarks = []
    if row["speedup_over_baseline"] < 1:
        remarks.append("slower")
    if not row["stable"]:
        remarks.append("**unstable**")
    return ", ".join(remarks)


def _losses(rows: list[Row]) -> str:
    lost = [row for row in rows if row["speedup_over_baseline"] < 1]
    shaky = [row for row in rows if not row["stable"]]
    return (
        f"Of {len(rows)} rows the engine is slower than the sequential loop in {len(lost)}, "
        f"and {len(shaky)} have a spread above 10 % in one of their two timings.\n"
    )


def write(text: str) -> None:
    """Put the results between the marks of the page; what this run has no rows of stays there."""
    page = PAGE.read_text()
    before = page.partition(START)[2].partition(END)[0]
    marked = f"{START}\n\n{merged(before, text)}\n{END}"
    PAGE.write_text(re.sub(f"{START}.*{END}", lambda _: marked, page, count=1, flags=re.DOTALL))


def merged(before: str, now: str) -> str:
    """The sections of now, and those of before that now has none of, each in its place.

    A section that before had none of has its place by `PLACES`, else where now has it.
    """
    old, new = _sections(before), _sections(now)
    titles = [title for title in old if title not in new]
    placed = dict(new)
    for title in titles:
        names = list(old)
        follows = names[names.index(title) - 1] if names.index(title) else ""
        placed = _put_behind(placed, follows, title, old[title])
    for title, follows in PLACES.items():
        if title in new and title not in old and follows in placed:
            placed.pop(title)
            placed = _put_behind(placed, follows, title, new[title])
    placed[TARGETS_TITLE] = _kept_targets(old.get(TARGETS_TITLE, ""), new[TARGETS_TITLE])
    return "\n".join(text.strip("\n") + "\n" for text in placed.values() if text.strip())


def _put_behind(sections: dict[str, str], follows: str, title: str, text: str) -> dict[str, str]:
    placed: dict[str, str] = {}
    for each, its_text in sections.items():
        placed[each] = its_text
        if each == follows:
            placed[title] = text
    placed.setdefault(title, text)
    return placed


def _sections(text: str) -> dict[str, str]:
    """The parts of the results by their headings; what stands before the first has none."""
    parts = re.split(r"^(?=### )", text, flags=re.MULTILINE)
    return {part.partition("\n")[0] if part.startswith("### ") else "": part for part in parts}


def _kept_targets(old: str, new: str) -> str:
    """The lines of now; those of before of figures that this run did not measure."""
    known = {line.split(" | ")[0]: line for line in old.splitlines()}
    lines = [
        known.get(line.split(" | ")[0], line) if "| not measured |" in line else line
        for line in new.splitlines()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    measured = measured_rows(map(Path, sys.argv[1:]))
    write(report(measured))
    draw(PAGE)
    print(f"{PAGE.relative_to(ROOT)}: {len(measured)} rows")
