"""A Python function as the VM, against a plain Python loop over a dict."""

from __future__ import annotations

import pytest

from bench.conftest import Bench


@pytest.mark.parametrize("work_us", [0.0, 1.0, 5.0, 20.0])
@pytest.mark.parametrize("name", ["payments", "payments-deltas", "read-heavy"])
def test_python_vm(bench: Bench, name: str, work_us: float) -> None:
    bench(name, transactions=10_000, workers=1, work_us=work_us, vm="python")
