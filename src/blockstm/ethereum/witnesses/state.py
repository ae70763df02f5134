"""The state behind a witness, against its root: what the nodes do not hold is an error, never an
absence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from blockstm._native.wire.witness_reads import WitnessReads
from blockstm.errors import InputError, MissingCode
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.tries.state_trie import StateTrie, TrieAccount
from blockstm.ethereum.witnesses.witness import Witness
from blockstm.kinds import check_kind
from blockstm.state.accounts import EMPTY_CODE_HASH
from blockstm.state.changes import AccountChanges, changes_of
from blockstm.state.located import field_of
from blockstm.types import Hash32

__all__ = ["WitnessState"]


class WitnessState:
    """The state behind a witness: location → value, as `AccountState` has them.

    ``blockstm.execute_block(block, WitnessState(witness), vm="evm")`` checks the state root, too:
    it asks `root_after`. A block that reads more than the witness holds ends in a `StateError`
    whose cause is a `MissingNode` or a `MissingCode`; where only the root needs a node, in that.
    While a block runs on it, changing it, or its ``trie``, is refused with `UsageError`.

    Thread-safety: any thread may use it; calls take turns.

    Args:
        witness: what there is of the state.
        codes: more codes that may be run.

    Attributes:
        trie: the tries, to read accounts, slots and proofs.

    Raises:
        InputError: the root is not 32 bytes, or a node or a code is not bytes.
    """

    __slots__ = ("_codes", "_named", "_reads", "trie")

    def __init__(self, witness: Witness, codes: Iterable[bytes] = ()) -> None:
        check_kind(witness, Witness, "witness")
        self.trie = StateTrie(witness.parent_state_root)
        given = [code for each in (witness.codes, codes) for code in each]
        hashes = self.trie.add_nodes(witness.nodes, given)
        given = list(map(bytes, given))  # of another class, they are read more slowly
        # All are hashed; `apply` sees to it that they stay so.
        self._codes: dict[Hash32, bytes] = dict(zip(hashes, given, strict=True))
        self._reads: WitnessReads | None = None  # made for the next block
        self._named: set[Hash32] = set()  # codes that an account was found to have

    def get(self, key: Any, default: Any = None) -> Any:
        """The value at a location, ``default`` where there is none.

        Raises:
            MissingNode: the witness does not hold what tells.
            MissingCode: it does not hold the code.
            DecodeError: a node or an account is malformed.
        """
        if key[0] == "code":
            return self._code(key[1], default)
        account = self.trie.account(key[0])
        if account is None:
            return default
        if len(key) == 4:
            value: Any = 0 if key[2] else self.trie.slot(key[0], key[3])
        else:
            value = field_of(account, key[1])
            if value and key[1] == "code_hash":
                self._named.add(value)
        return value or default

    def __blockstm_state__(self) -> object:
        """For the engine: it reads this without Python, and asks `get` where this cannot tell."""
        reads = self._reads  # once: a change in another thread forgets it, one that is refused, too
        if reads is None:
            are_hashed = type(self) is WitnessState  # another may tell more codes
            reads = WitnessReads(self.trie.native, self._codes, are_hashed=are_hashed)
            self._reads = reads
        return reads.__blockstm_state__()

    def _pin(self) -> AbstractContextManager[object]:
        return self.trie.native._pin()

    def account(self, address: bytes) -> TrieAccount | None:
        """See `blockstm.ethereum.State`.

        Raises:
            MissingNode, DecodeError: as `get`.
        """
        return self.trie.account(address)

    def storage(self, address: bytes, slot: int) -> int:
        """See `blockstm.ethereum.State`.

        Raises:
            MissingNode, DecodeError: as `get`.
        """
        return self.trie.slot(address, slot)

    def code(self, code_hash: bytes) -> bytes:
        """See `blockstm.ethereum.State`.

        Raises:
            MissingCode: the witness does not hold it.
        """
        code = b"" if code_hash == EMPTY_CODE_HASH else self._codes.get(Hash32(code_hash))
        if code is None:
            raise _missing_code(code_hash)
        return code

    def root_after(self, writes: Mapping[Any, Any]) -> Hash32:
        """The root of the state with a block's writes on top; the state stays as it is.

        Raises:
            MissingNode: the witness lacks a node that the writes need.
            DecodeError: a node or an account is malformed.
        """
        after = self.trie.copy()
        after.apply(writes, self)
        return after.root

    def apply(self, writes: Mapping[Any, Any]) -> None:
        """Make the writes of a block, new codes included, part of the state.

        ``writes`` are those of an `ExecutedBlock`, or location → value.

        Raises:
            MissingNode: the witness lacks a node that the writes need; the state is as it was.
            DecodeError: a node or an account is malformed; the state is as it was.
            InputError: a code has another hash; the state is as it was.
            UsageError: a block is running on the state; it is as it was.
        """
        changes = writes if isinstance(writes, AccountChanges) else changes_of(writes, self)
        codes = _checked(changes.codes)
        new = [each for each in codes if each not in self._codes]
        self._codes.update(codes)  # before the accounts: a block that begins now finds them
        self._reads = None
        try:
            self.trie.apply(changes, self)
        except BaseException:
            for each in new:
                self._codes.pop(each, None)
            self._reads = None
            raise

    def _code(self, code_hash: Hash32, default: Any) -> Any:
        """A code that no account has is none: a block asks for that of what it creates."""
        if code_hash in self._named and code_hash not in self._codes:
            raise _missing_code(code_hash)
        return self._codes.get(code_hash, default)


def _checked(codes: Mapping[bytes, bytes]) -> dict[Hash32, bytes]:
    """Code hash → code; a block that reads them relies on it that the hashes are right."""
    checked = {Hash32(bytes(code_hash)): bytes(code) for code_hash, code in codes.items()}
    for code_hash, code in checked.items():
        if (derived := keccak(code)) != code_hash:
            raise InputError(
                f"the code of {len(code)} bytes given for the hash 0x{code_hash.hex()} has the "
                f"hash 0x{derived.hex()}"
            )
    return checked


def _missing_code(code_hash: bytes) -> MissingCode:
    return MissingCode(
        f"the witness has only the hash of the code 0x{code_hash.hex()}", bytes(code_hash)
    )
