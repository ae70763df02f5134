"""The state after a block, for as long as anybody wants it, whatever is imported meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from blockstm._native.wire.witness_reads import WitnessReads
from blockstm.errors import InputError, StateError
from blockstm.ethereum import Header, StateTrie
from blockstm.ethereum.tries.state_trie import AccountProof, TrieAccount
from blockstm.messages import brief
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.located import field_of
from blockstm.types import Address, Hash32
from blockstm.values import is_int

if TYPE_CHECKING:
    from blockstm.chain.blocks import Blocks
    from blockstm.state.changes import AccountChanges

__all__ = ["HASHES", "BlockHashes", "ChainState"]

HASHES = 256
"""Of so many blocks before it the EVM can ask for the hash."""


class ChainState:
    """The state after a block: a `blockstm.ethereum.State` that knows its root and proves it.

    Immutable; safe from any thread. `Chain.state_at` makes it, in no time.

    Attributes:
        hash: of the block.
        header: of the block.
    """

    __slots__ = ("_blocks", "_reads", "_trie", "hash", "header")

    def __init__(self, blocks: Blocks, block_hash: Hash32, header: Header, trie: StateTrie) -> None:
        self.hash = block_hash
        self.header = header
        self._blocks = blocks
        self._trie = trie
        self._reads: WitnessReads | None = None  # made for the first block that runs on it

    @property
    def number(self) -> int:
        """The number of the block."""
        return self.header.number

    @property
    def root(self) -> Hash32:
        """The state root, which is the header's."""
        return self.header.state_root

    @property
    def trie(self) -> StateTrie:
        """The tries, which are not to be changed: `StateTrie.copy` gives others."""
        return self._trie

    def account(self, address: Address) -> TrieAccount | None:
        """The account at an address; None where there is none."""
        return self._trie.account(address)

    def storage(self, address: Address, slot: int) -> int:
        """The value at a slot of an account; 0 where there is none."""
        return self._trie.slot(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        """The code with a hash, as `account` names it.

        Raises:
            InputError: it is no hash.
            LookupError: no account of the chain has or had it.
            StoreError: it cannot be read.
        """
        if not isinstance(code_hash, bytes) or len(code_hash) != len(EMPTY_CODE_HASH):
            raise InputError(f"a code has a hash of 32 bytes, not {brief(code_hash)}")
        if code_hash == EMPTY_CODE_HASH:
            return b""
        code = self._blocks.code(code_hash)
        if code is None:
            raise LookupError(f"the chain has no code 0x{code_hash.hex()}")
        return code

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at a location as `AccountState` has them, ``default`` where there is none.

        Raises:
            StoreError: it cannot be read.
        """
        if key[0] == "code":
            return self._code(key[1], default)
        account = self.account(key[0])
        if account is None:
            return default
        if len(key) == 4:
            value: Any = 0 if key[2] else self.storage(key[0], key[3])
        else:
            value = field_of(account, key[1])
        return value or default

    def _code(self, code_hash: Hash32, default: Any) -> Any:
        try:
            return self.code(code_hash) or default
        except LookupError:
            return default

    def __blockstm_state__(self) -> object:
        """For the engine: it reads this without Python, and asks `get` where this cannot tell."""
        if self._reads is None:
            self._reads = WitnessReads(self._trie.native, {})
        return self._reads.__blockstm_state__()

    def code_at(self, address: Address) -> bytes:
        """The code of the account at an address; no bytes where there is none.

        Raises:
            StateError: the account has a code that is not there.
            StoreError: it cannot be read.
        """
        account = self.account(address)
        if account is None:
            return b""
        try:
            return self.code(account.code_hash)
        except LookupError as error:
            raise StateError(f"the code of 0x{address.hex()}: {error}", None) from error

    def proof(self, address: Address, slots: Iterable[int] = ()) -> AccountProof:
        """The nodes that prove an account and some of its slots against `root` (EIP-1186)."""
        return self._trie.prove(address, slots)

    def root_after(self, writes: AccountChanges) -> Hash32:
        """The root of the state with a block's writes on top; see `RootedState`."""
        after = self._trie.copy()
        after.apply(writes, self)
        return after.root

    @property
    def block_hashes(self) -> BlockHashes:
        """The hashes that a block on top of this state sees: of the block and 255 before it."""
        return BlockHashes(self._blocks, self.hash, self.header)

    def __reduce__(self) -> NoReturn:
        raise InputError("no state of a chain is copied or pickled: ask the chain for it again")

    def __repr__(self) -> str:
        return f"<the state after block {self.number}, 0x{self.hash.hex()}>"


class BlockHashes(Mapping[int, Hash32]):
    """Number → hash of a block and of those before it, 256 of them, looked up when asked for."""

    __slots__ = ("_blocks", "_found", "_parent", "_top")

    def __init__(self, blocks: Blocks, block_hash: Hash32, header: Header) -> None:
        self._blocks = blocks
        self._top = int(header.number)
        self._found: dict[int, Hash32] = {self._top: block_hash}
        self._parent = header

    def __getitem__(self, number: int) -> Hash32:
        if not is_int(number) or not self._bottom <= number <= self._top:
            raise KeyError(number)
        while number not in self._found:
            header = self._parent
            self._found[header.number - 1] = header.parent_hash
            if header.number - 1 > self._bottom:
                self._parent = self._blocks.header(header.parent_hash)
        return self._found[number]

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._top, self._bottom - 1, -1))

    def __len__(self) -> int:
        return self._top - self._bottom + 1

    @property
    def _bottom(self) -> int:
        return max(self._top - HASHES + 1, 0)
