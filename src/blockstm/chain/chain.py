"""`Chain`: blocks imported one after another, and the states after them, for as long as wanted."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from blockstm.chain.auditing import Audit, audit
from blockstm.chain.blocks import Blocks, FoundTransaction
from blockstm.chain.derived import DerivedTries, Tries
from blockstm.chain.disk import StoredTries, open_folder
from blockstm.chain.encodings import decode_number
from blockstm.chain.heads import Head, head_of
from blockstm.chain.importing import ImportedBlock, Importer
from blockstm.chain.lookahead import Lookahead, decoded
from blockstm.chain.memory_store import MemoryStore
from blockstm.chain.opening import (
    check_cache,
    check_flags,
    check_window,
    first_batch,
    genesis_of,
    spec_of,
)
from blockstm.chain.running_ahead import RunAhead
from blockstm.chain.staging import OLDEST
from blockstm.chain.states import ChainState
from blockstm.chain.store import FileSize, Snapshot, Store, Table, TableSize
from blockstm.chain.streaming import stream
from blockstm.chain.teaching import teach
from blockstm.chain.witnessing import check_has_parent, witness_of
from blockstm.chain.working import MemoryWorking, WorkingState
from blockstm.config import Config
from blockstm.errors import (
    ChainError,
    ClosedError,
    ConfigError,
    InputError,
    PrunedState,
    UnknownBlock,
    UsageError,
)
from blockstm.ethereum import Block, Header, Receipt, Rules, Witness
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.genesis import Genesis
from blockstm.executor import Executor
from blockstm.hints import HintSource
from blockstm.hints.options import BlockHints, check_source
from blockstm.kinds import iterated, path_of
from blockstm.messages import brief, kind_of
from blockstm.types import Hash32
from blockstm.values import is_int

__all__ = ["WINDOW", "Chain"]

WINDOW: Final = 128
"""How many blocks back the state can be had, and side branches are kept, by default."""

CACHE_BYTES: Final = 256 << 20
"""For accounts, slots and nodes that were used lately, by default."""

_LAST_BLOCKS: Final = 8
"""Whose accounts and slots are read when a chain that was opened is first given blocks."""

Which = int | bytes
"""A block: its number, which is that of a block among the head's ancestors, or its hash."""


