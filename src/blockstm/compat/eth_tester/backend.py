"""`Backend`: a chain of our own behind `eth_tester.EthereumTester`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eth_keys.datatypes import PrivateKey
from eth_tester.backends.base import BaseChainBackend
from eth_tester.exceptions import (
    BlockNotFound,
    TransactionFailed,
    TransactionNotFound,
    ValidationError,
)
from eth_utils import ValidationError as UtilsValidationError

from blockstm import engine
from blockstm.chain.dev import Mark
from blockstm.compat.eth_tester import beginning
from blockstm.compat.eth_tester.pending import Pending
from blockstm.compat.eth_tester.requested import message_of, unsigned
from blockstm.compat.eth_tester.serializing import (
    block_members,
    receipt_members,
    transaction_members,
)
from blockstm.errors import BlockstmError, CallError, UnknownBlock
from blockstm.ethereum import (
    Block,
    CallResult,
    Failure,
    Header,
    Transaction,
    Withdrawal,
    call,
    create_access_list,
    estimate_gas,
    prepare,
)
from blockstm.ethereum.blocks.transaction import TransactionType
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.execution.senders import address_of_key, recover_sender
from blockstm.ethereum.execution.traced import run_traced
from blockstm.ethereum.rules.fees import base_fee_on
from blockstm.ethereum.tracing import tracer_named
from blockstm.ethereum.transition.signing import sign
from blockstm.ethereum.tries.state_trie import AccountProof
from blockstm.rpc.sidecars import decode_sent
from blockstm.types import Address, Hash32
from blockstm.values import is_int
from blockstm.vm.forks import SHANGHAI, Fork

__all__ = ["Backend", "InvalidTransaction"]

_HEAD: Final = ("latest", "safe", "finalized")
_ERROR_OF_STRING: Final = bytes.fromhex("08c379a0")


class InvalidTransaction(ValidationError, UtilsValidationError):  # type: ignore[misc]  # no types
    """A transaction that cannot be in the next block: eth-tester's error, and that of py-evm."""


