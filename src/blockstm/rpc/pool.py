"""`Pool`: transactions that wait for a block, by sender and nonce."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from blockstm.chain import Chain, ChainState
from blockstm.ethereum import Transaction
from blockstm.ethereum.execution.senders import recover_sender
from blockstm.ethereum.rules.fees import GAS_PER_BLOB
from blockstm.ethereum.rules.transaction_rules import transaction_violation
from blockstm.rpc.errors import LIMIT_EXCEEDED, SERVER_ERROR, RpcError
from blockstm.rpc.limits import Limits
from blockstm.rpc.sidecars import Sidecar, decode_sent
from blockstm.types import Address, Hash32
from blockstm.vm.forks import Fork

__all__ = ["Pool", "Pooled", "check_in_state"]

_PRICE_BUMP: Final = 10
"""By so many percent a transaction must pay more than the one that it replaces."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """A transaction that waits.

    Attributes:
        sidecar: the blobs that were sent with it; None without blobs.
    """

    transaction: Transaction
    sender: Address
    sidecar: Sidecar | None


class Pool:
    """Transactions that wait for a block. Any thread may use it.

    One whose nonce is below its sender's in the state of the head is dropped when it is met.
    """

    def __init__(self, chain: Chain, limits: Limits) -> None:
        self._chain = chain
        self._limits = limits
        self._lock = threading.Lock()
        self._by_sender: dict[Address, dict[int, Pooled]] = {}
        self._arrived = 0
        self._arrivals: deque[tuple[int, Hash32]] = deque(maxlen=limits.pool)

    def send(self, encoding: bytes, fork: Fork) -> Hash32:
        """Take a transaction that may become valid in a block under ``fork``; its hash.

        Raises:
            DecodeError: it is none, or nobody signed it.
            RpcError: it breaks a rule, or there is no room for it.
        """
        pooled = self.checked(encoding, fork)
        self.add(pooled)
        return pooled.transaction.hash

    def checked(self, encoding: bytes, fork: Fork) -> Pooled:
        """A transaction that may become valid in a block under ``fork``; it is not taken yet.

        Raises:
            DecodeError: it is none, or nobody signed it.
            RpcError: it breaks a rule.
        """
        transaction, sidecar = decode_sent(encoding)
        sender = recover_sender(transaction, "transaction")
        violation = transaction_violation(transaction, fork, self._chain.spec.chain_id, sender)
        if violation is not None:
            raise RpcError(SERVER_ERROR, f"{violation.reason}: {violation.detail}")
        head = self._chain.state_at(self._chain.head.hash)
        check_in_state(transaction, sender, head)
        return Pooled(transaction, sender, sidecar)

    def add(self, pooled: Pooled) -> None:
        """Take a transaction that keeps the rules.

        Raises:
            RpcError: there is no room for it, or another with its nonce waits that pays as much.
        """
        head = self._chain.state_at(self._chain.head.hash)
        with self._lock:
            self._drop_mined(head)
            self._enter(pooled)
            self._arrived += 1
            self._arrivals.append((self._arrived, pooled.transaction.hash))

    def arrived_after(self, count: int) -> tuple[int, list[Hash32]]:
        """How many have arrived so far, and the hashes of those after the first ``count``.

        As many of the last ones are remembered as may wait.
        """
        with self._lock:
            return self._arrived, [each for place, each in self._arrivals if place > count]

    def drop(self, transaction_hash: Hash32) -> bool:
        """Have a transaction wait no longer; whether it did."""
        with self._lock:
            for waiting in self._by_sender.values():
                for nonce, each in waiting.items():
                    if each.transaction.hash == transaction_hash:
                        del waiting[nonce]
                        return True
        return False

    def waiting(self) -> list[Pooled]:
        """All that wait, whether or not they can be in a block."""
        with self._lock:
            return [each for waiting in self._by_sender.values() for each in waiting.values()]

    def replace_all(self, pooled: Iterable[Pooled]) -> None:
        """Have these wait in place of those that do."""
        by_sender: dict[Address, dict[int, Pooled]] = {}
        for each in pooled:
            by_sender.setdefault(each.sender, {})[each.transaction.nonce] = each
        with self._lock:
            self._by_sender = by_sender

    def _enter(self, pooled: Pooled) -> None:
        waiting = self._by_sender.get(pooled.sender, {})
        earlier = waiting.get(pooled.transaction.nonce)
        if earlier is not None:
            _check_replaces(pooled.transaction, earlier.transaction)
        elif len(waiting) >= self._limits.pool_of_sender:
            raise RpcError(LIMIT_EXCEEDED, f"{len(waiting)} transactions of the sender wait")
        elif sum(map(len, self._by_sender.values())) >= self._limits.pool:
            raise RpcError(LIMIT_EXCEEDED, "the pool is full")
        self._by_sender.setdefault(pooled.sender, {})[pooled.transaction.nonce] = pooled

    def _drop_mined(self, head: ChainState) -> None:
        for sender, waiting in list(self._by_sender.items()):
            nonce = _nonce(head, sender)
            for each in [each for each in waiting if each < nonce]:
                del waiting[each]
            if not waiting:
                del self._by_sender[sender]

    def content(self) -> tuple[list[Pooled], list[Pooled]]:
        """Those that can be in the next block, and those with a gap of nonces before them."""
        head = self._chain.state_at(self._chain.head.hash)
        pending: list[Pooled] = []
        queued: list[Pooled] = []
        with self._lock:
            self._drop_mined(head)
            for sender, waiting in self._by_sender.items():
                nonce = _nonce(head, sender)
                for each in sorted(waiting):
                    (pending if each == nonce else queued).append(waiting[each])
                    nonce += each == nonce
        return pending, queued

    def next_nonce(self, sender: Address) -> int:
        """The nonce of a sender's next transaction, after those that wait."""
        nonce = _nonce(self._chain.state_at(self._chain.head.hash), sender)
        with self._lock:
            waiting = self._by_sender.get(sender, {})
            while nonce in waiting:
                nonce += 1
        return nonce

    def find(self, transaction_hash: Hash32) -> Pooled | None:
        """The transaction with a hash; None where it does not wait."""
        pending, queued = self.content()
        found = (each for each in pending + queued if each.transaction.hash == transaction_hash)
        return next(found, None)


