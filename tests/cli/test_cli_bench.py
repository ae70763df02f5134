"""`blockstm bench`: the rows that it prints."""

from __future__ import annotations

import json

import pytest

from blockstm.cli import main

FIELDS = {
    "workload",
    "transactions",
    "vm",
    "workers",
    "seconds",
    "spread",
    "baseline_seconds",
    "speedup_over_baseline",
    "incarnations_per_transaction",
    "cpu_cores",
    "machine",
}

Capture = pytest.CaptureFixture[str]


def rows(capsys: Capture, *arguments: str) -> list[dict[str, object]]:
    """Run the command and read its rows."""
    quick = ["--transactions", "200", "--work-us", "0", "--seconds", "0.05", "--json"]
    assert main(["bench", arguments[0], *quick, *arguments[1:]]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("vm", ["kernel", "python"])
@pytest.mark.parametrize("name", ["payments", "counter", "chain", "read-heavy", "zipf"])
def test_a_row_for_each_number_of_workers(name: str, vm: str, capsys: Capture) -> None:
    printed = rows(capsys, name, "--workers", "1,2", "--vm", vm, "--accounts", "20")
    assert [row["workers"] for row in printed] == [1, 2]
    for row in printed:
        assert row.keys() >= FIELDS
        assert row["workload"] == name
        assert row["speedup_over_baseline"] == pytest.approx(
            row["baseline_seconds"] / row["seconds"]  # type: ignore[operator]  # both floats
        )
    assert printed[0]["incarnations_per_transaction"] == 1


def test_lists_of_parameters_multiply(capsys: Capture) -> None:
    printed = rows(capsys, "payments", "--workers", "1", "--accounts", "2,10", "--work-us", "0,1")
    assert [(row["accounts"], row["work_us"]) for row in printed] == [
        (2, 0),
        (2, 1),
        (10, 0),
        (10, 1),
    ]
    assert [row["work_turns"] == 0 for row in printed] == [True, False, True, False]


def test_the_table_names_machine_and_work(capsys: Capture) -> None:
    options = ["--transactions", "200", "--workers", "1", "--seconds", "0.05"]
    assert main(["bench", "counter", *options]) == 0
    printed = capsys.readouterr().out
    assert "processor: " in printed
    assert "turns of work" in printed
    assert "speedup" in printed


@pytest.mark.parametrize(
    "wrong",
    [["--accounts", "1"], ["--transactions", "0"], ["--workers", "0"], ["--workers", "1000"]],
)
def test_a_parameter_out_of_range_is_told(wrong: list[str], capsys: Capture) -> None:
    assert main(["bench", "payments", "--transactions", "10", *wrong]) == 2
    assert "blockstm bench: " in capsys.readouterr().err


HUGE = "1" + 12 * "0"


@pytest.mark.parametrize(
    "command",
    [
        ("payments", "--accounts", HUGE),
        ("payments", "--accounts", f"2,{HUGE}"),
        ("chain", "--transactions", HUGE),
        ("payments", "--accounts", "9" * 400),
        ("payments", "--work-us", "inf"),
        ("payments", "--seconds", "nan"),
        ("blocks", "file", "--iterations", HUGE),
        ("evm", "file", "--iterations", HUGE),
        ("once", "file", "--iterations", HUGE),
        ("once", "file", "--known", HUGE),
        ("hints", "--gas", HUGE),
        ("hints", "--iterations", HUGE),
        ("imports", "--accounts", HUGE),
        ("imports", "--blocks", HUGE),
        ("imports", "--transactions", HUGE),
        ("imports", "--parts", HUGE),
        ("pipeline", "--transactions", HUGE),
        ("pipeline", "--processes", HUGE),
        ("pipeline", "--iterations", HUGE),
        ("shards", "--transactions", HUGE),
        ("shards", "--blocks", HUGE),
        ("workloads", "--gas", "1e300"),
        ("workloads", "--seconds", "inf"),
    ],
)
def test_sizes_that_would_never_come_to_an_end_are_refused(
    command: tuple[str, ...], capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["bench", *command])
    assert refused.value.code == 2
    assert "is not at most" in capsys.readouterr().err
