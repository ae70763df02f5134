"""`call` and `call_many`: messages run on a state that they do not change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypedDict, Unpack

from blockstm import engine
from blockstm._native.state.locations import LOCATION_VALUES, LOCATIONS
from blockstm._native.vm.session import Session
from blockstm.errors import (
    BlockError,
    ConfigError,
    InputError,
    StateError,
    TraceTooLarge,
    TransactionError,
)
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.calls.authorities import authorities_of
from blockstm.ethereum.calls.environment import Environment, environment_of
from blockstm.ethereum.calls.message import GAS_CAP, Message, checked, priced
from blockstm.ethereum.calls.overrides import (
    BlockOverrides,
    StateOverrides,
    checked_overrides,
    moved_precompiles,
    override_writes,
)
from blockstm.ethereum.calls.results import CallResult, CallResults, result_of
from blockstm.ethereum.calls.unsigned import unsigned_transaction
from blockstm.ethereum.chains.chain import Chain
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.execution.prepared import StateAfter
from blockstm.ethereum.execution.step_errors import error_of_the_block
from blockstm.ethereum.execution.traced import precompiles_of
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.messages import brief
from blockstm.state.accounts import code_with, nonce_of
from blockstm.state.located import located
from blockstm.types import DELETED, Address, BlockResult, Hash32, Outcome
from blockstm.values import is_int
from blockstm.vm.context import BlockContext
from blockstm.vm.evm import Evm, Execution, InvalidTransaction, Overrides, Step, Unsigned
from blockstm.vm.evm.inspection import Recorder
from blockstm.vm.evm.precompiles import has_precompile
from blockstm.vm.evm.steps import CallSteps
from blockstm.vm.forks import Fork

__all__ = ["CallOptions", "Calls", "call", "call_many", "calls_of"]


class CallOptions(TypedDict, total=False):
    """Where calls run; `call` documents each."""

    block: Header | Block | None
    chain: Chain | None
    fork: Fork | str | None
    block_hashes: Mapping[int, Hash32] | None
    overrides: StateOverrides | None
    block_overrides: BlockOverrides | None
    gas_cap: int


def call(
    state: Any,
    message: Message,
    *,
    inspector: Any = None,
    tracer: Tracer | None = None,
    **options: Unpack[CallOptions],
) -> CallResult:
    """Run a message on a state, and leave the state as it is.

    It means what ``eth_call`` of go-ethereum does: no signature, no nonce, and the sender may be
    a contract (EIP-3607); without a price the base fee does not matter, and BASEFEE gives 0. The
    sender must have the value that it sends, and at a price what the gas costs at most.

    Args:
        state: what it starts from: any that `blockstm.execute_block` takes for an Ethereum block.
        message: what is run.
        inspector: told what happens inside, see `blockstm.vm.evm.Inspector`; the message is its
            transaction 1, as in a block whose start is 0.
        tracer: makes the ``trace`` of the result, see `blockstm.ethereum.tracing`; it goes without
            an inspector, and needs a block.
        block: the block whose number, time and fees code sees. The state is usually that after it.
            None: an empty one, number 0.
        chain: whose block it is; default: mainnet.
        fork: whose rules hold; default: what ``chain`` has at the block; without one, its newest.
        block_hashes: number → hash of the blocks before, for BLOCKHASH; the parent's is known.
        overrides: address → `AccountOverride`: what it finds in the state instead.
        block_overrides: the fields of the block that it finds instead.
        gas_cap: how much gas it may have at most, and has if it says nothing; in gas.

    Returns:
        What it came to. A message that could not begin has a ``rejection``; a failed one, a
        ``failure``: neither is raised, unless by ``result.checked()``.

    Raises:
        InputError, ConfigError: something passed is of the wrong kind.
        StateError: the state could not be read, or lacks a code.
        TransactionError: the inspector or a precompile of the chain's own has raised.
        TraceTooLarge: more is recorded than the tracer's ``bytes_max``.

    Deterministic, and thread-safe where the state is.

    >>> from blockstm.ethereum import Account, AccountState, Message, call
    >>> adder = bytes.fromhex("6000356020350160005260206000f3")
    >>> state = AccountState({bytes(19) + b"A": Account(code=adder, code_hash=keccak(adder))})
    >>> data = (2).to_bytes(32, "big") + (3).to_bytes(32, "big")
    >>> int.from_bytes(call(state, Message(to=bytes(19) + b"A", data=data)).output, "big")
    5
    """
    calls = calls_of(state, **options)
    if tracer is not None:
        if inspector is not None:
            raise ConfigError("a tracer goes without an inspector")
        return calls.traced(checked(message), tracer)
    return calls.run([checked(message)], workers=1, inspector=inspector)[0]


def call_many(
    state: Any,
    messages: Iterable[Message],
    *,
    workers: int | Literal["auto"] = "auto",
    **options: Unpack[CallOptions],
) -> Sequence[CallResult]:
    """Run many messages, each on the state as it is, on all cores.

    Each comes to what `call` gives for it, and results stand in the order of the messages, each
    made when it is asked for. From a native state, as `AccountState` is, nothing takes the GIL
    meanwhile.

    Args:
        state, options: see `call`.
        messages: any number of them.
        workers: threads, at most; "auto": the usable cores.

    Raises:
        InputError, ConfigError, StateError, TransactionError: see `call`; ``index`` is the
            message's.
    """
    listed, calls = list(messages), calls_of(state, **options)
    results = calls.run_plain(listed, workers)
    if results is None:
        listed = [checked(each, f"messages[{index}]") for index, each in enumerate(listed)]
        results = calls.run(listed, workers=workers)
    return results


def calls_of(state: Any, **options: Unpack[CallOptions]) -> Calls:
    """Where calls on a state run, to run any number of them; see `call`."""
    unknown = options.keys() - CallOptions.__annotations__.keys()
    if unknown:
        raise ConfigError(f"a call has no option {brief(sorted(unknown)[0])}")
    state = located(state)
    around = environment_of(
        options.get("block"),
        options.get("chain"),
        options.get("fork"),
        options.get("block_hashes"),
        options.get("block_overrides"),
    )
    gas_cap = options.get("gas_cap", GAS_CAP)
    if not is_int(gas_cap) or not 0 < gas_cap < 1 << 63:
        raise ConfigError(f"gas_cap is an int from 1 to 2**63-1, not {brief(gas_cap)}")
    return Calls(state, around, checked_overrides(options.get("overrides")), gas_cap)


class Calls:
    """Where calls run: a state, a block, what is overridden of both. Immutable.

    Attributes:
        state: that they start from.
        around: the block.
        gas_cap: the most that one may have, in gas.
    """

    def __init__(
        self, state: Any, around: Environment, overrides: StateOverrides, gas_cap: int
    ) -> None:
        self.state = state
        self.around = around
        self.gas_cap = gas_cap
        self.precompiles = moved_precompiles(overrides, around.fork, around.chain.precompiles)
        self._writes = override_writes(state, overrides)

    def get(self, location: Any, default: Any = None) -> Any:
        """The value at a location as calls find it."""
        if location in self._writes:
            value = self._writes[location]
            return default if value is DELETED else value
        value = self.state.get(location)
        return default if value is None else value

    def is_warm(self, address: Address) -> bool:
        """Whether an address is warm from the start, for the precompile that is or was there."""
        own = address in self.around.chain.precompiles
        return own or has_precompile(self.around.fork, address)

    def run(
        self,
        messages: Sequence[Message],
        *,
        workers: int | Literal["auto"] = 1,
        inspector: Any = None,
    ) -> list[CallResult]:
        """What each message comes to, each by itself."""
        if len(messages) == 1 and inspector is None:
            message = priced(messages[0])
            done = self._alone(message)
            if done is not None:
                return [done]
        ready = list(map(priced, messages))
        kinds: defaultdict[tuple[bool, bool], list[int]] = defaultdict(list)
        for place, message in enumerate(ready):
            kinds[_pays_nothing(message)].append(place)
        results: list[Any] = [None] * len(ready)
        for places in kinds.values():
            context = self._context_for(ready[places[0]])
            vm = self._vm(context, inspector)
            among = places if len(kinds) > 1 else None
            outcomes = self._outcomes([ready[place] for place in places], vm, workers, among)
            for place, outcome in zip(places, outcomes, strict=True):
                results[place] = self._result(ready[place], outcome)
        return results

    def run_plain(
        self, messages: list[Message], workers: int | Literal["auto"]
    ) -> Sequence[CallResult] | None:
        """The same for messages that name little and surely are right; None: one may not be."""
        vm = self._vm(self.around.for_free(gas=True, blobs=False))
        steps = CallSteps(Overrides(self._writes), messages, self.gas_cap)
        bound = vm.bind_calls(steps, Message)
        if bound is None:
            return None
        created = {  # as the state is now
            step - 1: self.created_by(messages[step - 1].sender)
            for step in bound.prepared.creations()
        }
        return CallResults(self._executed(bound, vm, workers).outcomes, created)

    def _alone(self, message: Message) -> CallResult | None:
        """What one message comes to, at less than an engine's start costs; None: ask the engine.

        The engine has the words for whatever goes wrong.
        """
        if not hasattr(self.state, "__blockstm_state__"):
            return None
        vm = self._vm(self._context_for(message))
        [authorities] = authorities_of([message]) if message.authorizations else [()]
        session = Session(LOCATIONS, LOCATION_VALUES, self.state)
        for location, value in self._writes.items():
            session.put(location, value)
        try:
            done = session.run(vm.__blockstm_bind__([self._step(message, authorities)]))
        except InvalidTransaction as rejection:
            return CallResult(None, rejection)
        except Exception:
            return None
        return self._came_to(message, done)

    def _vm(self, context: BlockContext, inspector: Any = None) -> Evm:
        own = self.around.chain.opcodes
        return Evm(
            self.around.fork,
            context,
            precompiles=self.precompiles,
            opcodes=own,
            inspector=inspector,
        )

    def _context_for(self, message: Message) -> BlockContext:
        gas, blobs = _pays_nothing(message)
        return self.around.for_free(gas=gas, blobs=blobs)

    def traced(self, message: Message, tracer: Tracer) -> CallResult:
        """What a message comes to, with its trace; see `recorded`."""
        result, traced = self.recorded(message, tracer)
        return result if traced is None else replace(result, trace=tracer.trace(traced))

    def recorded(
        self, message: Message, tracer: Tracer
    ) -> tuple[CallResult, TracedTransaction | None]:
        """What a message comes to, and what a tracer makes its trace of; None if it cannot begin.

        Raises:
            InputError: it is no tracer.
            ConfigError: there is no block for it.
            TraceTooLarge: more is recorded than the tracer's ``bytes_max``.
        """
        if not isinstance(tracer, Tracer):
            raise InputError(f"a tracer is a blockstm.ethereum.tracing.Tracer, not {brief(tracer)}")
        header = self.around.header
        if header is None:
            raise ConfigError("a tracer tells of a block: call(..., block=header)")
        nonce = self.get(nonce_of(message.sender), 0)
        message = replace(priced(message), gas=self._gas_of(message), nonce=nonce)
        transaction = unsigned_transaction(message, self.around.chain.chain_id)
        vm = self._vm(self._context_for(message))
        recorder = Recorder(tracer.mask, bytes_max=tracer.bytes_max)
        outcome, after = self._recorded(message, vm.inspected_by(recorder))
        if outcome.value is None:
            return self._result(message, outcome), None

        def code_of(code_hash: Hash32) -> bytes:
            code: bytes = after.get(code_with(code_hash), b"")
            return code

        own = frozenset(self.around.chain.precompiles)
        traced = TracedTransaction(
            0,
            transaction,
            message.sender,
            header,
            self.around.fork,
            outcome.value,
            0,
            recorder.events[1],
            code_of,
            frozenset(precompiles_of(self.around.fork)) | own,
        )
        return self._result(message, outcome), traced

    def _recorded(self, message: Message, vm: Evm) -> tuple[Outcome, StateAfter]:
        """The outcome of a message, and the state with what it changed."""
        [authorities] = authorities_of([message])
        step = Unsigned(message, authorities, keeps_changes=True)
        result = self._executed([Overrides(self._writes), step], vm, 1)
        return result.outcomes[1], StateAfter(self.state, result.writes)

    def _outcomes(
        self,
        messages: Sequence[Message],
        vm: Evm,
        workers: int | Literal["auto"],
        among: Sequence[int] | None,
    ) -> Sequence[Outcome]:
        """The first step is not a message, be there overrides or not: so inspectors count.

        ``among``: where these messages stand among more; None: they are all.
        """
        steps: list[Step] = [Overrides(self._writes)]
        authorities: Sequence[Sequence[Address | None]] = [()] * len(messages)
        if any(message.authorizations for message in messages):
            authorities = authorities_of(messages)
        steps += map(self._step, messages, authorities)
        return self._executed(steps, vm, workers, among).outcomes[1:]

    def _executed(
        self,
        steps: Sequence[Step],
        vm: Evm,
        workers: int | Literal["auto"],
        among: Sequence[int] | None = None,
    ) -> BlockResult:
        try:
            return engine.run(steps, self.state, vm, workers=workers, on_invalid="skip")
        except (StateError, TransactionError) as error:
            if isinstance(error.__cause__, TraceTooLarge):
                raise error.__cause__ from None
            if among is None:
                raise error_of_the_block(error, range(1, len(steps))) from error.__cause__
            moved = _among_all(error, among)
            raise error_of_the_block(moved, range(1, among[-1] + 2)) from error.__cause__

    def _step(self, message: Message, authorities: Sequence[Address | None]) -> Unsigned:
        return Unsigned(message, authorities, gas=self._gas_of(message))

    def _gas_of(self, message: Message) -> int:
        return self.gas_cap if message.gas is None else min(message.gas, self.gas_cap)

    def _result(self, message: Message, outcome: Outcome) -> CallResult:
        if outcome.value is None:
            return result_of(outcome)
        return self._came_to(message, outcome.value)

    def _came_to(self, message: Message, done: Execution) -> CallResult:
        created = None if message.to is not None else self.created_by(message.sender)
        return CallResult(done, created=created)

    def created_by(self, sender: Address) -> Address:
        """Where a message of this sender creates a contract."""
        return Address(keccak(encode([sender, self.get(nonce_of(sender), 0)]))[12:])


def _among_all(error: BlockError, among: Sequence[int]) -> BlockError:
    """An error about a step of some messages, as one of all: what has run is no prefix of those."""
    moved = type(error)(str(error), among[error.index - 1] + 1 if error.index else None)
    moved.__cause__ = error.__cause__
    return moved


def _pays_nothing(message: Message) -> tuple[bool, bool]:
    """Whether it pays nothing for its gas, and nothing for its blobs."""
    return message.is_free, message.blob_hashes is not None and not message.max_fee_per_blob_gas
