"""Why a block is refused: one stable word for each rule that it can break.

A `Reason` is part of what two runs of a block must agree on; the words around it in a message are
not. What cannot even be decoded raises `DecodeError` instead and stands here as ``MALFORMED``, so
that a table from other projects' names to ours has one column.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from blockstm.errors import InvalidBlock
from blockstm.types import BlockResult

__all__ = ["Reason", "Violation"]


class Reason(StrEnum):
    """A rule that a block, or one of its transactions, breaks."""

    MALFORMED = auto()
    """It cannot be decoded; raised as `DecodeError`."""

    # The header, by itself and after its parent (Yellow Paper 4.3.4).
    UNKNOWN_PARENT = auto()
    BLOCK_NUMBER = auto()
    TIMESTAMP = auto()
    GAS_LIMIT = auto()
    GAS_USED_ABOVE_LIMIT = auto()
    EXTRA_DATA_TOO_LONG = auto()
    DAO_EXTRA_DATA = auto()
    DIFFICULTY = auto()
    PROOF_OF_WORK = auto()
    NONCE_NOT_ZERO = auto()
    BASE_FEE = auto()
    EXCESS_BLOB_GAS = auto()
    HEADER_MEMBERS = auto()
    """A member that the block's fork does not have, or one that it lacks."""
    BLOCK_TOO_LARGE = auto()
    HEADER_RULE = auto()
    """A rule of the chain's own."""

    # What the header says of the body.
    TRANSACTIONS_ROOT = auto()
    OMMERS_HASH = auto()
    WITHDRAWALS_ROOT = auto()
    BLOB_GAS_USED = auto()

    # What came beside a block.
    BLOCK_HASH = auto()
    """An execution payload says another hash than its header has."""
    BLOB_HASHES = auto()
    """Its blobs are not those that the beacon chain expects."""

    # Ommers; one whose header is wrong has the header's reason.
    OMMERS_AFTER_PARIS = auto()
    TOO_MANY_OMMERS = auto()
    OMMER_TWICE = auto()
    OMMER_IS_ANCESTOR = auto()
    OMMER_IS_SIBLING = auto()
    OMMER_TOO_OLD = auto()
    OMMER_NOT_RELATED = auto()

    # A transaction, by itself.
    TYPE_NOT_SUPPORTED = auto()
    CHAIN_ID = auto()
    SIGNATURE = auto()
    NONCE_IS_MAX = auto()
    INTRINSIC_GAS = auto()
    FLOOR_GAS = auto()
    GAS_ABOVE_CAP = auto()
    INITCODE_TOO_LARGE = auto()
    PRIORITY_FEE_ABOVE_FEE_CAP = auto()
    FEE_OVERFLOW = auto()
    NO_BLOBS = auto()
    TOO_MANY_BLOBS = auto()
    BLOB_HASH_VERSION = auto()
    BLOB_TRANSACTION_CREATES = auto()
    NO_AUTHORIZATIONS = auto()
    SET_CODE_TRANSACTION_CREATES = auto()

    # A transaction, in its block.
    FEE_CAP_BELOW_BASE_FEE = auto()
    BLOB_FEE_CAP_BELOW_BASE_FEE = auto()
    GAS_ABOVE_BLOCK = auto()
    """It asks for more gas than the block has left."""
    BLOB_GAS_ABOVE_BLOCK = auto()
    """With it the block has more blobs than its fork allows."""

    # A transaction, in the state before it.
    NONCE_TOO_LOW = auto()
    NONCE_TOO_HIGH = auto()
    INSUFFICIENT_FUNDS = auto()
    SENDER_HAS_CODE = auto()

    # What executing the block gave.
    GAS_USED = auto()
    STATE_ROOT = auto()
    RECEIPTS_ROOT = auto()
    LOGS_BLOOM = auto()
    REQUESTS_HASH = auto()
    ACCESS_LIST_HASH = auto()
    ACCESS_LIST_TOO_LARGE = auto()
    ACCESS_LIST_FORM = auto()
    """The list that came with the block is not in its one canonical form."""
    ACCESS_LIST_DIFFERS = auto()
    """The list that came with the block says something else than the block did."""
    DEPOSIT_LAYOUT = auto()
    SYSTEM_CONTRACT_MISSING = auto()
    SYSTEM_CALL_FAILED = auto()


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that is broken, and how.

    Attributes:
        reason: which rule.
        detail: the values, in words.
        index: the transaction that breaks it; None where none does.
    """

    reason: Reason
    detail: str
    index: int | None = None

    def at(self, index: int) -> Violation:
        """The same violation, of the transaction at ``index``."""
        return Violation(self.reason, self.detail, index)

    def error(self, prefix: BlockResult | None = None, executed: object = None) -> InvalidBlock:
        """The exception.

        Args:
            prefix: the result of the transactions before it.
            executed: what the block did, where that is not what its header says.
        """
        whose = "the block" if self.index is None else f"transaction {self.index}"
        message = f"{whose} is invalid: {self.detail}"
        return InvalidBlock(message, self.index, prefix, self.reason, executed)
