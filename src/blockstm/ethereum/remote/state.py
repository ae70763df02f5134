"""`RpcState`: the state after a block of a node far away, read as it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from blockstm.errors import ConfigError, InputError, NodeRefused, WrongAnswer
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution.senders import find_senders
from blockstm.ethereum.remote.batching import Batcher, checked
from blockstm.ethereum.remote.cache import StateCache
from blockstm.ethereum.remote.client import NodeClient
from blockstm.ethereum.remote.reading import Proved, Reading, Told, Wanted, header_of
from blockstm.messages import brief
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.protocol import AccountInfo
from blockstm.types import Address, Hash32
from blockstm.values import is_int

__all__ = ["RpcState"]

_HASHES: Final = 256
_TAGS: Final = ("latest", "safe", "finalized", "earliest")


class RpcState:
    """The state after a block, read from a node: a `blockstm.ethereum.State` for calls and blocks.

    A value is asked for once. What several workers wait for goes in one body; `prefetch` and
    `prefetch_block` ask for many at once before anything runs.

    Where the node has ``eth_getProof``, each account and slot is proved against the root in the
    block's header, and each code has its hash; the header has the block's. Without it, the node is
    believed: see ``proofs``.

    Thread-safety: any thread may read.

    Args:
        node: its URL, or a `NodeClient`.
        block: a number, a hash of 32 bytes, or "latest", "safe", "finalized" or "earliest", which
            are made a number when the state is.
        proofs: True: only what is proved; False: what the node tells is believed; None: proved if
            the node has proofs.
        cache: a folder that keeps what was read, for the next time.

    Raises:
        ConfigError, InputError: an argument is none of these.
        NodeRefused: the node has no such block.
        NodeUnreachable, WrongAnswer: see `NodeClient.ask`; reading raises them too, and blocks that
            run on the state end with a `blockstm.StateError` whose cause they are.
        OSError: the cache cannot be used.

    Attributes:
        header, hash: of the block.
        is_proved: whether what it tells is proved; None where nothing was read yet.
    """

    def __init__(
        self,
        node: str | NodeClient,
        block: int | str | bytes = "latest",
        *,
        proofs: bool | None = None,
        cache: str | Path | None = None,
    ) -> None:
        self.client = node if isinstance(node, NodeClient) else NodeClient(node)
        if proofs not in (True, False, None):
            raise ConfigError(f"proofs is True, False or None, not {brief(proofs)}")
        self.header, self.hash = _header(self.client, block)
        self.is_proved = proofs
        self._folder = None if cache is None else Path(cache)
        self._batcher = Batcher(self.client)
        self._lock = threading.Lock()
        self._reading: Reading | None = None
        self._cache: StateCache | None = None
        self._accounts: dict[Address, AccountInfo | None] = {}
        self._slots: dict[tuple[Address, int], int] = {}
        self._codes: dict[Hash32, bytes] = {Hash32(EMPTY_CODE_HASH): b""}
        if proofs is not None:
            self._read_by(Proved(self.header) if proofs else Told(self.header))

    def _read_by(self, reading: Reading) -> None:
        self._reading = reading
        self.is_proved = reading.is_proved
        if self._folder is not None:
            cache = StateCache(self._folder, self.hash, is_proved=reading.is_proved)
            self._accounts = cache.accounts()
            self._slots = cache.slots()
            self._cache = cache

    @property
    def waiting(self) -> int:
        """How many reads wait for the next body."""
        return self._batcher.waiting

    # ---- the state

    @property
    def number(self) -> int:
        """The number of the block."""
        return self.header.number

    def account(self, address: Address) -> AccountInfo | None:
        """See `blockstm.ethereum.State`."""
        if address not in self._accounts:
            self._load({address: ()})
        return self._accounts[address]

    def storage(self, address: Address, slot: int) -> int:
        """See `blockstm.ethereum.State`."""
        if (address, slot) not in self._slots:
            self._load({address: (slot,)})
        return self._slots[address, slot]

    def code(self, code_hash: Hash32) -> bytes:
        """See `blockstm.ethereum.State`."""
        code = self._codes.get(code_hash)
        if code is None and self._cache is not None:
            code = self._cache.code(code_hash)
        if code is None:
            code = self._code_of_an_account(code_hash)
        self._codes[code_hash] = code
        return code

    def _code_of_an_account(self, code_hash: Hash32) -> bytes:
        for address, account in list(self._accounts.items()):
            if account is not None and account.code_hash == code_hash:
                told = self.client.ask("eth_getCode", shown(address), shown(self.number))
                code = _data(told)
                if keccak(code) != code_hash:
                    raise WrongAnswer(f"the code of 0x{address.hex()} is not 0x{code_hash.hex()}")
                return code
        raise LookupError(f"no account that was read has the code 0x{code_hash.hex()}")

    @property
    def block_hashes(self) -> dict[int, Hash32]:
        """Number → hash of the block and of 255 before it, for BLOCKHASH: asked for all at once.

        Each is proved by the header after it.
        """
        numbers = range(max(self.number - _HASHES + 1, 0), self.number)
        requests = [("eth_getBlockByNumber", [shown(each), False]) for each in numbers]
        found = {self.number: self.hash}
        expected = self.header.parent_hash
        answers = checked(self._batcher.ask_all(requests)[::-1])
        for number, answer in zip(reversed(numbers), answers, strict=True):
            header, block_hash = header_of(answer)
            if block_hash != expected:
                raise WrongAnswer(f"block {number} is not the parent of block {number + 1}")
            found[number] = block_hash
            expected = header.parent_hash
        return found

    # ---- ahead of time

    def prefetch(
        self, addresses: Iterable[Address] = (), slots: Mapping[Address, Collection[int]] = {}
    ) -> None:
        """Read accounts with their codes, and slots, in as few requests as there can be."""
        wanted: dict[Address, tuple[int, ...]] = {
            address: () for address in addresses if address not in self._accounts
        }
        for address, listed in slots.items():
            missing = tuple(each for each in listed if (address, each) not in self._slots)
            if missing or address not in self._accounts:
                wanted[address] = missing
        self._load(wanted)

    def prefetch_block(self, block: Block) -> None:
        """`prefetch` what a block on top is sure to read: who sends, who receives, its lists."""
        transactions = block.transactions
        senders = [each for each in find_senders(block.transaction_list) if each is not None]
        addresses = [*senders, *(each.to for each in transactions if each.to is not None)]
        addresses += [block.header.coinbase, *(each.address for each in block.withdrawals or ())]
        slots: dict[Address, list[int]] = {}
        for transaction in transactions:
            for address, listed in transaction.access_list:
                slots.setdefault(address, []).extend(listed)
        self.prefetch(addresses, slots)

    # ---- asking the node

    def _load(self, wanted: Wanted) -> None:
        if not wanted:
            return
        if self._reading is None:
            with self._lock:
                if self._reading is None:
                    self._choose(next(iter(wanted)))
            wanted = {
                address: tuple(each for each in slots if (address, each) not in self._slots)
                for address, slots in wanted.items()
                if address not in self._accounts or slots
            }
        assert self._reading is not None  # it was chosen
        codes = [address for address in wanted if address not in self._accounts]
        answers = self._batcher.ask_all(self._reading.requests(wanted, codes))
        self._take(*self._reading.values(wanted, codes, answers))

    def _choose(self, address: Address) -> None:
        """By proofs if the node has them, which asking for one tells."""
        proved = Proved(self.header)
        wanted: Wanted = {address: ()}
        answers = self._batcher.ask_all(proved.requests(wanted, ()))
        reading: Reading = Told(self.header) if isinstance(answers[0], NodeRefused) else proved
        if reading is proved:
            proved.values(wanted, (), answers)
        self._read_by(reading)

    def _take(
        self,
        accounts: Mapping[Address, AccountInfo | None],
        slots: Mapping[tuple[Address, int], int],
        codes: Iterable[bytes],
    ) -> None:
        new = {keccak(each): each for each in codes if each}
        if self._cache is not None:
            self._cache.put(
                accounts.items(),
                [(address, slot, value) for (address, slot), value in slots.items()],
            )
            for code_hash, code in new.items():
                self._cache.put_code(code_hash, code)
        self._codes.update(new)
        self._slots.update(slots)
        self._accounts.update(accounts)

    def __repr__(self) -> str:
        return f"<the state after block {self.number}, 0x{self.hash.hex()}, of a node>"


def _header(client: NodeClient, block: Any) -> tuple[Header, Hash32]:
    """The header of a block that is named.

    Raises:
        InputError: it names none.
        NodeRefused: the node does not have it.
    """
    if isinstance(block, bytes) and len(block) == 32:
        answer = client.ask("eth_getBlockByHash", shown(block), False)
    elif is_int(block) and 0 <= block < 1 << 64:
        answer = client.ask("eth_getBlockByNumber", shown(int(block)), False)
    elif isinstance(block, str) and block in _TAGS:
        answer = client.ask("eth_getBlockByNumber", block, False)
    else:
        tags = ", ".join(_TAGS)
        raise InputError(f"a block is a number, a hash of 32 bytes, or {tags}, not {brief(block)}")
    if answer is None:
        raise NodeRefused(f"the node has no block {brief(block)}", 0)
    header, block_hash = header_of(answer)
    if isinstance(block, bytes) and block != block_hash:
        raise WrongAnswer(f"the node gives block 0x{block_hash.hex()} for 0x{block.hex()}")
    if is_int(block) and header.number != block:
        raise WrongAnswer(f"the node gives block {header.number} for {block}")
    return header, block_hash


def _data(told: Any) -> bytes:
    try:
        return bytes.fromhex(told.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise WrongAnswer(f"a code is hex, not {brief(told)}") from None
