"""The scripts of `blockstm.testing.scripts` as a native VM, with the same in Python beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from blockstm._native.base.codec import Codec, codec_named
from blockstm._native.lab.scripted import ScriptedBlock
from blockstm.errors import InputError, Invalid, Revert
from blockstm.messages import brief
from blockstm.testing.scripts import NOTHING, Operation, ScriptError
from blockstm.types import View

__all__ = ["NativeScripts"]

REVERTED, INVALID = 1, 2  # BLOCKSTM_REVERTED and BLOCKSTM_INVALID of vm_abi.h


class NativeScripts:
    """A native VM (no GIL, no Numba) for scripted transactions: drives the C table.

    It knows the operations of `blockstm.testing.scripts` and ``("work", turns)``, which spins.
    The value of an outcome is 64 bits folded from everything that the transaction read.
    ``python`` is the same VM as a Python callable. Immutable: any thread may use it.

    Args:
        keys: "int64", "bytes32" or "bytes".
        values: the same; operations on numbers need "int64".
        stubborn: whether a transaction goes on when it is told to stop.

    Example:
        >>> import blockstm
        >>> from blockstm.testing import NativeScripts
        >>> block = [[("add", 1, 5)], [("bump", 1, 2)]]
        >>> blockstm.execute_block(block, {1: 10}, NativeScripts()).writes
        {1: 17}
    """

    def __init__(
        self,
        keys: Literal["int64", "bytes32", "bytes"] = "int64",
        values: Literal["int64", "bytes32", "bytes"] = "int64",
        *,
        stubborn: bool = False,
    ) -> None:
        self.keys = codec_named(keys)
        self.values = codec_named(values)
        self.stubborn = stubborn

    def __blockstm_bind__(self, transactions: Iterable[Sequence[Operation]]) -> ScriptedBlock:
        bound = _Bound(self.keys, self.values)
        for transaction in transactions:
            bound.write(transaction)
            bound.end()
        bound.seal(self.stubborn)
        return bound

    def python(self, view: View, transaction: Sequence[Operation]) -> int:
        """The same VM in Python, for the reference."""
        run = _PythonRun(view, self.values)
        run.all(transaction)
        return run.seen

    def __repr__(self) -> str:
        return f"NativeScripts({self.keys.name!r}, {self.values.name!r})"


class _Bound(ScriptedBlock):
    """A block of scripts as the engine wants it."""

    def __init__(self, keys: Codec, values: Codec) -> None:
        super().__init__()
        self.keys = keys
        self.values = values

    def write(self, transaction: Sequence[Operation]) -> None:
        for operation in transaction:
            self._write_one(operation)

    def _write_one(self, operation: Operation) -> None:
        name, *arguments = operation
        key = self.keys.encode
        match name, arguments:
            case (("get" | "delete"), [where]):
                self.append(name, key(where))
            case (("put" | "expect"), [where, value]):
                self.append(name, key(where), self.values.encode(value))
            case (("add" | "at_least" | "bump" | "follow"), [where, number]):
                self.append(name, key(where), number=number)
            case "try_add", [where, number, *bounds]:
                lower, upper = (*bounds, None, None)[:2]
                self.append(name, key(where), number=number, lower=lower, upper=upper)
            case "copy", [source, target]:
                self.append(name, key(source), key(target))
            case (("charge" | "work"), [number]):
                self.append(name, number=number)
            case (("revert" | "invalid" | "raise"), [message]):
                self.append(name, other=message.encode())
            case "branch", [where, then, otherwise]:
                self._write_branch(key(where), then, otherwise)
            case _:
                raise InputError(f"a scripted transaction has no operation {brief(operation)}")

    def _write_branch(
        self, key: bytes, then: Sequence[Operation], otherwise: Sequence[Operation]
    ) -> None:
        branch = self.append("branch", key)
        self.write(then)
        jump = self.append("jump")
        self.set_jump(branch)
        self.write(otherwise)
        self.set_jump(jump)

    def value(self, output: bytes) -> int:
        return int.from_bytes(output, "little")

    def error(self, index: int, status: int, output: bytes) -> Exception:
        kind = {REVERTED: Revert, INVALID: Invalid}.get(status, ScriptError)
        return kind(output.decode())


_MASK = (1 << 64) - 1


class _PythonRun:
    """One transaction in Python; folds what it reads as ``_native/lab/scripted.pyx`` does."""

    def __init__(self, view: View, values: Codec) -> None:
        self.view = view
        self.values = values
        self.seen = 0xCBF29CE484222325

    def all(self, transaction: Sequence[Operation]) -> None:
        for name, *arguments in transaction:
            _OPERATIONS[name](self, *arguments)

    def fold(self, word: int) -> None:
        self.seen = ((self.seen ^ word) * 0x100000001B3) & _MASK

    def get(self, key: Any) -> Any:
        value = self.view.get(key, NOTHING)
        if value is NOTHING:
            self.fold(0x6E6F7468696E67)
            return value
        data = self.values.encode(value)
        self.fold(len(data))
        for byte in data:
            self.fold(byte)
        return value

    def at_least(self, key: Any, bound: int) -> None:
        self.fold(self.view.at_least(key, bound))

    def expect(self, key: Any, value: Any) -> None:
        self.fold(self.view.expect(key, value))

    def try_add(
        self, key: Any, delta: int, lower: int | None = None, upper: int | None = None
    ) -> None:
        self.fold(self.view.try_add(key, delta, lower, upper))

    def bump(self, key: Any, delta: int) -> None:
        value = self.get(key)
        total = (0 if value is NOTHING else value) + delta
        self.view.put(key, (total + (1 << 63)) % (1 << 64) - (1 << 63))

    def copy(self, source: Any, target: Any) -> None:
        value = self.get(source)
        if value is NOTHING:
            self.view.delete(target)
        else:
            self.view.put(target, value)

    def follow(self, key: Any, delta: int) -> None:
        value = self.get(key)
        self.view.add(0 if value is NOTHING else value, delta)

    def branch(self, key: Any, then: Sequence[Operation], otherwise: Sequence[Operation]) -> None:
        value = self.get(key)
        self.all(otherwise if value is NOTHING or value == 0 else then)

    def fail(self, error: Exception) -> None:
        raise error


_OPERATIONS: dict[str, Callable[..., object]] = {
    "get": _PythonRun.get,
    "put": lambda run, key, value: run.view.put(key, value),
    "delete": lambda run, key: run.view.delete(key),
    "add": lambda run, key, delta: run.view.add(key, delta),
    "expect": _PythonRun.expect,
    "at_least": _PythonRun.at_least,
    "try_add": _PythonRun.try_add,
    "charge": lambda run, gas: run.view.charge(gas),
    "bump": _PythonRun.bump,
    "copy": _PythonRun.copy,
    "follow": _PythonRun.follow,
    "branch": _PythonRun.branch,
    "revert": lambda run, message: run.fail(Revert(message)),
    "invalid": lambda run, message: run.fail(Invalid(message)),
    "raise": lambda run, message: run.fail(ScriptError(message)),
    "work": lambda run, turns: None,
}
