"""`make bench` runs every file of benchmarks, part by part, and keeps what is done."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench import run


def test_every_file_of_benchmarks_is_in_one_part() -> None:
    found = {
        path.stem.removeprefix("test_") for path in Path(run.__file__).parent.glob("test_*.py")
    }
    assert Counter(name for files in run.PARTS.values() for name in files) == Counter(found)


def test_parts_before_an_interrupt_or_beside_a_failure_are_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def measured(name: str, more: object) -> bool:
        asked.append(name)
        if name == "hints":
            raise KeyboardInterrupt
        return name != "evm"

    monkeypatch.setattr(run, "_measured", measured)
    assert run.main(["bytes", "evm", "hints", "imports"]) == run.INTERRUPTED
    assert asked == ["bytes", "evm", "hints"]
    assert "interrupted in hints after 0 min 0 s; kept: bytes" in capsys.readouterr().out
    assert run.main(["evm", "imports"]) == 1
    assert "failed: evm" in capsys.readouterr().out
    assert run.main(["imports"]) == 0


@pytest.mark.parametrize("has_rows", [True, False])
def test_a_part_is_written_to_the_page_also_where_a_benchmark_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_rows: bool
) -> None:
    """What went well has rows; without any the page stays as it is, and old rows are gone."""
    calls: list[tuple[str, ...]] = []
    old = tmp_path / "bytes.json"
    old.write_text("of a run before")

    def ran(*arguments: str) -> int:
        calls.append(arguments)
        if "pytest" in arguments and has_rows:
            old.write_text("{}")
        return int("pytest" in arguments)

    monkeypatch.setattr(run, "ROWS", tmp_path)
    monkeypatch.setattr(run, "_run", ran)
    assert not run._measured("bytes", ["-k", "keccak"])
    assert calls[0][2:5] == tuple(f"bench/test_{name}.py" for name in run.PARTS["bytes"])
    assert calls[0][-2:] == ("-k", "keccak")
    assert calls[1:] == [("bench/report.py", str(old))] * has_rows
    assert old.exists() == has_rows


def test_an_unknown_part_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main(["nonsense"])
    assert "not nonsense" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "status"), [("NO REVM OF TODAY: why", 0), ("another", 1)])
def test_what_is_not_there_to_compare_with_fails_no_benchmark(
    tmp_path: Path, words: str, status: int
) -> None:
    """Other warnings are errors, as everywhere."""
    (tmp_path / "conftest.py").write_text("from bench.conftest import *\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    test = f"import warnings\n\ndef test_it():\n    warnings.warn({words!r}, stacklevel=2)\n"
    (tmp_path / "test_it.py").write_text(test)
    root = Path(run.__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout
    assert words in done.stdout
