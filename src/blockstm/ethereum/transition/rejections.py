"""Why a transaction is left out of a block, in the words of go-ethereum, which tools search for.

The texts are facts of the interface: the official tests' ``fill`` finds its exceptions in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from blockstm.ethereum.blocks.transaction import Transaction, TransactionType
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.types import Address

__all__ = ["Rejection", "checksummed", "words_of"]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A transaction that was left out.

    Attributes:
        index: its place among those given.
        error: why, in go-ethereum's words.
        reason: which rule it breaks; None of one that could not be read.
    """

    index: int
    error: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """A transaction that breaks a rule: what it has, and what the rule asks for."""

    transaction: Transaction
    sender: Address | None
    have: int
    want: int
    detail: str = ""

    @property
    def who(self) -> str:
        return f"address {checksummed(self.sender or Address(bytes(20)))}"


def words_of(
    transaction: Transaction, sender: Address | None, violation: Violation | Any
) -> tuple[str, Reason]:
    """Why a transaction is left out, and which rule it breaks.

    ``violation`` is a `Violation`, or the `InvalidTransaction` of the EVM, which has numbers.
    """
    reason = Reason(violation.reason)
    case = _Case(
        transaction,
        sender,
        getattr(violation, "have", 0),
        getattr(violation, "want", 0),
        getattr(violation, "detail", ""),
    )
    words = _WORDS.get(reason)
    return (str(violation) if words is None else words(case)), reason


def checksummed(address: Address) -> str:
    """An address with its checksum in the case of its letters (EIP-55)."""
    digits = address.hex()
    nibbles = keccak(digits.encode()).hex()
    letters = (
        digit.upper() if int(nibble, 16) >= 8 else digit
        for digit, nibble in zip(digits, nibbles, strict=False)
    )
    return "0x" + "".join(letters)


def _type_not_supported(case: _Case) -> str:
    kinds = {TransactionType.BLOB: "blob tx", TransactionType.SET_CODE: "setcode tx"}
    kind = kinds.get(case.transaction.type)
    sender = checksummed(case.sender or Address(bytes(20)))
    return "transaction type not supported" + (f": {kind} (sender {sender})" if kind else "")


def _funds(case: _Case) -> str:
    text = f"insufficient funds for gas * price + value: {case.who}"
    if case.want >> 256 or not case.want:
        return f"{text} required balance exceeds 256 bits"
    return f"{text} have {case.have} want {case.want}"


def _bad_hash(case: _Case) -> str:
    for place, blob_hash in enumerate(case.transaction.blob_hashes):
        if blob_hash[0] != 1:
            return f"blob {place} has invalid hash version"
    return "blob has invalid hash version"


def _priority(case: _Case) -> str:
    transaction = case.transaction
    return (
        f"max priority fee per gas higher than max fee per gas: {case.who}, "
        f"maxPriorityFeePerGas: {transaction.max_priority_fee_per_gas}, "
        f"maxFeePerGas: {transaction.max_fee_per_gas}"
    )


def _too_short(kind: str) -> Callable[[_Case], str]:
    words = f"input string too short for common.Address, decoding into (types.{kind}).To"
    return lambda case: f"rlp: {words}"


_WORDS: Final[dict[Reason, Callable[[_Case], str]]] = {
    Reason.TYPE_NOT_SUPPORTED: _type_not_supported,
    Reason.CHAIN_ID: lambda case: f"invalid chain id for signer: have {case.have} want {case.want}",
    Reason.SIGNATURE: lambda case: "invalid transaction v, r, s values",
    Reason.NONCE_IS_MAX: lambda case: (
        f"nonce has max value: {case.who}, nonce: {case.transaction.nonce}"
    ),
    Reason.INTRINSIC_GAS: lambda case: f"intrinsic gas too low: have {case.have}, want {case.want}",
    Reason.FLOOR_GAS: lambda case: (
        f"insufficient gas for floor data gas cost: have {case.have}, want {case.want}"
    ),
    Reason.GAS_ABOVE_CAP: lambda case: (
        f"transaction gas limit too high (cap: {case.want}, tx: {case.have})"
    ),
    Reason.INITCODE_TOO_LARGE: lambda case: (
        f"max initcode size exceeded: code size {case.have} limit {case.want}"
    ),
    Reason.PRIORITY_FEE_ABOVE_FEE_CAP: _priority,
    Reason.FEE_OVERFLOW: _funds,
    Reason.NO_BLOBS: lambda case: "blob transaction missing blob hashes",
    Reason.TOO_MANY_BLOBS: lambda case: "blob transaction has too many blobs",
    Reason.BLOB_HASH_VERSION: _bad_hash,
    Reason.BLOB_TRANSACTION_CREATES: _too_short("BlobTx"),
    Reason.NO_AUTHORIZATIONS: lambda case: (
        "EIP-7702 transaction with empty auth list (sender "
        f"{checksummed(case.sender or Address(bytes(20)))})"
    ),
    Reason.SET_CODE_TRANSACTION_CREATES: _too_short("SetCodeTx"),
    Reason.FEE_CAP_BELOW_BASE_FEE: lambda case: (
        f"max fee per gas less than block base fee: {case.who}, "
        f"maxFeePerGas: {case.have}, baseFee: {case.want}"
    ),
    Reason.BLOB_FEE_CAP_BELOW_BASE_FEE: lambda case: (
        f"max fee per blob gas less than block blob gas fee: {case.who} "
        f"blobGasFeeCap: {case.have}, blobBaseFee: {case.want}"
    ),
    Reason.GAS_ABOVE_BLOCK: lambda case: "gas limit reached",
    Reason.BLOB_GAS_ABOVE_BLOCK: lambda case: (
        f"blob gas ({case.have}) would exceed maximum allowance {case.want}"
    ),
    Reason.NONCE_TOO_LOW: lambda case: (
        f"nonce too low: {case.who}, tx: {case.have} state: {case.want}"
    ),
    Reason.NONCE_TOO_HIGH: lambda case: (
        f"nonce too high: {case.who}, tx: {case.have} state: {case.want}"
    ),
    Reason.INSUFFICIENT_FUNDS: _funds,
    Reason.SENDER_HAS_CODE: lambda case: f"sender not an eoa: {case.who}, len(code): {case.have}",
}