def _nonce(state: ChainState, address: Address) -> int:
    account = state.account(address)
    return 0 if account is None else account.nonce


def check_in_state(transaction: Transaction, sender: Address, state: ChainState) -> None:
    """Refuse what the sender has the nonce of behind it, or cannot pay.

    Raises:
        RpcError: it is one of these, or has more gas than a block.
    """
    account = state.account(sender)
    nonce, balance = (0, 0) if account is None else (account.nonce, account.balance)
    if transaction.nonce < nonce:
        raise RpcError(
            SERVER_ERROR, f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}"
        )
    if transaction.gas > state.header.gas_limit:
        raise RpcError(SERVER_ERROR, "exceeds block gas limit")
    blob_gas = GAS_PER_BLOB * len(transaction.blob_hashes)
    cost = transaction.gas * _fee_cap(transaction) + transaction.value
    cost += blob_gas * transaction.max_fee_per_blob_gas
    if cost > balance:
        raise RpcError(
            SERVER_ERROR,
            f"insufficient funds for gas * price + value: balance {balance}, tx cost {cost}",
        )


def _fee_cap(transaction: Transaction) -> int:
    return max(transaction.gas_price, transaction.max_fee_per_gas)


def _tip_cap(transaction: Transaction) -> int:
    return max(transaction.gas_price, transaction.max_priority_fee_per_gas)


def _check_replaces(newer: Transaction, older: Transaction) -> None:
    if newer.hash == older.hash:
        raise RpcError(SERVER_ERROR, "already known")
    for price in (_fee_cap, _tip_cap):
        if price(newer) * 100 < price(older) * (100 + _PRICE_BUMP):
            raise RpcError(SERVER_ERROR, "replacement transaction underpriced")
