"""Every exception of blockstm, of three kinds: the caller's mistake, the world's failure, our bug.

::

    Exception
    ├── Revert                raised by a VM: this transaction failed, its writes are dropped
    ├── Invalid               raised by a VM: this transaction does not belong in the block
    ├── PrecompileFailure     raised by a precompile of your own: the call of it fails
    ├── ExceptionalHalt       raised by an opcode of your own: the frame that runs it halts
    └── BlockstmError
        ├── UsageError        the caller's mistake
        │   ├── ConfigError   an option has a value it cannot have       (also ValueError)
        │   ├── InputError    an argument or a key is of the wrong kind  (also TypeError)
        │   ├── DecodeError   a block or one of its parts is malformed   (also ValueError)
        │   ├── ModelError    a model holds what instructions cannot: ``layer`` (also ValueError)
        │   ├── MissingExtra  something that is installed apart is needed   (also ImportError)
        │   ├── ClosedError   the executor was used after ``close``
        │   ├── ReentrantError  a VM called the executor that runs it
        │   ├── ForkedError   the executor was made in another process
        │   ├── ProgressMismatch  a file of progress is of another replay
        │   └── ViewError     a view was used outside its transaction
        ├── BlockError        the block ended early: ``index`` says where, ``prefix`` what is final
        │   ├── TransactionError  the VM raised something else than Revert or Invalid
        │   ├── InvalidBlock      it breaks a rule: ``reason``; or has an Invalid transaction
        │   ├── StateError        the state could not be read
        │   └── LimitError        the ``limit`` callable raised
        ├── EvmcError         a library is no EVM by EVMC, or breaks that interface
        ├── TraceTooLarge     more is recorded for a tracer than its ``bytes_max``
        ├── CallError         a call that its caller wanted to succeed did not: ``result``
        ├── SimulationError   a chain of simulated blocks breaks a rule: ``reason``, ``code``
        ├── MissingNode       a trie needs a node that is not in its store (also LookupError)
        ├── MissingCode       a witness lacks a code that is read          (also LookupError)
        ├── MissingHeader     a witness lacks the header of a block before (also LookupError)
        ├── NodeError         a node far away was asked in vain
        │   ├── NodeUnreachable   it does not answer, however often it is asked
        │   ├── NodeRefused       it answers with an error: ``code``
        │   └── WrongAnswer       what it answers is none, or not what the block's hash proves
        ├── ClusterError      a cluster cannot be started, reached or used
        ├── MessageError      a message between shards is refused: ``reason``
        ├── ChainError        a chain cannot do or tell what it is asked
        │   ├── UnknownBlock      it has no such block or transaction       (also LookupError)
        │   ├── UnknownParent     a block's parent is none of its blocks    (also LookupError)
        │   ├── PrunedState       it has the block, and its state no more   (also LookupError)
        │   └── StoreError        its data cannot be read or written
        │       ├── StoreDamaged  they are not what was written
        │       ├── StoreFull     there is no room to write: the disk, or the largest size
        │       ├── StoreLocked   another process writes to its folder
        │       └── StoreMismatch   the folder is of another chain, or of a newer blockstm
        └── InternalError     a bug in blockstm: please report it with its message
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blockstm.types import BlockResult

__all__ = [
    "BlockError",
    "BlockstmError",
    "CallError",
    "ChainError",
    "ClosedError",
    "ClusterError",
    "ConfigError",
    "DecodeError",
    "EvmcError",
    "ExceptionalHalt",
    "ForkedError",
    "InputError",
    "InternalError",
    "Invalid",
    "InvalidBlock",
    "LimitError",
    "MessageError",
    "MissingCode",
    "MissingExtra",
    "MissingHeader",
    "MissingNode",
    "ModelError",
    "NodeError",
    "NodeRefused",
    "NodeUnreachable",
    "PrecompileFailure",
    "ProgressMismatch",
    "PrunedState",
    "ReentrantError",
    "Revert",
    "SimulationError",
    "StateError",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreLocked",
    "StoreMismatch",
    "TraceTooLarge",
    "TransactionError",
    "UnknownBlock",
    "UnknownParent",
    "UsageError",
    "ViewError",
    "WrongAnswer",
]


class Revert(Exception):
    """Raised by a VM: the transaction failed; its writes are dropped, the block goes on."""


class Invalid(Exception):
    """Raised by a VM: the transaction does not belong in the block.

    ``on_invalid="raise"`` (a verifier) refuses the block with `InvalidBlock`;
    ``on_invalid="skip"`` (a builder) leaves the transaction out.
    """


class PrecompileFailure(Exception):
    """Raised by a precompile of your own: the call of it fails and loses all its gas."""


class ExceptionalHalt(Exception):
    """Raised by an opcode of your own: the frame that runs it halts and loses all its gas."""


class BlockstmError(Exception):
    """The root of what blockstm itself raises."""


class UsageError(BlockstmError):
    """The caller's mistake; nothing was executed or changed by the call."""


