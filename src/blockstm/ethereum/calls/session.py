"""`CallSession`: calls one after another, each on what those before it have left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blockstm._native.evm.prepared import EvmBlock
from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm._native.vm.session import Session
from blockstm.errors import InputError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.messages import brief
from blockstm.state.account import EMPTY_CODE_HASH
from blockstm.state.accounts import (
    balance_of,
    code_hash_of,
    code_with,
    epoch_of,
    nonce_of,
    slot_of,
)
from blockstm.state.located import located
from blockstm.types import DELETED, Address, Hash32
from blockstm.vm.context import BlockContext
from blockstm.vm.evm.execution import Execution
from blockstm.vm.evm.libraries import find_libraries_of
from blockstm.vm.evm.precompiles import Precompile, checked_precompiles
from blockstm.vm.evm.validation import MissingInput, error_of
from blockstm.vm.forks import Fork, fork_named

__all__ = ["CallSession", "Mark"]

_GAS_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a session that it can be taken back to. Immutable."""

    place: int
    transient: bytes


class CallSession:
    """Calls one after another in one block, each on what those before it have left.

    It keeps state, block and what was changed in native memory, so that a call is one crossing into
    the core; `mark` and `revert` take changes back. The state is not changed.

    Thread-safety: one thread at a time; another, or a precompile that calls back, gets
    `UsageError`.

    Args:
        state: what it starts from: any that `blockstm.execute_block` takes; None: no account.
        fork: whose rules hold: a `Fork`, or any of its names.
        block: the fields of the block that code sees.
        precompiles: contracts of your own, see `blockstm.vm.evm.Evm`.
        block_hash: gives the hash of an earlier block by its number where ``block`` lacks it;
            None: a call that asks for one raises `LookupError`.

    Raises:
        ConfigError: there is no such fork.
        InputError: the state or a field of the block is of the wrong kind.
    """

    def __init__(
        self,
        state: Any = None,
        *,
        fork: Fork | str,
        block: BlockContext,
        precompiles: Mapping[Address, Precompile | Any] | None = None,
        block_hash: Callable[[int], bytes] | None = None,
    ) -> None:
        self._precompiles = checked_precompiles(precompiles)
        below = None if state is None else located(state)
        self.fork = fork if isinstance(fork, Fork) else fork_named(fork)
        find_libraries_of(self.fork)
        self.native = Session(LOCATIONS, LOCATION_VALUES, below)
        self._block_hash = block_hash
        self.block = block

    @property
    def block(self) -> BlockContext:
        """The fields of the block that calls see; to be set to others, too."""
        return self._block

    @block.setter
    def block(self, block: BlockContext) -> None:
        self._evm = EvmBlock(self.fork.rules, block, Execution, error_of)
        if self._precompiles:
            self._evm.add_precompiles(self._precompiles)
        self._block = block

    @property
    def precompiles(self) -> Mapping[Address, Any]:
        """Contracts of your own; to be set to others, too."""
        return self._precompiles

    @precompiles.setter
    def precompiles(self, precompiles: Mapping[Address, Precompile | Any] | None) -> None:
        self._precompiles = checked_precompiles(precompiles)
        self.block = self._block

    # ---- accounts

    def balance(self, address: bytes) -> int:
        """In wei."""
        return self.native.get(balance_of(address), 0)  # type: ignore[no-any-return]  # its codec's

    def nonce(self, address: bytes) -> int:
        """Transactions sent or contracts created."""
        return self.native.get(nonce_of(address), 0)  # type: ignore[no-any-return]  # its codec's

    def code_hash(self, address: bytes) -> Hash32:
        """keccak of its code."""
        return self.native.get(code_hash_of(address), EMPTY_CODE_HASH)  # type: ignore[no-any-return]  # its codec's

    def code(self, address: bytes) -> bytes:
        """Its code; empty for none."""
        code_hash = self.native.get(code_hash_of(address))
        return b"" if code_hash is None else self.native.get(code_with(code_hash), b"")

    def storage(self, address: bytes, slot: int) -> int:
        """The value of a slot; 0 for none."""
        return self.native.get(self._slot(address, slot), 0)  # type: ignore[no-any-return]  # its codec's

    def set_balance(self, address: bytes, balance: int) -> None:
        """Give it so much, in wei."""
        self.native.put(balance_of(address), balance or DELETED)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Have it have sent so many transactions."""
        self.native.put(nonce_of(address), nonce or DELETED)

    def set_code(self, address: bytes, code: bytes) -> None:
        """Have it run this; empty: nothing."""
        if not code:
            self.native.put(code_hash_of(address), DELETED)
            return
        code_hash = keccak(code)
        self.native.put(code_with(code_hash), code)
        self.native.put(code_hash_of(address), code_hash)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Set a slot."""
        self.native.put(self._slot(address, slot), value or DELETED)

    def created_by(self, sender: bytes) -> Address:
        """Where its next creation puts a contract."""
        return Address(keccak(encode([sender, self.nonce(sender)]))[12:])

    def _slot(self, address: bytes, slot: int) -> tuple[bytes, str, int, int]:
        return slot_of(address, self.native.get(epoch_of(address), 0), slot)

    # ---- marks

    def mark(self) -> Mark:
        """A point to come back to."""
        return Mark(self.native.mark(), self.native.transient)

    def revert(self, mark: Mark) -> None:
        """Take back everything since a mark; later marks count no more.

        Raises:
            InputError: it does not count any more.
        """
        self.native.revert(mark.place)
        self.native.transient = mark.transient

    def forget(self) -> None:
        """Keep everything for good: no mark counts any more, and their memory is given back."""
        self.native.forget()

    def writes(self) -> dict[Any, Any]:
        """What differs from the state: location → value, as ``BlockResult.writes`` has it."""
        return self.native.writes()

    # ---- calls

    def call(
        self,
        sender: bytes,
        to: bytes | None,
        data: bytes = b"",
        *,
        value: int = 0,
        gas: int = _GAS_MAX,
        gas_price: int = 0,
        access_list: Sequence[tuple[bytes, Sequence[int]]] = (),
        blob_hashes: Sequence[bytes] = (),
        is_static: bool = False,
        spares_sender: bool = False,
        keeps_transient: bool = False,
        trace: Callable[[bytes], Any] | None = None,
    ) -> Execution:
        """Run a call; what it changes stays, unless it fails.

        Args:
            sender: the account that it is from, whether or not that would sign it.
            to: whose code runs; None creates a contract, of which ``data`` is the initcode.
            value: in wei, which the sender must have.
            gas: that it has.
            gas_price: in wei per gas, which code sees and the sender pays.
            access_list: what is warm from the start.
            blob_hashes: that code sees; nothing is paid for them.
            is_static: whether nothing may be changed by what runs, as in a static call.
            spares_sender: whether its nonce stays and it pays nothing for gas.
            keeps_transient: whether transient storage outlives the call, for the next one.
            trace: takes its EIP-3155 lines, all at once.

        Returns:
            What it came to; of a creation, the output is the new code.

        Raises:
            InvalidTransaction: it could not begin; ``reason`` says why.
            InputError: something is of the wrong kind.
            LookupError: it asked for the hash of a block that is not known.
        """
        given = (
            *(sender, to, value, data, gas, gas_price, access_list, blob_hashes),
            *(is_static, spares_sender, keeps_transient),
        )
        return self.run(given, trace)

    def run(self, given: Any, trace: Callable[[bytes], Any] | None = None) -> Execution:
        """`call` with all that is given in one tuple, in its order but the data after the value."""
        while True:
            try:
                return self._evm.call_on(self.native, given, trace)  # type: ignore[no-any-return]  # as made
            except MissingInput as missing:
                self._learn(missing)

    def run_recorded(self, given: Any, mask: int) -> tuple[Execution, bytes]:
        """`run`, and what it recorded: the events of a mask (`blockstm.vm.evm.recording`)."""
        while True:
            try:
                done = self._evm.call_on(self.native, given, None, mask)
                return done, self._evm.take_recording(0)
            except MissingInput as missing:
                self._learn(missing)

    def _learn(self, missing: MissingInput) -> None:
        """Ask for the hash of a block, so that the call can run again."""
        number = missing.block_number
        if number is None or self._block_hash is None:
            raise missing
        found = self._block_hash(number)
        if not isinstance(found, bytes) or len(found) != len(EMPTY_CODE_HASH):
            raise InputError(f"the hash of a block is 32 bytes, not {brief(found)}")
        hashes = {**self._block.block_hashes, number: Hash32(found)}
        self.block = replace(self._block, block_hashes=hashes)
