"""The rules of a transaction, by itself and in its block, that need no state.

The rules stand in the order in which they are checked; the first broken one is reported. Those
that need the sender's account (nonce, balance, code) are the EVM's. Most transactions of a block
keep all rules, and a native filter tells which surely do; the others are checked one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from blockstm._native.wire.plain_rules import INTRINSIC_GAS, suspects
from blockstm._native.wire.transaction_list import TransactionList
from blockstm.cores import usable_cores
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.own_transaction import OwnTransaction
from blockstm.ethereum.blocks.transaction import Transaction, TransactionType
from blockstm.ethereum.chains.rules import OwnTransactionType
from blockstm.ethereum.rules.fees import GAS_PER_BLOB, blob_base_fee
from blockstm.ethereum.rules.intrinsic_gas import (
    floor_token_gas,
    initcode_max,
    intrinsic_gas,
    nonzero_byte_gas,
)
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.types import Address
from blockstm.vm.forks import AMSTERDAM, HOMESTEAD, OSAKA, SPURIOUS_DRAGON, Fork

__all__ = ["GAS_CAP", "transaction_violation", "transactions_violation"]

GAS_CAP: Final[int] = INTRINSIC_GAS["gas_cap"]
"""How much gas a transaction may ask for, from Osaka on (EIP-7825)."""

_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_NONCE_MAX: Final = 2**64 - 1
_BLOBS_MAX: Final = 6  # of one transaction, from Osaka on (EIP-7594)
_BLOB_HASH_VERSION: Final = 1


_NO_TYPES: Final[Mapping[int, OwnTransactionType]] = {}


def transaction_violation(
    transaction: Transaction,
    fork: Fork,
    chain_id: int,
    sender: Address | None = None,
    own_types: Mapping[int, OwnTransactionType] = _NO_TYPES,
) -> Violation | None:
    """The first rule that a transaction breaks by itself; None if it keeps all.

    Args:
        transaction: to be checked.
        fork: of the block that it is meant for.
        chain_id: of the chain that it is meant for.
        sender: of the transaction, where that is known; see `intrinsic_gas`.
        own_types: of its chain's own, by their numbers.
    """
    if isinstance(transaction, OwnTransaction):
        return next(_own_violations(transaction, fork, own_types), None)
    return next(_violations(transaction, fork, chain_id, sender), None)


def transactions_violation(
    transactions: Sequence[Transaction] | TransactionList,
    header: Header,
    fork: Fork,
    chain_id: int,
    workers: int | None = None,
    own_types: Mapping[int, OwnTransactionType] = _NO_TYPES,
) -> Violation | None:
    """The first violation of the first transaction that has one, in the block of ``header``.

    ``workers`` threads share what is much, by default as many as there are usable cores.
    """
    if not isinstance(transactions, TransactionList):
        transactions = TransactionList(transactions)
    blob_fee = 0
    if fork.blobs is not None:
        blob_fee = blob_base_fee(header.excess_blob_gas or 0, fork.blobs)
    blobs = 0
    for index in _suspects(transactions, header, fork, chain_id, workers or usable_cores()):
        transaction = transactions.transactions[index]
        blobs += len(transaction.blob_hashes)
        violation = transaction_violation(transaction, fork, chain_id, own_types=own_types) or next(
            _violations_in_block(transaction, header, fork, blob_fee, blobs, own_types), None
        )
        if violation is not None:
            return violation.at(index)
    return None


def _suspects(
    listed: TransactionList, header: Header, fork: Fork, chain_id: int, threads: int
) -> Sequence[int]:
    """The places of all but those that surely have no violation, and no blobs."""
    if fork >= AMSTERDAM:
        return range(len(listed))
    return suspects(
        listed,
        newest_type=fork.newest_transaction_type,
        chains_in_v=fork >= SPURIOUS_DRAGON,
        gas_max=min(header.gas_limit, GAS_CAP) if fork >= OSAKA else header.gas_limit,
        nonzero_byte_gas=nonzero_byte_gas(fork),
        floor_token_gas=floor_token_gas(fork),
        chain=chain_id,
        base_fee=header.base_fee_per_gas or 0,
        s_max=_s_max(fork),
        threads=threads,
    )


def _s_max(fork: Fork) -> int:
    return _CURVE_ORDER // 2 if fork >= HOMESTEAD else _CURVE_ORDER - 1


def _violations(
    transaction: Transaction, fork: Fork, chain_id: int, sender: Address | None
) -> Iterator[Violation]:
    if transaction.type > fork.newest_transaction_type:
        yield Violation(Reason.TYPE_NOT_SUPPORTED, f"{fork} has no type {transaction.type}")
    yield from _signature(transaction, fork, chain_id)
    if transaction.nonce == _NONCE_MAX:
        yield Violation(Reason.NONCE_IS_MAX, "nonce 2**64 - 1 (EIP-2681)")
    yield from _initcode(transaction, fork)
    yield from _fees(transaction)
    if transaction.type == TransactionType.BLOB:
        yield from _blobs(transaction, fork)
    if transaction.type == TransactionType.SET_CODE:
        yield from _set_code(transaction)
    yield from _gas(transaction, fork, sender)


def _own_violations(
    transaction: OwnTransaction, fork: Fork, own_types: Mapping[int, OwnTransactionType]
) -> Iterator[Violation]:
    """Of one of a chain's own; a prepaid one is in its block whatever it breaks."""
    of = own_types.get(transaction.type)
    if of is None:
        what = f"the chain has no type {transaction.type} of its own"
        yield Violation(Reason.TYPE_NOT_SUPPORTED, what)
    elif not of.is_prepaid:
        if transaction.nonce == _NONCE_MAX:
            yield Violation(Reason.NONCE_IS_MAX, "nonce 2**64 - 1 (EIP-2681)")
        yield from _initcode(transaction, fork)
        yield from _fees(transaction)
        yield from _gas(transaction, fork, transaction.sender)


