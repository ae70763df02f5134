"""The root of a state: of all its accounts at once, or kept up to date as blocks change it.

`state_root` is for a state at hand; it keeps nothing. `StateTrie` keeps the tries in memory with
the hashes of their nodes, so that a block costs only the paths to what it changed; opened by its
root over a store of nodes, it is the partial trie of a stateless client (see `witness`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from blockstm._native.base.packed import PackedWrites
from blockstm._native.trie.records import Records
from blockstm._native.trie.roots import state_root as root_of_records
from blockstm._native.trie.tries import AccountTries, NodeStore
from blockstm.cores import usable_cores
from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.kinds import iterated
from blockstm.messages import brief
from blockstm.state.changes import (
    AccountChange,
    AccountChanges,
    ChangesByAddress,
    changes_of,
    records_and_codes,
)
from blockstm.types import Address, Hash32

__all__ = ["AccountChange", "AccountProof", "StateTrie", "TrieAccount", "changes_of", "state_root"]


class AccountFields(Protocol):
    """The parts of an account that a root needs; `blockstm.state.accounts.Account` has them."""

    @property
    def balance(self) -> int: ...
    @property
    def nonce(self) -> int: ...
    @property
    def code_hash(self) -> bytes: ...
    @property
    def storage(self) -> Mapping[int, int]: ...


Accounts = (
    Mapping[Address, AccountFields]
    | Mapping[bytes, AccountFields]
    | Iterable[tuple[bytes, AccountFields]]
)


def state_root(accounts: Accounts) -> Hash32:
    """The root of a state (Yellow Paper 4.1).

    Args:
        accounts: all accounts there are, by address, each address once; an empty one that is
            among them exists. Slots that are zero are none.

    Raises:
        InputError: an address, a number or a hash is not one, or an address stands there twice.

    >>> from blockstm.state.accounts import Account
    >>> state_root({}) == EMPTY_TRIE_ROOT
    True
    >>> state_root({Address(bytes(20)): Account(balance=1)}).hex()[:16]
    '90790e0d482ba05b'
    """
    return Hash32(root_of_records(_records_of(accounts).data()))


@dataclass(frozen=True, slots=True)
class TrieAccount:
    """An account as the state trie holds it."""

    nonce: int
    balance: int
    storage_root: Hash32
    code_hash: Hash32

    @property
    def has_storage(self) -> bool:
        """Whether any slot is not zero."""
        return self.storage_root != EMPTY_TRIE_ROOT


@dataclass(frozen=True, slots=True)
class AccountProof:
    """An account and the nodes that prove it against a state root (EIP-1186).

    Attributes:
        account: None where there is none, which the nodes prove then.
        nodes: encodings from the top of the state trie towards the account.
        storage: slot → its value, and the nodes from the top of the storage trie towards it.
    """

    account: TrieAccount | None
    nodes: list[bytes]
    storage: dict[int, tuple[int, list[bytes]]]


class StateTrie:
    """The tries of a state, in memory, with the hashes of their nodes.

    Thread-safety: any thread may use it; calls take turns, and release the GIL for what is long.

    Args:
        root: of the state; its nodes are read from ``nodes`` when they are needed.
        nodes: encoded nodes of its tries, in any order; none are needed for an empty state.
        source: where nodes are read that are not among them, by the way to them: what
            `blockstm._native.trie.tries.NodeStore` takes, as a chain on disk has it.
        workers: threads that share what is long, 1 or more; by default as many as there are usable
            cores.

    Raises:
        InputError: the root is not 32 bytes, or a node is not bytes.
        ConfigError: there are no workers.

    Every method that reads the state may raise `MissingNode`, which names the node that is not
    there, or `DecodeError` where a node or an account is malformed.

    >>> from blockstm.state.accounts import Account
    >>> state = StateTrie.of({Address(bytes(20)): Account(balance=1)})
    >>> after = state.copy()
    >>> after.update({Address(bytes(20)): AccountChange(balance=2)})
    >>> state.account(Address(bytes(20))).balance, after.account(Address(bytes(20))).balance
    (1, 2)
    >>> after.root == state_root({Address(bytes(20)): Account(balance=2)})
    True
    """

    __slots__ = ("_tries", "_workers")

    def __init__(
        self,
        root: bytes = EMPTY_TRIE_ROOT,
        nodes: Iterable[bytes] = (),
        *,
        source: object = None,
        workers: int | None = None,
    ) -> None:
        self._tries = AccountTries(root, NodeStore(nodes, source))
        self._workers = _checked(workers)

    @classmethod
    def of(cls, accounts: Accounts, *, workers: int | None = None) -> StateTrie:
        """The state that has these accounts; see `state_root`."""
        trie = cls(workers=workers)
        trie._apply(_records_of(accounts).data())
        return trie

    def copy(self, *, workers: int | None = None) -> StateTrie:
        """The same state once more, in no time: what both have in common they share.

        ``workers`` as for a `StateTrie`, by default as many as this one has.
        """
        copied = StateTrie.__new__(StateTrie)
        copied._tries = self._tries.copy()
        copied._workers = self._workers if workers is None else _checked(workers)
        return copied

    @property
    def native(self) -> AccountTries:
        """The tries in the native core, for what reads them there."""
        return self._tries

    def add_nodes(self, nodes: Iterable[bytes], codes: Sequence[bytes] = ()) -> list[Hash32]:
        """Let more nodes be found, for example one that was missing.

        Returns:
            The hashes of ``codes``, which are no nodes: all of both are hashed side by side.

        Raises:
            InputError: one of them is not bytes.
        """
        return [Hash32(each) for each in self._tries.store.add(nodes, codes)]

    @property
    def root(self) -> Hash32:
        """The state root; only the paths to what changed since the last one are hashed."""
        return Hash32(self._tries.root(self._workers))

    def account(self, address: bytes) -> TrieAccount | None:
        """The account at an address; None where there is none."""
        found = self._tries.account(address)
        if found is None:
            return None
        nonce, balance, storage_root, code_hash = found
        return TrieAccount(nonce, balance, Hash32(storage_root), Hash32(code_hash))

    def slot(self, address: bytes, slot: int) -> int:
        """The value at a slot of an account, 0 where there is none."""
        return self._tries.slot(address, slot)

    def update(self, changes: ChangesByAddress) -> None:
        """Make a block's changes, or none of them where a node is missing.

        Removals come last, when the fewest nodes are needed for them.
        """
        self._apply(records_and_codes(changes)[0])

    def apply(self, writes: Mapping[Any, Any], before: Any) -> None:
        """Make what a block did.

        Args:
            writes: ``ExecutedBlock.writes``, address → `AccountChange`, or location → value.
            before: the state that the block ran on, for locations; see `changes_of`.
        """
        if isinstance(writes, AccountChanges):
            self._apply(writes.records)
        elif isinstance(writes, PackedWrites) or any(isinstance(key, tuple) for key in writes):
            self._apply(changes_of(writes, before).records)
        else:
            self.update(writes)

    def _apply(self, records: bytes) -> None:
        self._tries.apply(records, self._workers)

    def prove(self, address: bytes, slots: Iterable[int] = ()) -> AccountProof:
        """The nodes that prove an account and some of its slots against `root`."""
        storage = {
            slot: (self.slot(address, slot), self._tries.prove(address, slot))
            for slot in iterated(slots, "slots")
        }
        return AccountProof(self.account(address), self._tries.prove(address), storage)


def _checked(workers: int | None) -> int:
    if workers is None:
        return usable_cores()
    if workers < 1:
        raise ConfigError(f"workers must be at least 1, not {brief(workers)}")
    return workers


def _records_of(accounts: Accounts) -> Records:
    records = Records()
    pairs = accounts.items() if isinstance(accounts, Mapping) else iterated(accounts, "accounts")
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InputError(f"accounts are pairs of an address and an account, not {brief(pair)}")
        records.add_account(*pair)
    return records
