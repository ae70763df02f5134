"""Reading files of tests wherever they are; what is broken is a failure of that file alone."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fixture_files import compressed, state_test, write, write_archive

from blockstm.cli import main
from blockstm.cli.fixtures import archives
from blockstm.cli.fixtures.archives import members

TESTS = {"transfers": state_test()}
RAW = json.dumps(TESTS).encode()


def verdict_of(capsys: pytest.CaptureFixture[str], *paths: Path) -> dict[str, Any]:
    main(["statetest", "--json", *map(str, paths)])
    verdict: dict[str, Any] = json.loads(capsys.readouterr().out)
    return verdict


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.xz"])
def test_archives_are_read_in_place(tmp_path: Path, kind: str) -> None:
    files = {"a/one.json": b"1", "README.md": b"#", "b/two.json": b"2"}
    path = write_archive(tmp_path / f"tests.{kind}", files)
    found = [(member.name, member.data, member.error) for member in members([path])]
    assert found == [(f"{path}:a/one.json", b"1", ""), (f"{path}:b/two.json", b"2", "")]
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_walked_in_order(tmp_path: Path) -> None:
    write(tmp_path, 2, "b/two.json")
    write(tmp_path, 1, "a/one.json")
    (tmp_path / "c.json.xz").write_bytes(lzma.compress(b"3"))
    (tmp_path / "d.json.gz").write_bytes(gzip.compress(b"4"))
    write_archive(tmp_path / "e.tar.xz", {"five.json": b"5"})
    (tmp_path / "f.txt").write_text("6")
    assert [member.data for member in members([tmp_path])] == [b"1", b"2", b"3", b"4", b"5"]
    assert [member.data for member in members([tmp_path / "c.json.xz", tmp_path / "b"])] == [
        b"3",
        b"2",
    ]


def test_every_kind_of_file_is_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write(tmp_path, TESTS)
    (tmp_path / "c.json.xz").write_bytes(compressed(TESTS))
    write_archive(tmp_path / "d.tar.gz", {"x.json": RAW, "y.json": RAW})
    verdict = verdict_of(capsys, tmp_path)
    assert (verdict["passed"], verdict["failed"]) == (12, 0)


def cut(path: Path, size: int) -> Path:
    path.write_bytes(path.read_bytes()[:-size])
    return path


def spoil(path: Path, place: int) -> Path:
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)
    return path


BROKEN = {
    "no xz": lambda folder: _text(folder / "no.json.xz", b"{}"),
    "no gz": lambda folder: _text(folder / "no.json.gz", b"{}"),
    "no archive": lambda folder: _text(folder / "no.tar.xz", b"not an archive"),
    "an empty archive": lambda folder: _text(folder / "no.tar.gz", b""),
    "half an archive": lambda folder: cut(
        write_archive(folder / "half.tar.xz", {f"{n}.json": RAW + bytes([n]) for n in range(9)}),
        200,
    ),
    "a spoilt archive": lambda folder: spoil(
        write_archive(folder / "bad.tar.gz", {"x.json": RAW}), -60
    ),
    "no JSON": lambda folder: _text(folder / "no.json", b'{"transfers": '),
    "not UTF-8": lambda folder: _text(folder / "no.json", b'{"\xff\xfe": 1}'),
    "deep JSON": lambda folder: _text(folder / "deep.json", b"[" * 10**6),
    "another ending": lambda folder: _text(folder / "test.yml", RAW),
}


def _text(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("what", list(BROKEN))
@pytest.mark.parametrize("vm", ["evm", "py-evm"])
def test_a_broken_file_fails_by_itself(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, what: str, vm: str
) -> None:
    broken = BROKEN[what](tmp_path)
    good = write(tmp_path, TESTS, "good.json")
    status = main(["statetest", "--json", "--vm", vm, str(broken), str(good)])
    verdict = json.loads(capsys.readouterr().out)
    assert status == 1
    assert verdict["passed"] >= 3
    assert verdict["failures"]
    for failure in verdict["failures"]:
        assert failure["file"].startswith(str(broken))
        assert failure["test"] == "(file)"
        assert failure["expected"] == "something readable"
        assert failure["got"]


def test_a_file_that_is_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However small it is compressed."""
    monkeypatch.setattr(archives, "SIZE_MAX", 1000)
    (tmp_path / "long.json.xz").write_bytes(lzma.compress(bytes(10**6)))
    write_archive(tmp_path / "long.tar.xz", {"long.json": bytes(10**6), "next.json": b"1"})
    alone, inside, following = members([tmp_path])
    assert alone.error == inside.error == "longer than 1000 bytes"
    assert (following.data, following.error) == (b"1", "")