def _signature(transaction: Transaction, fork: Fork, chain_id: int) -> Iterator[Violation]:
    is_legacy = transaction.type == TransactionType.LEGACY
    signed_for = transaction.chain_id
    if signed_for is None and not is_legacy:
        signed_for = 0  # as it is encoded
    if signed_for is not None and is_legacy and fork < SPURIOUS_DRAGON:
        yield Violation(Reason.SIGNATURE, f"v is {transaction.v} before EIP-155")
    if signed_for is not None and signed_for != chain_id:
        yield Violation(Reason.CHAIN_ID, f"signed for chain {signed_for}, not {chain_id}")
    if transaction.y_parity is None:
        yield Violation(Reason.SIGNATURE, f"v is {transaction.v}")
    if not 0 < transaction.r < _CURVE_ORDER:
        yield Violation(Reason.SIGNATURE, f"r is {transaction.r:#x}")
    if not 0 < transaction.s <= _s_max(fork):
        yield Violation(Reason.SIGNATURE, f"s is {transaction.s:#x}")


def _fees(transaction: Transaction) -> Iterator[Violation]:
    cap, priority = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
    if priority > cap:
        yield Violation(Reason.PRIORITY_FEE_ABOVE_FEE_CAP, f"priority fee {priority} over {cap}")
    if transaction.gas * max(cap, transaction.gas_price) >> 256:
        yield Violation(Reason.FEE_OVERFLOW, "all its gas costs more than 2**256 - 1 wei")


def _blobs(transaction: Transaction, fork: Fork) -> Iterator[Violation]:
    count = len(transaction.blob_hashes)
    if transaction.to is None:
        yield Violation(Reason.BLOB_TRANSACTION_CREATES, "a blob transaction that creates")
    if count == 0:
        yield Violation(Reason.NO_BLOBS, "a blob transaction without blobs")
    if fork >= OSAKA and count > _BLOBS_MAX:
        yield Violation(Reason.TOO_MANY_BLOBS, f"{count} blobs, over {_BLOBS_MAX}")
    for blob_hash in transaction.blob_hashes:
        if blob_hash[0] != _BLOB_HASH_VERSION:
            yield Violation(Reason.BLOB_HASH_VERSION, f"a blob's hash of version {blob_hash[0]}")


def _set_code(transaction: Transaction) -> Iterator[Violation]:
    if transaction.to is None:
        yield Violation(Reason.SET_CODE_TRANSACTION_CREATES, "a set-code transaction that creates")
    if not transaction.authorizations:
        yield Violation(Reason.NO_AUTHORIZATIONS, "a set-code transaction without authorizations")


def _initcode(transaction: Transaction, fork: Fork) -> Iterator[Violation]:
    size_max = initcode_max(fork)
    if transaction.to is None and size_max is not None and len(transaction.data) > size_max:
        size = len(transaction.data)
        yield Violation(Reason.INITCODE_TOO_LARGE, f"code of {size} bytes, over {size_max}")


def _gas(transaction: Transaction, fork: Fork, sender: Address | None) -> Iterator[Violation]:
    gas = transaction.gas
    intrinsic = intrinsic_gas(transaction, fork, sender)
    if gas < intrinsic.total:
        yield Violation(
            Reason.INTRINSIC_GAS, f"{gas} gas where {intrinsic.total} are charged at once"
        )
    if gas < intrinsic.floor:
        yield Violation(Reason.FLOOR_GAS, f"{gas} gas where {intrinsic.floor} are paid at least")
    if fork >= AMSTERDAM:
        # EIP-8037 caps what runs; what is over it may go into state.
        gas = max(intrinsic)
    if fork >= OSAKA and gas > GAS_CAP:
        yield Violation(Reason.GAS_ABOVE_CAP, f"{gas} gas, over {GAS_CAP}")


def _violations_in_block(
    transaction: Transaction,
    header: Header,
    fork: Fork,
    blob_fee: int,
    blobs: int,
    own_types: Mapping[int, OwnTransactionType],
) -> Iterator[Violation]:
    """``blobs`` are those of the block up to and with the transaction."""
    gas, limit = transaction.gas, header.gas_limit
    if gas > limit:
        yield Violation(Reason.GAS_ABOVE_BLOCK, f"it asks for {gas} gas of a block of {limit}")
    if isinstance(transaction, OwnTransaction) and own_types[transaction.type].is_prepaid:
        return
    cap = max(transaction.max_fee_per_gas, transaction.gas_price)
    base_fee = header.base_fee_per_gas or 0
    if cap < base_fee:
        yield Violation(
            Reason.FEE_CAP_BELOW_BASE_FEE, f"fee cap {cap} under the base fee {base_fee}"
        )
    if transaction.type != TransactionType.BLOB or fork.blobs is None:
        return
    if blobs > fork.blobs.max:
        yield Violation(
            Reason.BLOB_GAS_ABOVE_BLOCK,
            f"with it the block has {blobs} blobs ({blobs * GAS_PER_BLOB} blob gas), over "
            f"{fork.blobs.max}",
        )
    blob_cap = transaction.max_fee_per_blob_gas
    if blob_cap < blob_fee:
        yield Violation(
            Reason.BLOB_FEE_CAP_BELOW_BASE_FEE,
            f"blob fee cap {blob_cap} under the base fee {blob_fee}",
        )
