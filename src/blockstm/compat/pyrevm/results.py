"""What a call came to, and the words in which pyrevm says so."""

from __future__ import annotations

from typing import Final

from blockstm.compat.checksums import checksummed
from blockstm.ethereum.rules.reasons import Reason
from blockstm.vm.evm import execution
from blockstm.vm.evm.execution import Execution, InvalidTransaction

__all__ = ["ExecutionResult", "Log", "failure_text", "rejection_text"]

_HALTS: Final = {
    "out of gas": "OutOfGas(Basic)",
    "stack underflow": "StackUnderflow",
    "stack overflow": "StackOverflow",
    "invalid jump": "InvalidJump",
    "invalid opcode": "InvalidFEOpcode",
    "write protection": "StateChangeDuringStaticCall",
    "return data out of bounds": "OutOfOffset",
    "invalid code": "CreateContractStartingWithEF",
    "code too large": "CreateContractSizeLimit",
    "initcode too large": "CreateInitCodeSizeLimit",
    "address collision": "CreateCollision",
    "nonce overflow": "NonceOverflow",
    "insufficient balance": "OutOfFunds",
    "depth exceeded": "CallTooDeep",
    "precompile failure": "PrecompileError",
}
_REJECTIONS: Final = {
    Reason.INITCODE_TOO_LARGE: "CreateInitCodeSizeLimit",
    Reason.NONCE_TOO_LOW: "NonceTooLow {{ tx: {have}, state: {want} }}",
    Reason.NONCE_TOO_HIGH: "NonceTooHigh {{ tx: {have}, state: {want} }}",
    Reason.NONCE_IS_MAX: "NonceOverflowInTransaction",
    Reason.CHAIN_ID: "InvalidChainId",
    Reason.INSUFFICIENT_FUNDS: "LackOfFundForMaxFee {{ fee: {want}, balance: {have} }}",
    Reason.FEE_CAP_BELOW_BASE_FEE: "GasPriceLessThanBasefee",
    Reason.GAS_ABOVE_BLOCK: "CallerGasLimitMoreThanBlock",
}


class Log:
    """A log of a call. Immutable."""

    __slots__ = ("_log",)

    def __init__(self, log: execution.Log) -> None:
        self._log = log

    @property
    def address(self) -> str:
        """Whose it is, in mixed case."""
        return checksummed(self._log.address)

    @property
    def topics(self) -> list[str]:
        """In hexadecimal."""
        return ["0x" + topic.hex() for topic in self._log.topics]

    @property
    def data(self) -> tuple[list[bytes], bytes]:
        """Topics and data."""
        return list(self._log.topics), self._log.data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Log) and self._log == other._log

    def __hash__(self) -> int:
        return hash(self._log)


class ExecutionResult:
    """What a call came to. Immutable.

    Attributes:
        is_success: whether it ended well.
        is_halt: whether it failed otherwise than by a revert.
        reason: how it ended: "Stop" without output, "Return" with some, "Revert", or why it halted.
        gas_used: after refunds, in gas.
        gas_refunded: in gas; 0 unless it ended well.
        logs: in order; none unless it ended well.
    """

    __slots__ = ("gas_refunded", "gas_used", "is_halt", "is_success", "logs", "reason")

    def __init__(
        self,
        is_success: bool,
        is_halt: bool,
        reason: str,
        gas_used: int,
        gas_refunded: int,
        logs: list[Log] | None = None,
    ) -> None:
        self.is_success = is_success
        self.is_halt = is_halt
        self.reason = reason
        self.gas_used = gas_used
        self.gas_refunded = gas_refunded
        self.logs = [] if logs is None else logs

    @classmethod
    def of_execution(cls, done: Execution) -> ExecutionResult:
        """Of a call that began."""
        if not done.succeeded:
            return cls(False, done.error != "reverted", _reason(done), done.gas_used, 0)
        refunded = max(done.gas_before_refund + done.state_gas - done.gas_used, 0)
        return cls(True, False, _reason(done), done.gas_used, refunded, [*map(Log, done.logs)])


def _reason(done: Execution) -> str:
    if done.succeeded:
        return "Return" if done.output else "Stop"
    return "Revert" if done.error == "reverted" else _HALTS[done.error]


def failure_text(done: Execution) -> str:
    """What is raised of a call that began and did not succeed."""
    if done.error == "reverted":
        return f"Revert {{ gas_used: {done.gas_used}, output: 0x{done.output.hex()} }}"
    return f"Halt {{ reason: {_HALTS[done.error]}, gas_used: {done.gas_used} }}"


def rejection_text(rejection: InvalidTransaction) -> str:
    """What is raised of a call that could not begin."""
    have, want = rejection.have, rejection.want
    if rejection.reason in (Reason.INTRINSIC_GAS, Reason.FLOOR_GAS):
        return (
            f"Initial gas spend is {want} but gas limit is {have}. "
            "Error: Transaction(CallGasCostMoreThanGasLimit)"
        )
    known = _REJECTIONS.get(Reason(rejection.reason))
    if known is None:
        known = "".join(word.capitalize() for word in rejection.reason.split("_"))
    return f"Transaction({known.format(have=have, want=want)})"