class Chain:
    """A chain of blocks with the states after them.

    `Chain.in_memory` begins one. Blocks come by `import_block` and `import_blocks`, are checked
    before and after they are executed, and are kept also where they are no ancestors of the head.

    Thread-safety: any thread may call any method. Imports take turns. Readers do not wait for them:
    each sees the chain as it was after one commit, and what a method returned never changes.

    Use it as a context manager, or call `close`.

    >>> from blockstm.chain import Chain
    >>> genesis = {"config": {"chainId": 1337}, "alloc": {"0x" + "01" * 20: {"balance": "0x5"}}}
    >>> with Chain.in_memory(genesis) as chain:
    ...     chain.head.number, chain.state_at(0).account(bytes([1]) * 20).balance
    (0, 5)
    """

    def __init__(
        self,
        store: Store,
        spec: Spec,
        working: WorkingState | None,
        tries: Tries,
        *,
        config: Config,
        window: int | None,
        ahead: RunAhead | None = None,
    ) -> None:
        """For `in_memory` and `open`, which check what they pass."""
        self.spec = spec
        self._store = store
        self._working = working
        self._importing = threading.RLock()
        self._executor = Executor(config)
        self._importer = (
            None
            if working is None
            else Importer(store, spec, working, self._executor, window, ahead)
        )
        self._derived = DerivedTries(tries)
        self._is_cold = True  # what the last blocks touched may be in no cache
        durable = store.snapshot() if self._importer is None else self._importer.durable
        self._view: _View | None = _View(durable, spec.rules)

    @classmethod
    def in_memory(
        cls,
        genesis: Genesis | Mapping[str, Any] | str | Path,
        *,
        spec: Spec | None = None,
        window: int | None = WINDOW,
        config: Config | None = None,
        workers: int | None = None,
    ) -> Self:
        """A chain that begins here and ends with the process.

        Args:
            genesis: its first block and state: a file as geth, Besu or Nethermind write it, the
                parsed JSON of one, or a `blockstm.ethereum.genesis.Genesis`.
            spec: its forks; by default those of the genesis.
            window: how many blocks back states can be had and side branches are kept; None: all.
            config, workers: see `blockstm.Config`; by default as many workers as usable cores.

        Raises:
            OSError, DecodeError: the file cannot be read, or is no genesis.
            ConfigError: its forks are no chain's or are not given, or another argument has a value
                that it cannot have.
            InputError: the genesis is something else.
        """
        beginning = genesis_of(genesis)
        rules = spec_of(beginning, spec)
        check_window(window)
        store = MemoryStore()
        store.commit(first_batch(store, beginning, b""))
        working = MemoryWorking(store, beginning.accounts, beginning.block.header.hash)
        options = _config(config, workers)
        return cls(store, rules, working, working, config=options, window=window)

    @classmethod
    def open(
        cls,
        path: str | Path,
        genesis: Genesis | Mapping[str, Any] | str | Path | None = None,
        *,
        spec: Spec | None = None,
        read_only: bool = False,
        window: int = WINDOW,
        archive: bool = False,
        cache_bytes: int = CACHE_BYTES,
        warm_up: bool = True,
        config: Config | None = None,
        workers: int | None = None,
    ) -> Self:
        """A chain on disk: what is imported is there when this process is gone, however it ends.

        One process at a time imports; any number of others open the same folder with
        ``read_only=True``, and see each commit once it is durable. In one process a folder is open
        once. It needs the extra ``blockstm[chain]``.

        Args:
            path: of the folder, which is made if it is not there.
            genesis: see `in_memory`; needed where the folder is empty, else compared with it.
            spec: the forks; by default those of the genesis or the folder. Others than the folder's
                are taken where no fork differs that has begun. A chain with rules of its own needs
                those that it was begun with, each time: a folder keeps which, but no code.
            read_only: whether to read beside a process that imports.
            window: how many blocks back states can be had and side branches are kept.
            archive: whether they are kept from the first block on, whatever ``window`` says.
            cache_bytes: memory for accounts, slots and nodes of tries that were used lately.
            warm_up: whether the file is read into the system's page cache once imports wait for the
                disk. Only where it fits into half of the memory that is available, that of its
                control groups, with what other open chains of this process have read of theirs.
            config, workers: see `blockstm.Config`; by default as many workers as usable cores.

        Raises:
            StoreMismatch: the folder is empty and there is no genesis; it holds another chain, or
                one under other rules or rules of its own; or a newer blockstm wrote it.
            StoreLocked: another process imports, or this one has the folder open.
            StoreDamaged: what is there is not what was written.
            StoreError: it cannot be opened for another reason.
            MissingExtra: libmdbx is not installed.
            OSError, DecodeError, ConfigError, InputError: see `in_memory`.
        """
        beginning = None if genesis is None else genesis_of(genesis)
        if spec is not None and not isinstance(spec, Spec):
            raise ConfigError(f"spec is a blockstm.ethereum.Chain, not {kind_of(spec)}")
        check_window(window)
        check_cache(cache_bytes)
        check_flags(read_only=read_only, archive=archive, warm_up=warm_up)
        options = _config(config, workers)
        threads = None if options.workers == "auto" else options.workers
        folder = open_folder(
            path_of(path, "a folder"),
            beginning,
            spec,
            read_only=read_only,
            cache_bytes=cache_bytes,
            workers=threads,
            warm_up=warm_up,
        )
        tries = folder.working or StoredTries(folder.store, threads)
        return cls(
            folder.store,
            folder.spec,
            folder.working,
            tries,
            config=options,
            window=None if archive else window,
            ahead=None if folder.working is None else RunAhead(folder.store, folder.working),
        )

    # ---- importing

    def import_block(
        self, block: Block | bytes, *, hints: BlockHints | None = None
    ) -> ImportedBlock:
        """Check a block, execute it, check what it gave, and keep it durably.

        It becomes the head where it stands on it, or, before the merge, where its chain has more
        difficulty. Otherwise it begins or prolongs a side branch, which `set_head` can choose.

        Args:
            block: a block, or its RLP.
            hints: what is known of its transactions; see `blockstm.execute_block`.

        Raises:
            DecodeError: the bytes are no block's.
            InputError: hints are of another kind.
            InvalidBlock: it breaks a rule; ``reason`` says which.
            UnknownParent: the chain does not have its parent.
            PrunedState: its parent is further back than the window.
            StateError: the state cannot be read.
            StoreError: the block cannot be kept.
            ClosedError: the chain was closed.
        The chain is as it was before, whichever of them it is. What a source's ``learn`` raises
        comes out, too; the block is imported then.
        """
        ready = decoded(block, self.spec.rules)
        with self._importing:
            with self._importer_alone() as importer:
                imported = importer.take(ready, hints)
                importer.commit()
            teach(hints, imported)
            return imported

    def import_blocks(
        self,
        blocks: Iterable[Block | bytes],
        *,
        pipelined: bool = True,
        hints: HintSource | None = None,
    ) -> Iterator[ImportedBlock]:
        """`import_block` for many, which are made durable several at a time.

        They are given in order, each once it is durable. Where one cannot be imported, those before
        it are, and are given before its error is raised; the same holds where the iterator of
        blocks raises, or where Ctrl-C comes.

        Several are worked on at once: while one runs, the next two are decoded, their senders
        recovered and what they need read; and behind it roots are compared and blocks written.

        Args:
            blocks: asked in the thread that asks for the result, a few blocks ahead.
            pipelined: whether to work on several at once. The result is the same.
            hints: a source of what is known of each, such as `blockstm.ethereum.hints` has; what it
                raises stands for its block. One that learns (`blockstm.hints.LearningSource`) is
                told of each block once it is durable.
        """
        self._open_importer()
        check_source(hints)
        check_flags(pipelined=pipelined)
        if not pipelined:
            each = map(partial(decoded, rules=self.spec.rules), iterated(blocks, "blocks"))
            yield from stream(self._importer_alone, each, runs_ahead=False, hints=hints)
            return
        coming = Lookahead(blocks, self._read_ahead, self.spec.rules, begin=self._read_last_ahead)
        try:
            yield from stream(self._importer_alone, coming, runs_ahead=True, hints=hints)
        finally:
            coming.close()

    @contextmanager
    def _importer_alone(self) -> Iterator[Importer]:
        """The importer for one step; readers see then what has become durable."""
        with self._importing:
            importer = self._open_importer()
            commits = importer.commits
            try:
                yield importer
            finally:
                if importer.commits != commits and self._view is not None:
                    self._publish(importer)

    def _read_ahead(self, block: Block) -> None:
        if self._working is not None:
            self._working.read_ahead(block)

    def _read_last_ahead(self) -> None:
        """Read what the last blocks changed, once: the next ones may need it.

        Later it is at hand because these blocks ran here.
        """
        view, self._is_cold = self._view if self._is_cold else None, False
        if view is None or self._working is None:
            return
        block_hash, header = view.head.hash, view.head.header
        with suppress(ChainError):  # what cannot be read is left to who needs it
            for _ in range(min(_LAST_BLOCKS, header.number - view.oldest)):
                self._working.read_changed_ahead(view.blocks.doing(block_hash))
                block_hash = header.parent_hash
                header = view.blocks.header(block_hash)

    def set_head(self, block_hash: bytes) -> Head:
        """Make a block the head: back to one of its ancestors, or over to another branch.

        What stands on the new head no longer is part of the chain, and is kept as a side branch.

        Args:
            block_hash: of a block that was imported.

        Raises:
            UnknownBlock: there is no such block.
            PrunedState: it is further back than the window.
            StoreError: the new head cannot be kept.
        """
        wanted = _hash(block_hash)
        with self._importer_alone() as importer:
            return importer.set_head(wanted)

    def _commit(self) -> None:
        with self._importer_alone() as importer:
            importer.commit()

    def _publish(self, importer: Importer) -> None:
        """Have readers see what is durable, also where the database has stopped since then."""
        self._view = _View(importer.durable, self.spec.rules)
        if self._working is not None:
            self._derived.release(self._working.stored)

    def _open_importer(self) -> Importer:
        self._now()
        if self._importer is None:
            raise UsageError("the chain was opened with read_only=True: it imports nothing")
        return self._importer

    # ---- reading

    @property
    def head(self) -> Head:
        """The block that the chain ends with."""
        return self._now().head

    @property
    def oldest_state(self) -> int:
        """The number of the oldest block whose state can be had."""
        return self._now().oldest

    def block(self, which: Which) -> Block:
        """A block, with the senders of its transactions.

        Args:
            which: a number, of one of the head's ancestors or the head; or the hash of any block.

        Raises:
            UnknownBlock: there is none.
        """
        view = self._now()
        return view.blocks.block(view.hash_of(which))

    def header(self, which: Which) -> Header:
        """The header of a block; see `block`."""
        view = self._now()
        return view.blocks.header(view.hash_of(which))

    def block_hash(self, number: int) -> Hash32:
        """The hash of the block of a number among the head's ancestors, or of the head.

        Raises:
            UnknownBlock: there is none.
        """
        if not is_int(number):
            raise InputError(f"the number of a block is an int, not {brief(number)}")
        return self._now().hash_of(number)

    def has_block(self, block_hash: bytes) -> bool:
        """Whether the chain has a block, on whatever branch."""
        return self._now().blocks.has(_hash(block_hash))

    def is_canonical(self, block_hash: bytes) -> bool:
        """Whether a block is the head or one of its ancestors.

        Raises:
            UnknownBlock: there is no such block.
        """
        blocks, wanted = self._now().blocks, _hash(block_hash)
        return blocks.canonical(blocks.header(wanted).number) == wanted

    def total_difficulty(self, which: Which) -> int:
        """The difficulties of all blocks up to and with one, summed up; see `block`."""
        view = self._now()
        block_hash = view.hash_of(which)
        view.blocks.header(block_hash)
        return view.blocks.total_difficulty(block_hash)

    def receipts(self, which: Which) -> tuple[Receipt, ...]:
        """The receipts of a block, one for each transaction; see `block`."""
        view = self._now()
        return view.blocks.receipts(view.blocks.block(view.hash_of(which)))

    def transaction(self, transaction_hash: bytes) -> FoundTransaction:
        """A transaction of the head or one of its ancestors.

        Raises:
            UnknownBlock: none of them has it.
        """
        view = self._now()
        place = view.blocks.place_of(_hash(transaction_hash))
        if place is None:
            raise UnknownBlock(f"no block has a transaction 0x{transaction_hash.hex()}")
        number, index = place
        block = view.blocks.block(view.hash_of(number))
        sender = block.senders[index]
        assert sender is not None  # the chain keeps them all
        return FoundTransaction(block.transactions[index], sender, block.hash, number, index)

    # ---- states

    def state_at(self, which: Which) -> ChainState:
        """The state after a block; see `block`.

        It takes no time however large the state is, and stays as it is whatever is imported.

        Raises:
            UnknownBlock: there is no such block.
            PrunedState: it is further back than the window.
        """
        while True:
            view = self._now()
            block_hash = view.hash_of(which)
            header = view.blocks.header(block_hash)
            if header.number < view.oldest:
                raise PrunedState(
                    f"the state after block {header.number} is kept no more: the oldest is that "
                    f"after block {view.oldest}"
                )
            trie = self._derived.trie(view.blocks, view.head.hash, block_hash, header)
            if trie is not None:
                return ChainState(view.blocks, block_hash, header, trie)

    def witness(self, which: Which) -> Witness:
        """What executing a block needs beside it, with its proof, and no more; see `block`.

        The block runs once more on the state of its parent, and is verified on the witness before
        that is given. The same block gives the same witness.

        Raises:
            UnknownBlock: there is no such block, or it is the first.
            PrunedState: the state of its parent is further back than the window.
            StateError, StoreError: something cannot be read.
        """
        view = self._now()
        block = view.blocks.block(view.hash_of(which))
        check_has_parent(block.header)
        state = self.state_at(block.header.parent_hash)
        return witness_of(block, state, self.spec, view.blocks)

    def audit(self) -> Audit:
        """Compare everything that the chain keeps: it takes time, and imports wait.

        The state root of the head is computed anew from all accounts and slots and compared with
        the tries and the header; each state of the window is reached by the changes that are kept,
        back and forth; each block from the head down is compared with its header.

        Raises:
            StoreError: something cannot be read at all.
        """
        with self._importing:
            importer = self._open_importer()
            importer.commit(with_state=True)
            self._publish(importer)
            view = self._now()
            importer.stand_at(view.head.hash)
            assert self._working is not None  # there is an importer
            return audit(view.blocks, view.head, view.oldest, self._working)

    def sizes(self) -> Mapping[Table, TableSize]:
        """How much each table of the store holds, in entries and bytes."""
        self._now()
        return self._store.sizes()

    def file_size(self) -> FileSize:
        """How far the file on disk is filled, and how much of that is free."""
        self._now()
        return self._store.file_size()

    def hit_rates(self) -> Mapping[str, float]:
        """How many of the reads of a kind, that imports made so far, were answered from memory.

        The kinds are ``accounts``, ``slots``, ``codes`` and ``nodes``: those of the tries that ways
        to what changed led through. What is read ahead counts, too. Kinds that none was made of are
        left out, and all are of a chain in memory or read-only.
        """
        self._now()
        return {} if self._working is None else self._working.hit_rates()

    # ---- the end

    def close(self) -> None:
        """Make durable what is not yet, release threads and files; may be called twice."""
        with self._importing:
            if self._view is None:
                return
            try:
                self._view = None
                if self._importer is not None:
                    self._importer.close()
            finally:
                self._executor.close()
                self._store.close()

    def __enter__(self) -> Self:
        self._now()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise InputError("no chain is copied or pickled: open its folder where it is needed")

    def __repr__(self) -> str:
        view = self._view
        if view is None:
            return "<a closed chain>"
        return f"<a chain of {view.head.number + 1} blocks, head 0x{view.head.hash.hex()}>"

    def _now(self) -> _View:
        view = self._view
        if view is None:
            raise ClosedError("the chain is closed")
        return (
            view if self._importer is not None else _View(self._store.snapshot(), self.spec.rules)
        )


class _View:
    """The chain after one commit."""

    __slots__ = ("blocks", "head", "oldest")

    def __init__(self, snapshot: Snapshot, rules: Rules) -> None:
        self.blocks = Blocks(snapshot, rules)
        self.head = head_of(self.blocks)
        self.oldest = decode_number(self.blocks.meta(OLDEST) or bytes(8))

    def hash_of(self, which: Which) -> Hash32:
        """The hash of a block that is named by its number or its hash."""
        if is_int(which) and isinstance(which, int):
            found = self.blocks.canonical(which) if 0 <= which < 1 << 64 else None
            if found is None:
                raise UnknownBlock(
                    f"there is no block {brief(which)}: the head is block {self.head.number}"
                )
            return found
        return _hash(which)


def _hash(given: Any) -> Hash32:
    if isinstance(given, bytes) and len(given) == 32:
        return Hash32(given)
    raise InputError(f"a block is named by its number or its hash of 32 bytes, not {brief(given)}")


def _config(config: Config | None, workers: int | None) -> Config:
    config = Config() if config is None else config
    if not isinstance(config, Config):
        raise ConfigError(f"config is a blockstm.Config, not {kind_of(config)}")
    return config if workers is None else replace(config, workers=workers)
