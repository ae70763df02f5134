"""`blockstm bench shards`: rows of shards that send each other messages."""

from __future__ import annotations

import json

import pytest

from blockstm.bench.sharded import measure_shards
from blockstm.cli import main
from blockstm.errors import ConfigError

QUICK = ("--transactions", "30", "--blocks", "2", "--messages", "0.5", "--workers", "1")


def test_a_row_for_each_number_of_shards(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "shards", "--shards", "2,3", *QUICK, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["shards"] for row in rows] == [2, 3]
    for row in rows:
        assert 0 < row["messages"] < row["shards"] * 30 * 3
        rates = ("transactions_per_second", "together_per_second", "simulated_per_second")
        assert all(row[name] > 0 for name in rates)
        # All at once are as fast as the slowest allows, at the most as many times as there are.
        assert row["together_per_second"] <= row["simulated_per_second"] * 1.000001
        assert row["simulated_per_second"] <= row["together_per_second"] * row["shards"] * 1.000001
    assert main(["bench", "shards", "--shards", "2", *QUICK]) == 0
    assert "simulated" in capsys.readouterr().out


def test_shards_on_disk_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mdbx")
    assert main(["bench", "shards", "--shards", "2", *QUICK, "--on-disk", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["on_disk"] is True


@pytest.mark.parametrize(
    "options", [{"transactions": 0}, {"blocks": 0}, {"messages": 1.5}, {"shards": 1}]
)
def test_what_cannot_be_measured_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        measure_shards(**{"transactions": 5, "blocks": 1, **options})  # type: ignore[arg-type]  # wrong