class Backend(BaseChainBackend):  # type: ignore[misc]  # eth-tester has no types
    """The backend that ``ETHEREUM_TESTER_CHAIN_BACKEND=blockstm.compat.eth_tester.Backend`` names.

    It takes what `eth_tester.PyEVMBackend` takes, under every fork, and has what that lacks:
    `get_proof`, `create_access_list` and `trace_transaction`. For one thread.

    Args:
        genesis_parameters: of the first header, see `generate_genesis_params`.
        genesis_state: address → balance, nonce, code, storage; or pairs of them.
        vm_configuration: (number of the first block, fork) pairs: forks, their names, or VM classes
            of py-evm; None: Prague.
        mnemonic, hd_path: that keys are derived from; None: the keys are 1, 2, 3 and on.
    """

    def __init__(
        self,
        genesis_parameters: Mapping[str, Any] | None = None,
        genesis_state: Any = None,
        vm_configuration: Sequence[tuple[int, Any]] | None = None,
        mnemonic: str | None = None,
        hd_path: str | None = None,
    ) -> None:
        count = len(genesis_state) if genesis_state else None
        self.reset_to_genesis(
            genesis_parameters, genesis_state, count, vm_configuration, mnemonic, hd_path
        )

    @classmethod
    def from_mnemonic(
        cls,
        mnemonic: str,
        genesis_state_overrides: Mapping[str, Any] | None = None,
        num_accounts: int | None = None,
        genesis_parameters: Mapping[str, Any] | None = None,
        vm_configuration: Sequence[tuple[int, Any]] | None = None,
        hd_path: str | None = None,
    ) -> Backend:
        """A backend whose accounts are those of a mnemonic."""
        state = cls.generate_genesis_state(genesis_state_overrides, num_accounts, mnemonic, hd_path)
        return cls(genesis_parameters, state, vm_configuration, mnemonic, hd_path)

    @staticmethod
    def generate_genesis_params(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The parameters of the first header, some of them overridden.

        Raises:
            ValueError: there is no such one.
        """
        return beginning.default_parameters(overrides)

    @staticmethod
    def generate_genesis_state(
        overrides: Mapping[str, Any] | None = None,
        num_accounts: int | None = None,
        mnemonic: str | None = None,
        hd_path: str | None = None,
    ) -> dict[Address, dict[str, Any]]:
        """The accounts of the first state, something of each overridden.

        Raises:
            ValueError: an account has no such member.
        """
        keys = beginning.keys_of_backend(num_accounts, mnemonic, hd_path)
        return beginning.default_state(keys, overrides)

    def reset_to_genesis(
        self,
        genesis_params: Mapping[str, Any] | None = None,
        genesis_state: Any = None,
        num_accounts: int | None = None,
        vm_configuration: Sequence[tuple[int, Any]] | None = None,
        mnemonic: str | None = None,
        hd_path: str | None = None,
    ) -> None:
        """Begin again, with another chain."""
        keys = beginning.keys_of_backend(num_accounts, mnemonic, hd_path)
        accounts = genesis_state or beginning.default_state(keys)
        self._keys = {beginning.address_of(key): key for key in keys}
        self.chain = beginning.begin(genesis_params, accounts, vm_configuration)
        self._pending = Pending(self.chain)

    # ---- snapshots, time, blocks

    def take_snapshot(self) -> Hash32:
        """The head."""
        return self.chain.head.hash

    def revert_to_snapshot(self, snapshot: bytes) -> None:
        """Go back to it; what was sent and not mined is gone."""
        self.chain.return_to(Mark(Hash32(snapshot), {}))
        self._pending.clear()

    def time_travel(self, to_timestamp: int) -> int:
        """Mine a block a second before a time, which is that of the pending block then."""
        self._pending.at(max(to_timestamp - 1, self.chain.head.header.timestamp + 1))
        self._pending.mine(Address(bytes(20)))
        self._pending.at(max(to_timestamp, self.chain.head.header.timestamp + 1))
        return to_timestamp

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = bytes(20)) -> tuple[bytes, ...]:
        """Their hashes."""
        return tuple(self._pending.mine(Address(coinbase)) for _ in range(num_blocks))

    def apply_withdrawals(self, withdrawals_list: Sequence[Mapping[str, Any]]) -> None:
        """Mine a block with withdrawals.

        Raises:
            ValidationError: its fork has none, or one of them is none.
        """
        if self._next_fork() < SHANGHAI:
            raise ValidationError("Withdrawals are only supported after the Shanghai fork")
        try:
            withdrawals = [_withdrawal(each) for each in withdrawals_list]
            self._pending.mine(Address(bytes(20)), withdrawals)
        except (BlockstmError, KeyError, TypeError, ValueError) as error:
            raise ValidationError(f"no withdrawal: {error}") from error

    # ---- accounts

    def get_accounts(self) -> tuple[Address, ...]:
        """Those whose keys it has."""
        return tuple(self._keys)

    @property
    def account_keys(self) -> tuple[Any, ...]:
        """Its keys, as `eth_keys` has them."""
        return tuple(map(PrivateKey, self._keys.values()))

    def add_account(self, private_key: bytes) -> None:
        """Have one more key."""
        self._keys[address_of_key(private_key)] = private_key

    def get_nonce(self, account: bytes, block_number: Any = "latest") -> int:
        """Of an account after a block."""
        found = self._state(block_number).account(account)
        return 0 if found is None else int(found.nonce)

    def get_balance(self, account: bytes, block_number: Any = "latest") -> int:
        """Of an account after a block, in wei."""
        found = self._state(block_number).account(account)
        return 0 if found is None else int(found.balance)

    def get_code(self, account: bytes, block_number: Any = "latest") -> bytes:
        """Of an account after a block."""
        state = self._state(block_number)
        found = state.account(account)
        return b"" if found is None else bytes(state.code(found.code_hash))

    def get_storage(self, account: bytes, slot: int, block_number: Any = "latest") -> int:
        """At a slot of an account after a block."""
        return int(self._state(block_number).storage(account, slot))

    def get_proof(
        self, account: bytes, slots: Sequence[int] = (), block_number: Any = "latest"
    ) -> AccountProof:
        """An account and slots of it after a block, with the nodes that prove them (EIP-1186)."""
        return self.chain.state_at(self._block(block_number).hash).proof(Address(account), slots)

    # ---- blocks, transactions, receipts

    def get_block_by_number(
        self, block_number: Any, full_transaction: bool = True
    ) -> dict[str, Any]:
        """A block, by its number or its name."""
        block = self._block(block_number)
        return block_members(block, full=full_transaction, pending=block_number == "pending")

    def get_block_by_hash(self, block_hash: bytes, full_transaction: bool = True) -> dict[str, Any]:
        """A block of the chain, by its hash."""
        if not self.chain.has_block(block_hash) or not self.chain.is_canonical(block_hash):
            raise BlockNotFound(f"No block found for block hash: 0x{block_hash.hex()}")
        return block_members(self.chain.block(block_hash), full=full_transaction, pending=False)

    def get_transaction_by_hash(self, transaction_hash: bytes) -> dict[str, Any]:
        """A transaction, mined or not."""
        block, index, pending = self._find(transaction_hash)
        return transaction_members(block, index, pending=pending)

    def get_transaction_receipt(self, transaction_hash: bytes) -> dict[str, Any]:
        """What a transaction did, mined or not."""
        block, index, pending = self._find(transaction_hash)
        executed = self._pending.built.executed.receipts
        receipts = executed if pending else self.chain.receipts(block.hash)
        return receipt_members(block, receipts, index, self._fork_of(block.header), pending=pending)

    def get_fee_history(
        self,
        block_count: int = 1,
        newest_block: Any = "latest",
        reward_percentiles: Sequence[int] = (),
    ) -> dict[str, Any]:
        """Of so many blocks before one, the newest first, as eth-tester has it."""
        if is_int(block_count) and not 1 <= block_count <= 1024:
            raise ValidationError("block_count must be between 1 and 1024")
        number = self._block("latest" if newest_block == "pending" else newest_block).header.number
        numbers = range(number - 1, max(number - 1 - block_count, -1), -1)
        headers = [self.chain.header(each) for each in numbers]
        return {
            "oldest_block": 1,
            "base_fee_per_gas": [each.base_fee_per_gas for each in headers],
            "gas_used_ratio": [each.gas_used / each.gas_limit for each in headers],
            "reward": [],
        }

    def get_base_fee(self, block_number: Any = "latest") -> int:
        """Of a block, in wei per gas."""
        return self._block(block_number).header.base_fee_per_gas or 0

    # ---- transactions

    def send_transaction(self, transaction: Mapping[str, Any]) -> Hash32:
        """Sign a transaction, and take it into the pending block; its hash."""
        sender = Address(transaction["from"])
        if sender not in self._keys:
            raise ValidationError(
                'No valid "from" key was provided in the transaction which is required for '
                "transaction signing."
            )
        made = self._made(transaction)
        # eth-tester takes no signature of a legacy transaction that names the chain.
        return self._send(sign(made, self._keys[sender], self._chain_id, protected=False))

    def send_signed_transaction(
        self, signed_transaction: Mapping[str, Any], block_number: Any = "latest"
    ) -> Hash32:
        """Take a transaction with its signature into the pending block; its hash."""
        return self._send(self._made(signed_transaction))

    def send_raw_transaction(self, raw_transaction: bytes) -> Hash32:
        """Take an encoded transaction into the pending block; its hash."""
        try:
            if raw_transaction[:1] == bytes([TransactionType.BLOB]):
                return self._send(decode_sent(raw_transaction)[0])
            return self._send(Transaction.decode(raw_transaction))
        except BlockstmError as error:
            raise InvalidTransaction(str(error)) from error

    def _made(self, transaction: Mapping[str, Any]) -> Transaction:
        sender = transaction.get("from")
        nonce = 0 if sender is None else self.get_nonce(sender)
        head = self.chain.head.header
        base_fee = base_fee_on(self.chain.spec, head) if self.get_base_fee() else 0
        return unsigned(transaction, nonce, 21_000, self._chain_id, base_fee)

    def _send(self, transaction: Transaction) -> Hash32:
        try:
            sender = recover_sender(transaction, "transaction")
            why = self._pending.send(transaction, sender)
        except BlockstmError as error:
            raise InvalidTransaction(str(error)) from error
        if why:
            raise InvalidTransaction(why)
        return transaction.hash

    # ---- calls

    def call(self, transaction: Mapping[str, Any], block_number: Any = "latest") -> bytes:
        """What a call returns.

        Raises:
            TransactionFailed: it fails, for the reason that it says.
        """
        state, options = self._where(block_number)
        result = call(state, message_of(transaction), **options)
        if not result.succeeded:
            raise _failed_call(result)
        return result.output

    def estimate_gas(self, transaction: Mapping[str, Any], block_number: Any = "latest") -> int:
        """How much gas a transaction needs.

        Raises:
            TransactionFailed: no gas is enough.
        """
        state, options = self._where(block_number)
        given = {name: value for name, value in transaction.items() if name != "gas"}
        try:
            return estimate_gas(state, message_of(given), **options)
        except CallError as error:
            raise _failed(error.result) from error

    def create_access_list(
        self, transaction: Mapping[str, Any], block_number: Any = "latest"
    ) -> list[tuple[Address, tuple[int, ...]]]:
        """The access list that a transaction should have."""
        state, options = self._where(block_number)
        created = create_access_list(state, message_of(transaction), **options)
        return [(address, tuple(slots)) for address, slots in created.access_list]

    def trace_transaction(
        self, transaction_hash: bytes, tracer: str = "callTracer", **config: Any
    ) -> Any:
        """What a mined transaction did inside, by a tracer of `blockstm.ethereum.tracing`."""
        block, index, pending = self._find(transaction_hash)
        if pending:
            raise TransactionNotFound(f"0x{transaction_hash.hex()} is not mined yet")
        parent = block.header.parent_hash
        state = self.chain.state_at(parent)
        prepared = prepare(
            block,
            state,
            chain=self.chain.spec,
            block_hashes=state.block_hashes,
            total_difficulty=self.chain.total_difficulty(parent),
            senders=[each for each in block.senders if each is not None],
        )
        assert isinstance(prepared, BlockOnEvm), "it is the native EVM that was asked for"
        made_by = tracer_named(tracer, config or None)
        executed = run_traced(prepared, made_by, engine.run, [index])
        assert executed.traces is not None  # there is a tracer
        return executed.traces[index]

    # ---- finding

    @property
    def _chain_id(self) -> int:
        return self.chain.spec.chain_id

    def _block(self, which: Any) -> Block:
        if which == "pending":
            return self._pending.built.block
        number = self.chain.head.number if which in _HEAD else 0 if which == "earliest" else which
        try:
            if is_int(number):
                return self.chain.block(int(number))
        except UnknownBlock:
            pass
        raise BlockNotFound(f"No block found for block number: {which}")

    def _state(self, which: Any) -> Any:
        if which == "pending":
            return self._pending.state
        return self.chain.state_at(self._block(which).hash)

    def _where(self, which: Any) -> tuple[Any, dict[str, Any]]:
        """The state of a call, and the block that it sees."""
        header = self._block(which).header
        hashes = self.chain.state_at(header.parent_hash).block_hashes if header.number else {}
        options = {
            "block": header,
            "chain": self.chain.spec,
            "fork": self._fork_of(header),
            "block_hashes": hashes,
            "gas_cap": header.gas_limit,
        }
        return self._state(which), options

    def _find(self, transaction_hash: bytes) -> tuple[Block, int, bool]:
        """The block of a transaction, its place there, whether it is pending."""
        pending = self._pending.built.block
        for index, each in enumerate(pending.transactions):
            if each.hash == transaction_hash:
                return pending, index, True
        try:
            found = self.chain.transaction(transaction_hash)
        except UnknownBlock:
            raise TransactionNotFound(
                f"No transaction found for transaction hash: 0x{transaction_hash.hex()}"
            ) from None
        return self.chain.block(found.block_hash), found.index, False

    def _fork_of(self, header: Header) -> Fork:
        return self.chain.spec.fork_at(header.number, header.timestamp)

    def _next_fork(self) -> Fork:
        head = self.chain.head.header
        return self.chain.spec.fork_at(head.number + 1, head.timestamp + 1)


def _withdrawal(members: Mapping[str, Any]) -> Withdrawal:
    address = members["address"]
    raw = address if isinstance(address, bytes) else bytes.fromhex(address.removeprefix("0x"))
    return Withdrawal(members["index"], members["validator_index"], Address(raw), members["amount"])


def _failed_call(result: CallResult) -> TransactionFailed:
    """Likewise, but what is no ``Error(string)`` as Python writes its bytes: web3.py reads that."""
    if result.failure is Failure.REVERTED and not result.output.startswith(_ERROR_OF_STRING):
        return TransactionFailed(str(result.output))
    return _failed(result)


def _failed(result: CallResult) -> TransactionFailed:
    """Its reason, as the contract says it, or in words."""
    reason = result.revert_reason
    if result.failure is Failure.REVERTED and reason is not None:
        return TransactionFailed(reason.message)
    return TransactionFailed(result.output if result.failure is Failure.REVERTED else result.error)
