"""`EVM`: accounts, and calls on them one after another."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any, Final

from blockstm.compat.checksums import address_of, checksummed
from blockstm.compat.pyrevm.accounts import AccountInfo, JournalCheckpoint
from blockstm.compat.pyrevm.environment import BlockEnv, Env, TxEnv
from blockstm.compat.pyrevm.results import ExecutionResult, failure_text, rejection_text
from blockstm.compat.pyrevm.specs import fork_of, name_of
from blockstm.ethereum.calls.session import CallSession, Mark
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.remote import RpcState
from blockstm.ethereum.rules.reasons import Reason
from blockstm.types import Address, BlockNumber, Hash32
from blockstm.vm.context import BlockContext
from blockstm.vm.evm.execution import Execution, InvalidTransaction

__all__ = ["EVM"]

_UINT64_MAX: Final = 2**64 - 1
_GAS_MAX: Final = 2**63 - 1  # what code can have; pyrevm's default is more


class EVM:
    """Accounts in memory, and calls on them one after another.

    A call is a transaction of its own, but for transient storage, which lasts until
    `reset_transient_storage`. Thread-safety: one thread at a time.

    Args:
        env: configuration, block, transaction.
        fork_url, fork_block: the node and the block of it that accounts are read from which are not
            here; without a block, its latest.
        gas_limit: of calls that do not say how much gas they have, and what GASLIMIT gives.
        tracing: whether calls write EIP-3155 lines to the standard output.
        spec_id: whose rules hold; the newest of mainnet where it is not known.
    """

    def __init__(
        self,
        env: Env | None = None,
        fork_url: str | None = None,
        fork_block: str | None = None,
        gas_limit: int = _UINT64_MAX,
        tracing: bool = False,
        spec_id: str = "LATEST",
    ) -> None:
        self._forked = None if fork_url is None else RpcState(fork_url, _named(fork_block))
        given = env or Env()
        self._cfg, self._block, self._tx = given.cfg, given.block.copy(), given.tx
        self._gas_limit = gas_limit
        self._spec_id = spec_id
        self._hashes: dict[int, Hash32] = {}
        self.tracing = tracing
        self._session = CallSession(
            self._forked,
            fork=fork_of(spec_id),
            block=self._context(),
            block_hash=self._hash_of,
        )
        self._run = self._session.run
        self._given: tuple[Any, ...] | None = None
        self._last: Execution | None = None
        self._checkpoints: dict[JournalCheckpoint, Mark] = {}
        self._journal_len = 1
        self._log_count = 0

    def _context(self) -> BlockContext:
        block = self._block
        return BlockContext(
            number=BlockNumber(block.number),
            timestamp=block.timestamp,
            coinbase=Address(block.coinbase_bytes),
            gas_limit=self._gas_limit,
            difficulty=block.difficulty,
            mix_hash=Hash32(block.prevrandao),
            base_fee_per_gas=0,
            blob_base_fee=block.blob_gasprice or 0,
            chain_id=self._cfg.chain_id,
            parent_hash=self._parent_hash(block.number - 1),
        )

    # ---- the environment

    @property
    def env(self) -> Env:
        """A copy of it; the transaction is the last one."""
        tx = replace(self._tx)
        if self._given is not None:
            sender, to, tx.value, tx.data, tx.gas_limit, tx.gas_price, *_ = self._given
            tx.caller, tx.to = checksummed(sender), None if to is None else "0x" + to.hex()
        return Env(self._cfg, self._block.copy(), tx)

    def set_block_env(self, block: BlockEnv) -> None:
        """Have calls run in this block from now on."""
        self._block = block.copy()
        self._session.block = self._context()

    def set_tx_env(self, tx: TxEnv) -> None:
        """What calls have besides their arguments: access list, blob hashes, nonce, chain id."""
        self._tx, self._given = tx, None

    def block_hash(self, number: int) -> bytes:
        """The hash of a block: the node's, or keccak of its number in decimal."""
        return self._hash_of(number)

    def _hash_of(self, number: int) -> Hash32:
        if self._forked is None:
            return _hash_of_number(number)
        if not self._hashes:
            self._hashes = self._forked.block_hashes
        return self._hashes.get(number) or _hash_of_number(number)

    def _parent_hash(self, number: int) -> Hash32:
        """As `_hash_of`, but where no node is asked that need not be."""
        forked = self._forked
        return forked.hash if forked and forked.number == number else _hash_of_number(number)

    # ---- accounts

    def basic(self, address: str) -> AccountInfo:
        """An account without its storage; one that is not there is empty."""
        return self._info(address_of(address))

    def _info(self, address: bytes) -> AccountInfo:
        session = self._session
        return AccountInfo.of_state(
            session.balance(address),
            session.nonce(address),
            session.code_hash(address),
            session.code(address),
        )

    def get_code(self, address: str) -> bytes | None:
        """The code of an account; None for none."""
        return self._session.code(address_of(address)) or None

    def get_balance(self, address: str) -> int:
        """In wei."""
        return self._session.balance(address_of(address))

    def set_balance(self, address: str, balance: int) -> None:
        """Give an account so much, in wei."""
        self._session.set_balance(address_of(address), balance)

    def storage(self, address: str, index: int) -> int:
        """The value of a slot."""
        return self._session.storage(address_of(address), index)

    def insert_account_info(self, address: str, info: AccountInfo) -> None:
        """Put an account in place of another, whose storage stays."""
        target = address_of(address)
        self._session.set_balance(target, info.balance)
        self._session.set_nonce(target, info.nonce)
        self._session.set_code(target, info.code or b"")

    def insert_account_storage(self, address: str, index: int, value: int) -> int:
        """Set a slot; returns what was there."""
        target = address_of(address)
        before = self._session.storage(target, index)
        self._session.set_storage(target, index, value)
        return before

    # ---- going back

    def snapshot(self) -> JournalCheckpoint:
        """A point to come back to."""
        self._journal_len += 1
        checkpoint = JournalCheckpoint(self._log_count, self._journal_len)
        self._checkpoints[checkpoint] = self._session.mark()
        return checkpoint

    def revert(self, checkpoint: JournalCheckpoint) -> None:
        """Take back everything since a checkpoint.

        Raises:
            OverflowError: there is none.
            KeyError: there is not this one.
        """
        if not self._checkpoints:
            raise OverflowError("No checkpoint to revert to")
        mark = self._checkpoints.get(checkpoint)
        if mark is None:
            raise KeyError("Invalid checkpoint")
        self._session.revert(mark)
        self._log_count = checkpoint.log_i
        kept = (
            each for each in self._checkpoints.items() if each[0].journal_i < checkpoint.journal_i
        )
        self._checkpoints = dict(kept)
        self._journal_len = checkpoint.journal_i - 1

    def commit(self) -> None:
        """Give up the newest checkpoint, and keep what came after it."""
        if self._checkpoints:
            self._checkpoints.popitem()

    def reset_transient_storage(self) -> None:
        """Clear what EIP-1153 keeps until the end of a transaction."""
        self._session.native.transient = b""

    @property
    def checkpoint_ids(self) -> set[JournalCheckpoint]:
        """The checkpoints that there are."""
        return set(self._checkpoints)

    @property
    def journal_depth(self) -> int:
        """How many checkpoints there are."""
        return len(self._checkpoints)

    @property
    def journal_len(self) -> int:
        """One more than how many checkpoints there have been and were not taken back."""
        return self._journal_len

    @property
    def journal_str(self) -> str:
        """The accounts that were changed, as text."""
        return str(self.journal_state)

    @property
    def journal_state(self) -> dict[str, AccountInfo]:
        """Address in mixed case → account, for all that were put here or changed."""
        changed = {key[0] for key in self._session.writes() if isinstance(key[0], bytes)}
        return {checksummed(address): self._info(address) for address in sorted(changed)}

    @property
    def db_accounts(self) -> dict[str, AccountInfo]:
        """The same as `journal_state`."""
        return self.journal_state

    # ---- calls

    def message_call(
        self,
        caller: str,
        to: str,
        calldata: bytes | None = None,
        value: int | None = None,
        gas: int | None = None,
        gas_price: int | None = None,
        is_static: bool = False,
    ) -> bytes:
        """Call an account; what that changes stays.

        The caller's nonce stays, and nothing is paid for gas.

        Returns:
            The output.

        Raises:
            RuntimeError: the call could not begin, reverted or halted; in pyrevm's words.
            TypeError: an address is none.
        """
        done = self._executed(
            caller,
            address_of(to),
            calldata or b"",
            value or 0,
            gas,
            gas_price or 0,
            is_static,
            True,
        )
        return done.output

    def deploy(
        self,
        deployer: str,
        code: bytes,
        value: int | None = None,
        gas: int | None = None,
        gas_price: int | None = None,
        is_static: bool = False,
        _abi: Any = None,
    ) -> str:
        """Create a contract by its initcode.

        Returns:
            Its address in lower case.

        Raises:
            RuntimeError, TypeError: see `message_call`.
        """
        created = self._session.created_by(address_of(deployer))
        self._executed(deployer, None, code, value or 0, gas, gas_price or 0, False, False)
        return "0x" + created.hex()

    def _executed(
        self,
        caller: str,
        to: bytes | None,
        data: bytes,
        value: int,
        gas: int | None,
        gas_price: int,
        is_static: bool,
        spares_sender: bool,
    ) -> Execution:
        self._last = None
        sender, tx = address_of(caller), self._tx
        limit = self._gas_limit if gas is None else gas
        self._given = given = (
            *(sender, to, value, data, min(limit, _GAS_MAX), gas_price),
            *(tx.accesses() if tx.access_list else (), tx.blob_hashes),
            *(is_static, spares_sender, True),
        )
        try:
            self._check(sender)
            done = self._run(given, self._write_lines) if self.tracing else self._run(given)
        except InvalidTransaction as rejection:
            raise RuntimeError(rejection_text(rejection)) from rejection
        if self.tracing:
            self._write_end(done)
        self._last = done
        if self._checkpoints:
            self._log_count += done.log_count
        else:
            self._session.forget()
        if done.succeeded:
            return done
        raise RuntimeError(failure_text(done))

    def _check(self, sender: bytes) -> None:
        """What a transaction of the environment asks for besides."""
        tx = self._tx
        if tx.chain_id is not None and tx.chain_id != self._cfg.chain_id:
            raise InvalidTransaction(Reason.CHAIN_ID, tx.chain_id, self._cfg.chain_id)
        if tx.nonce is not None:
            nonce = self._session.nonce(sender)
            if tx.nonce != nonce:
                reason = Reason.NONCE_TOO_LOW if tx.nonce < nonce else Reason.NONCE_TOO_HIGH
                raise InvalidTransaction(reason, tx.nonce, nonce)

    @property
    def result(self) -> ExecutionResult | None:
        """What the last call came to; None before one, and after one that could not begin."""
        return None if self._last is None else ExecutionResult.of_execution(self._last)

    # ---- traces

    def _write_lines(self, lines: bytes) -> None:
        sys.stdout.write(lines.decode())

    def _write_end(self, done: Execution) -> None:
        end = {
            "stateRoot": "0x" + bytes(32).hex(),
            "output": "0x" + done.output.hex(),
            "gasUsed": hex(done.gas_used),
            "pass": done.succeeded,
            "fork": name_of(self._spec_id),
        }
        sys.stdout.write(json.dumps(end) + "\n")


def _hash_of_number(number: int) -> Hash32:
    return keccak(str(number).encode())


def _named(fork_block: str | None) -> int | str | bytes:
    """A block as `RpcState` takes it: a hash, a number in either notation, or a name."""
    text = (fork_block or "latest").lower()
    if text.startswith("0x") and len(text) == 2 + 2 * len(bytes(32)):
        return bytes.fromhex(text[2:])
    return int(text, 0) if text[:1].isdigit() else text
