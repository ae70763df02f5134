"""Tasks of block files: each with its witness, or with what executing it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum import (
    Block,
    ExecutedBlock,
    Receipt,
    StatelessFile,
    Witness,
    WitnessState,
    read_block_file,
    read_stateless_file,
    read_witness,
)
from blockstm.executor import execute_block
from blockstm.hints import from_dependencies
from blockstm.replay.comparing import beginning, compared, unreadable
from blockstm.replay.records import BlockRecord, Verdict
from blockstm.replay.task import Settings, Task

__all__ = ["FileTask"]

_JSON: Final = (".json", ".gz", ".xz")


@dataclass(frozen=True, slots=True)
class FileTask:
    """A block of a file.

    Attributes:
        place: in the range.
        path: of the file.
        witness: of the block's witness; None where the file has it, or has what the block reads.
        contents: of both files, where they are not on the machine that runs the task.
    """

    place: int
    path: Path
    witness: Path | None = None
    contents: tuple[bytes, ...] = ()

    @property
    def places(self) -> range:
        """See `Task`."""
        return range(self.place, self.place + 1)

    def run(self, settings: Settings) -> Iterator[BlockRecord]:
        """See `Task`."""
        try:
            with self._at_hand() as (path, witness):
                found = _read(path, witness)
        except Exception as error:  # one file does not stop the others, whatever is wrong with it
            yield unreadable(self.place, self.path.name, error)
            return
        yield _record(self.place, self.path.name, found, settings)

    def split(self) -> Sequence[Task]:
        """See `Task`."""
        return (self,)

    def shipped(self) -> FileTask:
        """See `Task`."""
        paths = [self.path] if self.witness is None else [self.path, self.witness]
        return replace(self, contents=tuple(path.read_bytes() for path in paths))

    def given_up(self, reason: str) -> BlockRecord:
        """See `Task`."""
        digits = re.search(r"\d+", self.path.name)
        number = None if digits is None else int(digits[0])
        return BlockRecord(
            self.place, self.path.name, number, verdict=Verdict.KILLED, reason=reason
        )

    @contextmanager
    def _at_hand(self) -> Iterator[tuple[Path, Path | None]]:
        """The files, on this machine."""
        if not self.contents:
            yield self.path, self.witness
            return
        with TemporaryDirectory(prefix="blockstm-replay-") as folder:
            named = [self.path] if self.witness is None else [self.path, self.witness]
            # The two files may have one name.
            paths = [Path(folder) / f"{index}-{path.name}" for index, path in enumerate(named)]
            for path, content in zip(paths, self.contents, strict=True):
                path.write_bytes(content)
            yield paths[0], None if self.witness is None else paths[1]


@dataclass(frozen=True, slots=True)
class _Found:
    """A block and what it runs on."""

    block: Block
    witness: Witness | None
    file: StatelessFile | None = None
    state: Any = None
    block_hashes: Any = None
    receipts: tuple[Receipt, ...] | None = None


def _read(path: Path, witness_path: Path | None) -> _Found:
    """What the files hold.

    Raises:
        OSError, DecodeError, InvalidBlock: they cannot be read, or are none.
    """
    no_state: DecodeError | None = None
    if witness_path is None and path.suffix in _JSON:
        try:
            whole = read_block_file(path)
        except DecodeError as error:
            no_state = error
        else:
            state, hashes = whole.state(), whole.block_hashes
            return _Found(whole.block, None, None, state, hashes, whole.receipts)
    file = read_stateless_file(path)
    witness = file.witness if witness_path is None else read_witness(witness_path)
    if witness is None:
        raise no_state or DecodeError("the file has no witness, and none is named", "witness")
    return _Found(file.block, witness, file)


def _record(place: int, name: str, found: _Found, settings: Settings) -> BlockRecord:
    witness = found.witness
    nodes = 0 if witness is None else len(witness.nodes)
    record = beginning(place, found.block, name=name, nodes=nodes)
    execute = _on_state if witness is None else _on_witness
    bundle = None if found.file is None else found.file.bundle
    executing, receipts = partial(execute, found, settings), lambda: found.receipts
    check = None if bundle is None else bundle.compare
    return compared(record, found.block, executing, receipts, check)[0]


def _on_state(found: _Found, settings: Settings) -> ExecutedBlock:
    return execute_block(
        found.block,
        found.state,
        "evm",
        chain=settings.spec,
        block_hashes=found.block_hashes,
        workers=settings.workers,
    )


def _on_witness(found: _Found, settings: Settings) -> ExecutedBlock:
    witness, file = found.witness, found.file
    assert witness is not None
    assert file is not None
    if file.chain_id not in (None, settings.spec.chain_id):
        raise DecodeError(
            f"chainId: the file is of chain {file.chain_id}, and the rules are of "
            f"{settings.spec.chain_id}",
            "chainId",
        )
    parent, hashes = witness.ancestry(found.block)
    bundle = file.bundle
    hints = None if bundle is None else bundle.hints
    return execute_block(
        found.block,
        WitnessState(witness, file.codes),
        "evm",
        chain=settings.spec,
        parent=parent,
        block_hashes={**file.block_hashes, **hashes} if parent is None else hashes,
        total_difficulty=None if bundle is None else bundle.difficulty,
        workers=settings.workers,
        accesses=hints is not None,
        hints=None if hints is None else from_dependencies(hints),
    )
