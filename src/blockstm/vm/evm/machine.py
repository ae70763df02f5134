"""`Evm`: the native EVM as a VM of the engine, for one block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from blockstm._native.evm.forks.tables import FORKS
from blockstm._native.evm.prepared import EvmBlock, reason_named
from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm._native.vm.bridge import run_on_view
from blockstm.errors import ConfigError, InputError
from blockstm.messages import brief
from blockstm.types import DELETED, Address, View
from blockstm.vm.context import BlockContext
from blockstm.vm.evm.admission import BlockRoom
from blockstm.vm.evm.execution import InvalidTransaction, read_output
from blockstm.vm.evm.inspection import Observer, Recorder, observer_of
from blockstm.vm.evm.libraries import find_libraries_of
from blockstm.vm.evm.opcodes import Opcode, checked_opcodes
from blockstm.vm.evm.own_rules import NO_OWN_RULES, OwnRules, SystemCall, SystemStep
from blockstm.vm.evm.precompiles import Precompile, checked_precompiles
from blockstm.vm.evm.steps import (
    BlockEnd,
    BlockStart,
    BlockSteps,
    CallSteps,
    Overrides,
    Signed,
    Step,
    Unsigned,
)
from blockstm.vm.evm.validation import error_of
from blockstm.vm.evmc import FORKS as EVMC_FORKS
from blockstm.vm.evmc import EvmcVm
from blockstm.vm.forks import Fork, fork_named

__all__ = ["FORKS", "Evm", "PreparedSteps"]

_AROUND = frozenset({BlockStart, BlockEnd})  # the steps around a block's transactions


class Evm:
    """The rules of one fork in one block, in the native core: runs `Step`s without the GIL.

    A block is a list of steps: `Signed` transactions, in front of them a `BlockStart`, behind
    them a `BlockEnd`. The locations are those of `blockstm.state.accounts`; a state is for
    example an `AccountState`. Fees and payments are deltas and funds are at-least conditions, so
    that transactions conflict only where one reads what another writes. Outcomes have an
    `Execution` as their value (None for a `BlockStart`, `SystemOutputs` for a `BlockEnd`).

    Balances are modulo 2**256: a sum beyond wraps where it is read and where it becomes final
    (docs/semantics.md).

    Immutable: one object serves all workers and any number of blocks at once.

    Args:
        fork: whose rules hold: a `blockstm.ethereum.Fork`, or any of its names ("paris", "Merge",
            "bpo1"; see `blockstm.ethereum.fork_named`).
        block: the fields of the block.
        precompiles: address → precompiled contracts of your own, which are there beside the fork's
            or in place of them: warm from the start (EIP-2929), as those are. See
            `blockstm.vm.evm.Precompile`. A `blockstm.vm.evm.ForkPrecompile` moves one of the
            fork's there, or takes one away.
        opcodes: number → `blockstm.vm.evm.Opcode`: instructions of your own, where the fork has
            none.
        inspector: told what transactions do inside, see `blockstm.vm.evm.Inspector`.
        own_rules: fees and types of transactions of a chain's own.
        evmc: another EVM that runs the code, see `blockstm.vm.evmc.load`. All around the code
            stays ours: accounts, precompiles, fees, the block.

    Attributes:
        fork: the rules of execution, one of `FORKS`; several forks share one.
        block: the fields of the block, with as many blobs as the fork allows where they say
            nothing of it.

    Raises:
        ConfigError: there is no such fork, or another EVM does not have it, nor opcodes or
            inspectors.
        InputError: the precompiles, the opcodes or the inspector are of the wrong kind, or an
            opcode is one of the fork's.
        ImportError: a library that precompiles need is not installed.
    """

    def __init__(
        self,
        fork: str | Fork,
        block: BlockContext,
        *,
        precompiles: Mapping[Address, Precompile | Any] | None = None,
        opcodes: Mapping[int, Opcode] | None = None,
        inspector: Any = None,
        own_rules: OwnRules = NO_OWN_RULES,
        evmc: EvmcVm | None = None,
    ) -> None:
        known = fork if isinstance(fork, Fork) else fork_named(fork)
        find_libraries_of(known)
        self.fork = known.rules
        if block.blobs_max is None and known.blobs is not None:
            block = replace(block, blobs_max=known.blobs.max)
        self.block = block
        self._precompiles = checked_precompiles(precompiles)
        self._opcodes = checked_opcodes(self.fork, opcodes)
        if not isinstance(own_rules, OwnRules):
            raise InputError(f"own_rules are a blockstm.vm.evm.OwnRules, not {brief(own_rules)}")
        self._own_rules = own_rules
        self._evmc = evmc
        if evmc is not None:
            _check_evmc(evmc, self.fork, self._opcodes)
        self._observer = self._watching(inspector)

    def inspected_by(self, inspector: Any) -> Evm:
        """The same rules, under the eyes of an inspector.

        Raises:
            InputError: it has none of an inspector's methods.
        """
        other = copy(self)
        other._observer = self._watching(inspector)
        return other

    def telling_accesses(self) -> Evm:
        """The same rules; the `Execution` of each outcome has its ``accesses``, of any fork."""
        other = copy(self)
        other.block = replace(self.block, has_access_list=True)
        return other

    def _watching(self, inspector: Any) -> Observer | Recorder | None:
        if inspector is not None and self._evmc is not None:
            raise ConfigError("an inspector watches this package's EVM, not one by EVMC")
        return observer_of(inspector)

    def bind(self, steps: Sequence[Step]) -> PreparedSteps:
        """Translate steps for the native core once, to run them any number of times.

        Raises:
            InputError: a step is of the wrong kind or has a member out of range.
        """
        return PreparedSteps(self, steps)

    def bind_calls(self, steps: CallSteps, kind: type) -> PreparedSteps | None:
        """The same for messages of a class; None where one may be wrong, or names more than sender,
        receiver, value, data and gas."""
        prepared = self._block_for((steps.overrides,))
        _add(prepared, steps.overrides)
        if not prepared.add_calls(steps.messages, kind, steps.gas_cap):
            return None
        return PreparedSteps(self, steps, prepared)

    def __blockstm_bind__(self, transactions: Sequence[Step]) -> EvmBlock:
        """The native block of these steps."""
        if isinstance(transactions, PreparedSteps):
            if transactions.vm is self and self._observer is None:
                return transactions.prepared
            transactions = transactions.steps  # what records is for one run
        prepared = self._prepared(transactions)
        if self._observer is not None:
            self._observer.watch(prepared)
        return prepared

    def _block_for(self, steps: Sequence[Step]) -> EvmBlock:
        """A native block for steps, without them."""
        prepared = EvmBlock(self.fork, self.block, read_output, error_of)
        if self._precompiles:
            prepared.add_precompiles(self._precompiles)
        if self._opcodes:
            prepared.add_opcodes(self._opcodes)
        self._add_rules(prepared, steps)
        if self._evmc is not None:
            prepared.run_on(self._evmc.library)
        return prepared

    def _prepared(self, steps: Sequence[Step]) -> EvmBlock:
        prepared = self._block_for(steps)
        if isinstance(steps, BlockSteps):
            _add(prepared, steps.start)
            prepared.add_transactions(
                steps.transactions, steps.senders, steps.authorities, steps.workers
            )
            _add(prepared, steps.end)
            return prepared
        for step in steps:
            _add(prepared, step)
        return prepared

    def _add_rules(self, prepared: EvmBlock, steps: Sequence[Step]) -> None:
        rules = self._own_rules
        around = (steps.start, steps.end) if isinstance(steps, BlockSteps) else steps
        has_own = not _AROUND.isdisjoint(map(type, around)) and any(
            isinstance(each, BlockStart | BlockEnd) and each.own for each in around
        )
        if rules is not NO_OWN_RULES or has_own:
            fees = [(each.recipient, each.amount, each.refund) for each in rules.fees]
            prepared.add_rules(
                fees, rules.base_fee_recipient, rules.own_types, rules.contracts_may_send
            )

    def __blockstm_admission__(self) -> BlockRoom:
        """What a block has left for its transactions, for a caller that runs them one by one."""
        meters_state = FORKS.index(self.fork) >= FORKS.index("amsterdam")
        return BlockRoom(self.block, self.block.blobs_max, meters_state, self._violation_of)

    def _violation_of(self, step: Signed) -> InvalidTransaction | None:
        """The rule that a transaction breaks by itself; None if it breaks none."""
        code, have, want = self._prepared([step]).validation_error_at(0)
        return InvalidTransaction(reason_named(code), have, want) if code else None

    def __call__(self, view: View, step: Step) -> Any:
        """Run one step on a Python view; what the reference does.

        An inspector is told when the run has ended well, whatever becomes of it afterwards.

        Raises:
            InvalidTransaction: the transaction does not belong in the block.
            InputError: the state gave a code for the hash of another one.
            LookupError: the state has no code for a hash that an account has, or the block came
                without the hash of another block that was asked for.
        """
        prepared = self.__blockstm_bind__([step])
        value = run_on_view(prepared, 0, view)
        if self._observer is not None:
            self._observer.tell(view.index, prepared.take_recording(0))
        return value

    def trace(self, view: View, step: Step, write: Callable[[bytes], Any]) -> Any:
        """`__call__`, and ``write`` gets what `EIP-3155`_ says of each instruction: JSON lines.

        Its last line, the summary, is the caller's to write. Traced code is translated apart, so
        that runs without a trace pay nothing for it.

        .. _EIP-3155: https://eips.ethereum.org/EIPS/eip-3155
        """
        if self._evmc is not None:
            raise ConfigError("this package's EVM can be traced, not one by EVMC")
        return self._prepared([step]).trace(0, view, write)

    def __repr__(self) -> str:
        return f"Evm({self.fork!r}, block {self.block.number})"


class PreparedSteps(Sequence[Step]):
    """The steps of a block, and the same for the native core. Immutable, safe from any thread."""

    def __init__(self, vm: Evm, steps: Sequence[Step], prepared: EvmBlock | None = None) -> None:
        self.steps = steps if isinstance(steps, BlockSteps | CallSteps) else tuple(steps)
        self.vm = vm
        self.prepared = vm._prepared(self.steps) if prepared is None else prepared

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: Any) -> Any:
        return self.steps[place]


def _check_evmc(evmc: Any, fork: str, opcodes: Mapping[int, Any]) -> None:
    """Refuse what another EVM cannot have.

    Raises:
        ConfigError, InputError: it is none, or lacks the fork or the opcodes.
    """
    if not isinstance(evmc, EvmcVm):
        raise InputError(f"evmc is what blockstm.vm.evmc.load gives, not {brief(evmc)}")
    if fork not in EVMC_FORKS:
        raise ConfigError(f"EVMC's ABI 12 has no fork {brief(fork)}, only {', '.join(EVMC_FORKS)}")
    if opcodes:
        raise ConfigError("only this package's EVM has opcodes of your own, not one by EVMC")


def _add(prepared: EvmBlock, step: Any) -> None:
    match step:
        case Signed(transaction, sender, authorities):
            prepared.add_transaction(transaction, sender, authorities)
        case BlockStart(drained, refund_contract, own):
            prepared.add_start(drained, refund_contract, _calls(own))
        case BlockEnd(withdrawals, rewards, collects_requests, own):
            prepared.add_end(withdrawals, rewards, collects_requests, _calls(own))
        case Unsigned(message, authorities, is_validated, keeps_changes, gas):
            prepared.add_call(message, gas, authorities, is_validated, keeps_changes)
        case Overrides(writes):
            prepared.add_overrides([_encoded(*each) for each in writes.items()])
        case _:
            raise InputError(
                "a step of the EVM is Signed, Unsigned, BlockStart, BlockEnd or Overrides, "
                f"not {brief(step)}"
            )


def _calls(own: Sequence[SystemStep]) -> list[Any]:
    """The steps of a chain's own, as the core takes them."""
    return [
        (each.sender, each.target, each.input, each.gas, each.must_succeed)
        if isinstance(each, SystemCall)
        else each
        for each in own
    ]


def _encoded(location: Any, value: Any) -> tuple[bytes, bytes]:
    key = LOCATIONS.encode(location)
    return key, b"" if value is DELETED else LOCATION_VALUES.encode_at(location, value)