class ConfigError(UsageError, ValueError):
    """An option has a value it cannot have."""


class InputError(UsageError, TypeError):
    """An argument or a key is of the wrong kind."""


class DecodeError(UsageError, ValueError):
    """A block, a transaction or a file of them is malformed; ``place`` says where."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str]]:
        return type(self), (str(self), self.place)


class ModelError(UsageError, ValueError):
    """A model cannot be compiled.

    Attributes:
        layer: the layer that is the reason, by its name; "" where it has none.
    """

    def __init__(self, message: str, layer: str = "") -> None:
        super().__init__(f"layer {layer}: {message}" if layer else message)
        self.layer = layer
        self._message = message

    def __reduce__(self) -> tuple[type[ModelError], tuple[str, str]]:
        return type(self), (self._message, self.layer)


class MissingExtra(UsageError, ImportError):
    """Something needs a package that is not installed; the message says which extra brings it."""


class ClosedError(UsageError):
    """The executor was used after it was closed."""


class ReentrantError(UsageError):
    """A VM called the executor that is running it."""


class ForkedError(UsageError):
    """The executor was made in another process: its threads do not exist here."""


class ProgressMismatch(UsageError):
    """A file of progress is of another replay: other blocks, other rules, other checkpoints."""


class ViewError(UsageError):
    """A view was used outside the transaction it was made for."""


class BlockError(BlockstmError):
    """The block ended before its last transaction.

    Attributes:
        index: the transaction at which the block ended; None where it is none's fault, as with
            a header, which only `InvalidBlock` is about.
        prefix: the result of the transactions before ``index``, all of them final: its
            outcomes and its writes describe the same prefix of the block.
    """

    def __init__(self, message: str, index: int | None, prefix: BlockResult | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.prefix = prefix

    def __reduce__(self) -> tuple[type[BlockError], tuple[Any, ...]]:
        return type(self), (str(self), self.index, self.prefix)


class TransactionError(BlockError):
    """The VM raised something that is neither Revert nor Invalid; ``__cause__`` is what."""


class InvalidBlock(BlockError):
    """The block breaks a rule, or one of its transactions does not belong in it.

    Attributes:
        reason: which rule, in one stable word; for Ethereum blocks one of
            `blockstm.ethereum.Reason`. None where only the VM knows: then ``__cause__``
            is the VM's `Invalid`.
        executed: what an Ethereum block did whose header says something else of it, as a
            `blockstm.ethereum.ExecutedBlock`; None where it was refused before its end.
    """

    def __init__(
        self,
        message: str,
        index: int | None,
        prefix: BlockResult | None = None,
        reason: str | None = None,
        executed: Any = None,
    ) -> None:
        super().__init__(message, index, prefix)
        self.reason = reason
        self.executed = executed

    def __reduce__(self) -> tuple[type[BlockError], tuple[Any, ...]]:
        return type(self), (str(self), self.index, self.prefix, self.reason, self.executed)


class StateError(BlockError):
    """The state could not be read; ``__cause__`` is what it raised. Never read as absent."""


class LimitError(BlockError):
    """The ``limit`` callable raised; ``__cause__`` is what."""


class EvmcError(BlockstmError):
    """A shared library is no EVM that speaks EVMC's ABI 12, or breaks that interface while it runs.

    In a block, it is the ``__cause__`` of a `TransactionError`.
    """


class TraceTooLarge(BlockstmError):
    """More is recorded of a block or a call than its tracer's ``bytes_max``, or written as JSON.

    See `blockstm.ethereum.tracing.Tracer.within`.
    """


class CallError(BlockstmError):
    """A call that its caller wanted to succeed did not.

    Attributes:
        result: what it came to, a `blockstm.ethereum.CallResult`.
    """

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self) -> tuple[type[CallError], tuple[Any, ...]]:
        return type(self), (str(self), self.result)


class SimulationError(BlockstmError):
    """A block of a simulation, or a call in it, breaks a rule, so that there is no result.

    Attributes:
        reason: which rule: one of `blockstm.ethereum.Reason`, or "too_many_blocks".
        block: the place of the block among those that were asked for, gaps between them filled.
        call: the place of the call in it; None where it is the block.
    """

    def __init__(self, message: str, reason: str, block: int, call: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.block = block
        self.call = call

    @property
    def code(self) -> int:
        """The code of the error that ``eth_simulateV1`` answers."""
        return _SIMULATION_CODES.get(self.reason, _INTERNAL_ERROR_CODE)

    def __reduce__(self) -> tuple[type[SimulationError], tuple[Any, ...]]:
        return type(self), (str(self), self.reason, self.block, self.call)


# As in the specification of eth_simulateV1 (ethereum/execution-apis).
_INTERNAL_ERROR_CODE = -32603
_SIMULATION_CODES = {
    "nonce_too_low": -38010,
    "nonce_too_high": -38011,
    "fee_cap_below_base_fee": -38012,
    "intrinsic_gas": -38013,
    "insufficient_funds": -38014,
    "gas_above_block": -38015,
    "block_number": -38020,
    "timestamp": -38021,
    "initcode_too_large": -38025,
    "too_many_blocks": -38026,
}


class MissingNode(BlockstmError, LookupError):
    """A trie needs a node that its store, for example a witness, does not have.

    Attributes:
        hash: keccak of the node's encoding, 32 bytes.
    """

    def __init__(self, message: str, hash: bytes) -> None:
        super().__init__(message)
        self.hash = hash

    def __reduce__(self) -> tuple[type[MissingNode], tuple[str, bytes]]:
        return type(self), (str(self), self.hash)


class MissingCode(BlockstmError, LookupError):
    """A block reads a code of which its witness has only the hash.

    Attributes:
        hash: of the code, 32 bytes.
    """

    def __init__(self, message: str, hash: bytes) -> None:
        super().__init__(message)
        self.hash = hash

    def __reduce__(self) -> tuple[type[MissingCode], tuple[str, bytes]]:
        return type(self), (str(self), self.hash)


class MissingHeader(BlockstmError, LookupError):
    """A witness lacks the header of a block's parent, or of one between headers that it has.

    Attributes:
        hash: of the block whose header is missing, 32 bytes.
    """

    def __init__(self, message: str, hash: bytes) -> None:
        super().__init__(message)
        self.hash = hash

    def __reduce__(self) -> tuple[type[MissingHeader], tuple[str, bytes]]:
        return type(self), (str(self), self.hash)


class NodeError(BlockstmError):
    """A node far away was asked in vain."""


class NodeUnreachable(NodeError):
    """A node does not answer, however often it is asked."""


class NodeRefused(NodeError):
    """A node answers with an error.

    Attributes:
        code: JSON-RPC's, or that of HTTP.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[NodeRefused], tuple[str, int]]:
        return type(self), (str(self), self.code)


