"""Folders that hold no chain, or none any more: it is told, and nothing is left in them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.chain.growing import RECIPIENTS, genesis, random_line

from blockstm.chain import Chain
from blockstm.cli import main
from blockstm.errors import ForkedError, StoreDamaged, StoreError, StoreLocked, StoreMismatch
from blockstm.ethereum import Block

pytest.importorskip("mdbx")


@pytest.fixture(scope="module")
def line() -> list[Block]:
    return random_line(6, seed=3)


@pytest.fixture
def folder(tmp_path: Path, line: list[Block]) -> Path:
    """A folder with a chain, of a name that is not ASCII."""
    path = tmp_path / "ünï cödé"
    with Chain.open(path, genesis(), workers=1) as chain:
        list(chain.import_blocks(line))
    return path


def test_opening_without_a_genesis_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreMismatch, match="holds no chain yet"):
        Chain.open(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreMismatch, match="holds no chain yet"):
        Chain.open(tmp_path / "empty")
    with pytest.raises(StoreError):
        Chain.open(tmp_path / "none", read_only=True)
    assert [each.name for each in tmp_path.rglob("*")] == ["empty"]


@pytest.mark.parametrize("command", [["audit"], ["rollback", "3"], ["chain", "info"]])
def test_commands_make_no_folder(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--datadir", str(tmp_path / "none")]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_is_no_folder(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    with pytest.raises(StoreError, match="it is no folder"):
        Chain.open(tmp_path / "file", None if read_only else genesis(), read_only=read_only)
    with pytest.raises(StoreError, match="it is no folder"):
        Chain.open(tmp_path / "file", read_only=read_only)
    assert (tmp_path / "file").read_bytes() == b"no folder"


@pytest.mark.parametrize("read_only", [True, False])
def test_a_name_that_no_folder_can_have(tmp_path: Path, read_only: bool) -> None:
    for name in ("nul\0", "x" * 300):
        with pytest.raises(StoreError, match="cannot be opened"):
            Chain.open(tmp_path / name, read_only=read_only)
        if not read_only:
            with pytest.raises(StoreError, match="cannot be"):
                Chain.open(tmp_path / name, genesis())


@pytest.mark.parametrize("size", [1, 3000, 8192, 12287, 20000])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_was_cut_is_not_begun_anew(folder: Path, size: int, read_only: bool) -> None:
    data = folder / "mdbx.dat"
    os.truncate(data, size)
    before = data.read_bytes()
    for given in (None, genesis()):
        with pytest.raises(StoreDamaged):
            Chain.open(folder, given, read_only=read_only)
    assert data.read_bytes() == before


def test_a_relative_folder_after_a_change_of_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, line: list[Block]
) -> None:
    monkeypatch.chdir(folder.parent)
    with Chain.open(folder.name, workers=1) as chain:
        monkeypatch.chdir("/")
        chain.set_head(line[3].hash)
        chain._store.warm_up()  # type: ignore[attr-defined]  # it is on disk
        list(chain.import_blocks(line[4:]))
        assert chain.state_at(6).root == line[5].header.state_root
        assert chain.audit().is_sound
        with pytest.raises(StoreLocked):
            Chain.open(folder)


def test_a_forked_child_is_told_and_the_parent_goes_on(folder: Path, line: list[Block]) -> None:
    with Chain.open(folder, workers=1) as chain:
        chain.set_head(line[3].hash)
        child = os.fork()
        if not child:
            acts: list[Callable[[], object]] = [
                lambda: chain.import_block(line[4]),
                lambda: chain.state_at(3).account(RECIPIENTS[0]),
            ]
            told = 0
            for act in acts:
                try:
                    act()
                except ForkedError:
                    told += 1
                except BaseException:
                    os._exit(100)
            os._exit(told)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        chain.import_block(line[4])
        assert chain.head.number == 5


def test_a_chain_that_is_closed_while_threads_read_and_import(
    folder: Path, line: list[Block]
) -> None:
    failures: list[BaseException] = []
    chain = Chain.open(folder, workers=1)
    chain.set_head(line[0].hash)

    def read() -> None:
        try:
            while True:
                chain.state_at(1).proof(RECIPIENTS[0])
        except BaseException as error:
            failures.append(error)

    def build() -> None:
        try:
            while True:
                list(chain.import_blocks(line))
                chain.set_head(line[0].hash)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=act) for act in (read, read, build)]
    for thread in threads:
        thread.start()
    chain.close()
    for thread in threads:
        thread.join()
    assert {type(each).__module__ for each in failures} == {"blockstm.errors"}
    with Chain.open(folder) as again:
        assert again.audit().is_sound


def test_output_that_ends_early_is_no_fault_of_a_command(folder: Path) -> None:
    command = [sys.executable, "-m", "blockstm", "witness", "3", "--datadir", str(folder)]
    with Path("/dev/full").open("wb") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr
