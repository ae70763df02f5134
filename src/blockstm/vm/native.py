"""The protocol of native VMs: what hands the engine a table of C functions for a block."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

__all__ = ["Codec", "NativeBlock", "NativeVM"]


class Codec(Protocol):
    """How keys or values are bytes to the native core."""

    @property
    def name(self) -> str:
        """The type that the bytes encode, e.g. "int64" or "bytes32"."""

    def encode(self, value: Any) -> bytes:
        """The bytes of ``value``; TypeError or ValueError where it has none."""

    def decode(self, data: bytes) -> Any:
        """The object that ``data`` stands for."""


class NativeBlock(Protocol):
    """The transactions of one block, bound to the code that runs them.

    Thread-safety: ``vm`` is used by all workers at once; the other members by one thread.
    """

    @property
    def vm(self) -> Any:
        """PyCapsule "blockstm.vm" with a ``blockstm_vm``; valid as long as this object."""

    @property
    def count(self) -> int:
        """Transactions in the block."""

    @property
    def keys(self) -> Codec:
        """How keys are bytes."""

    @property
    def values(self) -> Codec:
        """How values are bytes. It may have ``encode_at(key, value)`` and ``decode_at(key, data)``,
        too, where the encoding of a value depends on its key; they are then used instead."""

    def value(self, output: bytes) -> Any:
        """The value of an outcome whose run succeeded with this output."""

    def error(self, index: int, status: int, output: bytes) -> BaseException:
        """The exception of a run that did not succeed: a Revert where ``status`` is
        BLOCKSTM_REVERTED, an Invalid where it is BLOCKSTM_INVALID, else any other.

        It may have a member ``outcomes``, too: an object with a ``value`` and an ``error`` that say
        the same of outputs. A block's results then keep this, and the block can go.
        """


@runtime_checkable
class NativeVM(Protocol):
    """A VM whose transactions run without the GIL."""

    def __blockstm_bind__(self, transactions: Any) -> NativeBlock:
        """Bind a block; raises InputError where ``transactions`` are of the wrong kind."""