class WrongAnswer(NodeError):
    """What a node answers is no answer, or not what the hash of the block proves."""


class ClusterError(BlockstmError):
    """A cluster cannot be started or reached, or one of its machines lacks what its work needs."""


class MessageError(BlockstmError):
    """A message from one shard to another is refused; it has no effect.

    Attributes:
        reason: which rule it breaks: one of `blockstm.shards.Refusal`.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[MessageError], tuple[str, str]]:
        return type(self), (str(self), self.reason)


class ChainError(BlockstmError):
    """A chain cannot do or tell what it is asked; it is as it was before the call."""


class UnknownBlock(ChainError, LookupError):
    """The chain has no such block, or no block with such a transaction."""


class UnknownParent(ChainError, LookupError):
    """A block stands on one that the chain does not have: import that first.

    Attributes:
        hash: of the block that is missing, 32 bytes.
    """

    def __init__(self, message: str, hash: bytes) -> None:
        super().__init__(message)
        self.hash = hash

    def __reduce__(self) -> tuple[type[UnknownParent], tuple[str, bytes]]:
        return type(self), (str(self), self.hash)


class PrunedState(ChainError, LookupError):
    """The chain has the block, but no longer its state: it is further back than the window."""


class StoreError(ChainError):
    """The data of a chain cannot be read or written; never read as absent, never half written."""


class StoreDamaged(StoreError):
    """What the store holds is not what was written; the message names what is damaged."""


class StoreFull(StoreError):
    """There is no room: the disk is full, or the data has the largest size it may have."""


class StoreLocked(StoreError):
    """Another process writes to the folder; a reader opens it with ``read_only=True``."""


class StoreMismatch(StoreError):
    """The folder is of a chain with another genesis, or was written by a newer blockstm."""


class InternalError(BlockstmError):
    """A bug in blockstm: an invariant did not hold. The result was not returned."""
