"""`estimate_gas`: how much gas a message needs to succeed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Unpack

from blockstm.errors import CallError, ConfigError
from blockstm.ethereum.calls.calling import CallOptions, Calls, calls_of
from blockstm.ethereum.calls.failures import Failure
from blockstm.ethereum.calls.message import Message, checked
from blockstm.ethereum.calls.results import CallResult
from blockstm.ethereum.rules.fees import GAS_PER_BLOB
from blockstm.ethereum.rules.reasons import Reason
from blockstm.ethereum.rules.transaction_rules import GAS_CAP as TRANSACTION_GAS_CAP
from blockstm.messages import brief
from blockstm.state.accounts import balance_of, code_hash_of
from blockstm.vm.evm.execution import InvalidTransaction
from blockstm.vm.forks import AMSTERDAM, CANCUN, OSAKA

__all__ = ["ERROR_RATIO", "estimate_gas"]

ERROR_RATIO: Final = 0.015
"""How much too high an answer may be, as a part of it: go-ethereum's for ``eth_estimateGas``."""

_TRANSFER_GAS: Final = 21_000
_STIPEND: Final = 2_300
_UINT64_MAX: Final = 2**64 - 1
_TOO_LITTLE_GAS: Final = (Reason.INTRINSIC_GAS, Reason.FLOOR_GAS)


def estimate_gas(
    state: Any,
    message: Message,
    *,
    error_ratio: float = ERROR_RATIO,
    **options: Unpack[CallOptions],
) -> int:
    """The gas limit with which a message succeeds: the answer of go-ethereum's ``eth_estimateGas``.

    The least that suffices is sought between what the message uses and what it may have: its own
    gas, or the block's; EIP-7825's cap from Osaka on; what its sender can pay at its price; and
    ``gas_cap``. A limit with which it fails is taken to be too low.

    Args:
        state, message, options: see `call`; a ``nonce`` means nothing.
        error_ratio: the search ends where the answer is at most so much above the least, as a part
            of the answer; 0: the least itself.

    Returns:
        A gas limit, in gas.

    Raises:
        CallError: the message fails whatever gas it has; ``result`` says how.
        InputError, ConfigError, StateError, TransactionError: see `call`.

    Deterministic, and thread-safe where the state is.
    """
    if not isinstance(error_ratio, int | float) or not 0 <= error_ratio < 1:
        raise ConfigError(f"error_ratio is a number from 0 to below 1, not {brief(error_ratio)}")
    return _Search(calls_of(state, **options), checked(message)).answer(error_ratio)


class _Search:
    """The search for one message; each probe is a run."""

    def __init__(self, calls: Calls, message: Message) -> None:
        self._calls = calls
        self._message = message
        self._fork = calls.around.fork

    def answer(self, error_ratio: float) -> int:
        highest = self._highest()
        if self._is_transfer() and self._suffices(_TRANSFER_GAS):
            return _TRANSFER_GAS
        whole = self._run(highest)
        if not whole.succeeded:
            raise _too_little(whole, highest)
        return self._between(whole, highest, error_ratio)

    def _between(self, whole: CallResult, high: int, error_ratio: float) -> int:
        """The answer in (low, high]: a run with ``low`` fails, one with ``high`` succeeds."""
        low = whole.gas_used - 1
        # What it used at most, with what calls inside it must leave behind (EIP-150).
        likely = (whole.gas_before_refund + _STIPEND) * 64 // 63
        if likely < high:
            if self._suffices(likely):
                high = likely
            else:
                low = likely
        while low + 1 < high and not (error_ratio and (high - low) / high < error_ratio):
            # Few messages need much more than they use: rather too low than too high.
            middle = min((high + low) // 2, low * 2)
            if self._suffices(middle):
                high = middle
            else:
                low = middle
        return high

    def _run(self, gas: int) -> CallResult:
        return self._calls.run([replace(self._message, gas=gas)])[0]

    def _suffices(self, gas: int) -> bool:
        """Whether the message succeeds with so much gas.

        Raises:
            CallError: it cannot begin, and more gas would not help.
        """
        result = self._run(gas)
        if result.rejection is not None and result.rejection.reason not in _TOO_LITTLE_GAS:
            raise CallError(result.error, result)
        return result.succeeded

    def _is_transfer(self) -> bool:
        """Whether nothing can run."""
        to = self._message.to
        return not self._message.data and to is not None and not self._calls.get(code_hash_of(to))

    def _highest(self) -> int:
        """The most gas that it may have."""
        message, context = self._message, self._calls.around.context
        highest = context.gas_limit
        if message.gas is not None and message.gas >= _TRANSFER_GAS:
            highest = message.gas
        if OSAKA <= self._fork < AMSTERDAM:
            highest = min(highest, TRANSACTION_GAS_CAP)
        if message.fee_cap:
            highest = min(highest, self._affordable())
        return min(highest, self._calls.gas_cap)

    def _affordable(self) -> int:
        """How much gas the sender can pay for."""
        message = self._message
        balance: int = self._calls.get(balance_of(message.sender), 0)
        left = balance - message.value
        if message.value and left <= 0:
            raise _insufficient(balance, message.value)
        blobs = message.blob_hashes or ()
        if self._fork >= CANCUN and blobs:
            cost = len(blobs) * GAS_PER_BLOB * message.max_fee_per_blob_gas
            if cost >= left:
                raise _insufficient(balance, message.value + cost)
            left -= cost
        return min(left // message.fee_cap, _UINT64_MAX)


def _insufficient(have: int, want: int) -> CallError:
    rejection = InvalidTransaction(Reason.INSUFFICIENT_FUNDS, have, want)
    return CallError(str(rejection), CallResult(None, rejection))


def _too_little(result: CallResult, highest: int) -> CallError:
    rejection = result.rejection
    is_short = rejection is not None and rejection.reason in _TOO_LITTLE_GAS
    if is_short or result.failure is Failure.OUT_OF_GAS:
        return CallError(f"gas required exceeds allowance ({highest})", result)
    return CallError(result.error, result)
