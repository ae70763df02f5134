"""The engine's errors about the steps of a block, in terms of the block's transactions."""

from __future__ import annotations

from blockstm.errors import (
    BlockError,
    Invalid,
    InvalidBlock,
    StateError,
    TransactionError,
)
from blockstm.ethereum.results.outcomes import of_transactions
from blockstm.ethereum.rules.reasons import Reason, Violation
from blockstm.messages import brief
from blockstm.types import BlockResult
from blockstm.vm.evm.validation import MissingInput, WrongCode

__all__ = ["error_of_the_block"]


def error_of_the_block(error: BlockError, transactions: range) -> BlockError:
    """The error about a step, as one about the transaction that the step is.

    ``transactions`` are the places of the transactions among the steps. An index is None where the
    step is none of them; a prefix has the outcomes of the transactions alone.
    """
    is_transaction = error.index is not None and error.index in transactions
    index = transactions.index(error.index) if is_transaction else None  # type: ignore[arg-type]  # an int
    prefix = None if error.prefix is None else of_transactions(error.prefix, transactions)
    if isinstance(error, InvalidBlock):
        return _refused(error.__cause__, index, prefix)
    return _failed(error, index, prefix)


def _refused(
    cause: BaseException | None, index: int | None, prefix: BlockResult | None
) -> InvalidBlock:
    reason = Reason(getattr(cause, "reason", Reason.SYSTEM_CALL_FAILED))
    refused = Violation(reason, str(cause), index).error(prefix)
    refused.__cause__ = cause if isinstance(cause, Invalid) else None
    return refused


def _failed(error: BlockError, index: int | None, prefix: BlockResult | None) -> BlockError:
    cause = error.__cause__
    if isinstance(error, TransactionError) and isinstance(cause, MissingInput | WrongCode):
        return StateError(f"{cause}", index, prefix)
    where = "around the transactions" if index is None else f"in transaction {index}"
    what = "the state could not be read" if isinstance(error, StateError) else "the EVM failed"
    return type(error)(f"{what} {where}: {brief(cause)}", index, prefix)
