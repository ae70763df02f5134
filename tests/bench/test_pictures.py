"""The pictures of the benchmarks: drawn from the page's tables, with spread, shaky rows marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bench.page_tables import PAGE, parallel_rows, workload_rows
from bench.plots import draw
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure

TABLES = """
### payments, kernel

| block | accounts | work, µs | workers | time, ms | spread | speed-up | |
|---:|---:|---:|---:|---:|---:|---:|---|
| 10,000 | 10 | 5 | 1 | 0.26 | 2.0% | 0.86x | slower |
| 10,000 | 10,000 | 5 | 2 | 0.41 | 18.5% | 1.58x | **unstable** |

### counter, Python function

| block | work, µs | workers | time, ms | spread | speed-up | |
|---:|---:|---:|---:|---:|---:|---|
| 1,000 | 0.2 | 1 | 0.26 | 2.0% | 0.86x |  |

### Blocks in parallel: generated workloads

| workload | transactions | 2 workers, tx/s | speed-up | spread | bound | |
|---|---:|---:|---:|---:|---:|---|
| transfers | 47,620 | 1,353,301 | 1.67x | 4.0% | 2.05x |  |
| swaps | 47,620 | 1,353,301 | 1.50x | 12.0% | 2.00x | **unstable** |
"""


def test_rows_are_read_back_from_tables() -> None:
    alone, shaky, python = workload_rows(TABLES)
    assert alone == {
        "workload": "payments",
        "vm": "kernel",
        "transactions": 10_000,
        "accounts": 10,
        "work_us": 5.0,
        "workers": 1,
        "speedup_over_baseline": 0.86,
        "spread": pytest.approx(0.02),
        "stable": True,
    }
    assert (shaky["stable"], shaky["accounts"]) == (False, 10_000)
    assert (python["vm"], "accounts" in python) == ("python", False)
    transfers, swaps = parallel_rows(TABLES)
    assert transfers["workers"] == 2
    assert (transfers["speedup"], transfers["bound"]) == (1.67, 2.05)
    assert (transfers["stable"], swaps["stable"]) == (True, False)


def test_the_page_has_rows_to_draw() -> None:
    assert len(workload_rows(PAGE.read_text())) > 50
    assert len(parallel_rows(PAGE.read_text())) > 5


def test_spread_and_instability_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, Figure] = {}

    def keep(figure: Figure, path: Path, **_: Any) -> None:
        drawn[path.name] = figure

    monkeypatch.setattr(Figure, "savefig", keep)
    page = tmp_path / "README.md"
    page.write_text(TABLES)
    draw(page)
    assert sorted(drawn) == ["parallel.png", "payments.png", "workloads.png"]
    for figure in drawn.values():
        [axes] = figure.axes
        assert any(isinstance(each, ErrorbarContainer) for each in axes.containers)
        [legend] = figure.legends
        assert "unstable" in [text.get_text() for text in legend.get_texts()]
        assert axes.get_legend() is None, "beside the axes, not on them"
    bars = next(c for c in drawn["parallel.png"].axes[0].containers if isinstance(c, BarContainer))
    assert [bar.get_hatch() for bar in bars] == ["", "///"]
