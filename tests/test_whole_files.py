"""Files that are written whole or not at all, and what is no file and stays what it is."""

import gzip
import os
import pty
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.chain.growing import child, genesis

from blockstm.chain import Chain
from blockstm.chain.archives import write_archive
from blockstm.chain.files import write_blocks
from blockstm.ethereum import Block
from blockstm.ethereum.codecs.json_files import write_json
from blockstm.ethereum.learned import Learned
from blockstm.replay import write_metrics
from blockstm.whole_files import replacing

Write = Callable[[Path], object]


def test_a_file_takes_the_place_of_another_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o600)
    with replacing(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_where_the_body_fails_nothing_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as unfinished:
            unfinished.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_goes_on_leading_to_the_file(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with replacing(link) as unfinished:
        unfinished.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "file"
    with pytest.raises(FileNotFoundError) as told, replacing(path) as unfinished:
        unfinished.write_text("")
    assert told.value.filename == str(path)


def test_a_name_may_be_as_long_as_names_are(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 127)
    with replacing(path) as unfinished:
        unfinished.write_text("all")
    assert path.read_text() == "all"


def test_what_is_durable_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's bytes, then its name, then the folder that has the name."""
    path = tmp_path / "file"
    done: list[object] = []

    def synced(handle: int) -> None:
        where = Path(os.readlink(f"/proc/self/fd/{handle}"))
        done.append((where.is_dir() or where.read_text(), path.exists()))

    monkeypatch.setattr(os, "fsync", synced)
    with replacing(path, durable=True) as unfinished:
        unfinished.write_text("all")
    assert done == [("all", False), (True, True)]


def test_a_terminal_stays_one(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    path = Path(os.ttyname(theirs))
    try:
        with replacing(path) as unfinished:
            unfinished.write_text("shown")
        assert stat.S_ISCHR(path.stat().st_mode)
        assert os.read(ours, 5) == b"shown"
    finally:
        os.close(ours)
        os.close(theirs)


def test_what_a_process_has_open_is_written_to(tmp_path: Path) -> None:
    code = (
        "from blockstm.whole_files import replacing\n"
        "with replacing('/proc/self/fd/1') as path: path.write_text('shown')"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert (tmp_path / "out").read_text() == "shown"


def test_a_file_that_is_mounted_is_written_to(tmp_path: Path) -> None:
    """As a container has a single file of its host."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no unshare(1) to mount a file with")
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.write_text("before")
    inside.touch()
    mounted = f'mount --bind "{outside}" "{inside}"'
    private = [unshare, "--mount"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    if subprocess.run([*private, "sh", "-c", mounted], capture_output=True).returncode != 0:
        pytest.skip("no file can be mounted here")
    code = (
        "import sys\n"
        "from blockstm.whole_files import replacing\n"
        "with replacing(sys.argv[1]) as path: path.write_text('shown')"
    )
    script = f'{mounted} && exec "$@"'
    command = [sys.executable, "-c", code, str(inside)]
    subprocess.run([*private, "sh", "-c", script, "sh", *command], check=True)
    assert outside.read_text() == "shown"
    assert sorted(os.listdir(tmp_path)) == ["inside", "outside"]


def grown_chain() -> Chain:
    chain = Chain.in_memory(genesis())
    for _ in range(2):
        chain.import_block(child(chain))
    return chain


def archive(path: Path) -> object:
    chain = grown_chain()
    blocks = [(chain.block(n), chain.receipts(n), chain.total_difficulty(n)) for n in (1, 2)]
    return write_archive(path, blocks, "ere")


WRITERS: dict[str, tuple[str, Write]] = {
    "json": ("a.json", lambda path: write_json([1], path)),
    "json.gz": ("a.json.gz", lambda path: write_json([1], path)),
    "archive": ("a.ere", archive),
    "blocks": ("a.rlp", lambda path: write_blocks(path, [grown_chain().block(1)])),
    "blocks.gz": ("a.rlp.gz", lambda path: write_blocks(path, [grown_chain().block(1)])),
    "metrics": ("a.csv", lambda path: write_metrics([], path)),
    "learned": ("a.json", lambda path: Learned().save(path)),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_writers_are_given_to_write_to_stays_what_it_is(writer: str, tmp_path: Path) -> None:
    """As root one would otherwise take the place of a device, such as the null device, for all."""
    name, write = WRITERS[writer]
    path = tmp_path / name
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(path.read_bytes)
        write(path)
        assert stat.S_ISFIFO(path.stat().st_mode)
        assert read.result(timeout=30)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_an_export_that_fails_leaves_the_one_before(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"blocks{suffix}"
    block = grown_chain().block(1)
    assert write_blocks(path, [block]) == 1
    before = path.read_bytes()

    def broken() -> Iterator[Block]:
        yield block
        raise KeyError

    with pytest.raises(KeyError):
        write_blocks(path, broken())
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_a_compressed_export_remembers_no_other_name(tmp_path: Path) -> None:
    path = tmp_path / "blocks.gz"
    block = grown_chain().block(1)
    write_blocks(path, [block])
    assert path.read_bytes()[3] == 0  # no flags: no name
    assert gzip.decompress(path.read_bytes()) == block.encode()
