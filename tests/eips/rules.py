"""How a rule is put to the test: in every fork, in a block with conflicts. No test of its own.

A case never runs alone. What its senders own, and what its contracts hold, comes from earlier
transactions of the same block, which the bank sends one after another: a run of the case that is
too early finds a sender without funds, or a contract whose storage is another's. Each block is run
by the reference, by 1 and 4 workers and in explored schedules, and all must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import rlp
from eth_typing import Address
from tests.ethereum.made import block_of, sealed
from tests.ethereum.made import world as complete_state
from tests.evm.world_blocks import GAS_PRICE, context, contract, transaction, words

import blockstm
from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Block, Reason
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account, AccountState
from blockstm.testing import assert_serial_equivalent
from blockstm.types import Outcome, Status
from blockstm.vm.evm import FORKS, Evm, Execution, Signed

BANK = Address(b"\xba" * 20)
TARGET, IDLE = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
BLOB_GAS = 2**17
# Of the schedules: a test passes always or never. In those of this seed cases run too early; a
# test of `test_every_eip.py` says so.
SEED = 33

# A contract that the bank calls stores the pairs of slot and value in the call data.
_INSTALLER = f"""
    0x{BANK.hex()} CALLER XOR @case JUMPI
    0
    pairs: DUP1 CALLDATASIZE GT ISZERO @installed JUMPI
    DUP1 32 ADD CALLDATALOAD DUP2 CALLDATALOAD SSTORE
    64 ADD @pairs JUMP
    installed: STOP
    case:
"""


# ------------------------------------------------------------------------------ forks


def before(fork: str) -> tuple[str, ...]:
    """The forks before one, oldest first."""
    return FORKS[: FORKS.index(fork)]


def since(fork: str, until: str | None = None) -> tuple[str, ...]:
    """A fork and those after it; those from ``until`` on are left out."""
    return FORKS[FORKS.index(fork) : None if until is None else FORKS.index(until)]


def by_fork(*, until: str | None = None, **starts: Any) -> list[tuple[str, Any]]:
    """Every fork from the first one named on with its value: fork's name → what holds from it on.

    Forks from ``until`` on are left out.

    >>> by_fork(cancun=1, osaka=2)
    [('cancun', 1), ('prague', 1), ('osaka', 2), ('amsterdam', 2)]
    """
    first, *_ = starts
    value, pairs = None, []
    for fork in since(first, until):
        value = starts.get(fork, value)
        pairs.append((fork, value))
    return pairs


# ----------------------------------------------------------------------------- blocks


@dataclass(frozen=True, slots=True)
class Ran:
    """What the transactions of a case came to, the bank's left out.

    Attributes:
        outcomes: one per transaction.
        state: after the block.
    """

    outcomes: tuple[Outcome, ...]
    state: AccountState

    @property
    def executions(self) -> tuple[Execution, ...]:
        """What each transaction did; none may have been refused."""
        assert self.reasons == (None,) * len(self.outcomes)
        return tuple(outcome.value for outcome in self.outcomes)

    @property
    def reasons(self) -> tuple[str | None, ...]:
        """Why each transaction does not belong in the block; None where it does."""
        return tuple(
            outcome.error.reason if outcome.status is Status.SKIPPED else None  # type: ignore[union-attr]  # InvalidTransaction
            for outcome in self.outcomes
        )


@dataclass(frozen=True, slots=True)
class Payment:
    """A transaction of the bank.

    Attributes:
        to: whom it pays.
        value: how much, in wei.
        storage: what an `installable` contract is to store.
    """

    to: Address
    value: int
    storage: Mapping[int, int] = field(default_factory=dict)

    def signed(self, nonce: int, base_fee: int) -> Signed:
        """The step of the block."""
        pairs = (number for pair in self.storage.items() for number in pair)
        members = {"value": self.value, "nonce": nonce, "gas": 1_000_000, "data": words(*pairs)}
        price = max(GAS_PRICE, base_fee)
        return replace(transaction(0, self.to, gas_price=price, **members), sender=BANK)


def run(
    fork: str,
    block: Sequence[Any],
    accounts: Mapping[Address, Account] | None = None,
    **changed: Any,
) -> Ran:
    """Run a block in all ways, which must agree.

    Args:
        fork: whose rules hold.
        block: `Signed` transactions of `SENDERS`, a `Payment` of the bank or another step of the
            EVM. Right before the first transaction of each sender that ``accounts`` do not name,
            the bank pays it all that its transactions may cost, and no more.
        accounts: what the block starts from, beside the bank.
        changed: members of the `BlockContext` that are not the usual ones.
    """
    accounts = {BANK: Account(10**30), **(accounts or {})}
    planned = list(_with_payments(block, accounts))
    block_context = replace(context(fork), **changed)
    base_fee, nonces = block_context.base_fee_per_gas or 0, count()
    steps = [s.signed(next(nonces), base_fee) if isinstance(s, Payment) else s for s in planned]
    evm = Evm(fork, block_context)
    state = AccountState(accounts)
    options: Any = {"workers": (1, 4), "schedules": 2, "seed": SEED, "on_invalid": "skip"}
    result = assert_serial_equivalent(steps, state, evm, reference_vm=evm, **options).result
    assert result is not None
    state.apply(result.writes)
    outcomes = []
    for step, outcome in zip(planned, result.outcomes, strict=True):
        if isinstance(step, Payment):
            assert outcome.succeeded, outcome
        else:
            outcomes.append(outcome)
    return Ran(tuple(outcomes), state)


def _with_payments(block: Sequence[Any], accounts: Mapping[Address, Account]) -> Iterator[Any]:
    paid = {*accounts}
    for step in block:
        if isinstance(step, Signed) and step.sender not in paid:
            theirs = [s for s in block if isinstance(s, Signed) and s.sender == step.sender]
            yield Payment(step.sender, sum(map(_cost, theirs)))
            paid.add(step.sender)
        yield step


def _cost(step: Signed) -> int:
    """What the sender must own, in wei."""
    sent = step.transaction
    price = sent.gas_price if sent.type < 2 else sent.max_fee_per_gas
    blobs = sent.max_fee_per_blob_gas * BLOB_GAS * len(sent.blob_hashes)
    return int(sent.gas * price + blobs + sent.value)


# ----------------------------------------------------------------------- pieces of code


def installable(source: str | bytes) -> bytes:
    """Code that does as ``source`` says, but when the bank calls it stores what it is told to.

    It begins with a few instructions of its own: jumps in ``source`` go to labels.
    """
    if isinstance(source, bytes):
        return assemble(_INSTALLER) + source
    return assemble(_INSTALLER + source)


@dataclass(frozen=True, slots=True)
class Called:
    """What came of calling code at `TARGET`.

    Attributes:
        execution: what the transaction did.
        idle: what another one came to that called code which only stops.
        state: after the block.
    """

    execution: Execution
    idle: Execution
    state: AccountState

    @property
    def gas(self) -> int:
        """What the code spent, in gas, before refunds."""
        return self.execution.gas_before_refund - self.idle.gas_before_refund

    @property
    def refund(self) -> int:
        """What was given back, in gas."""
        done = self.execution
        return done.gas_before_refund + done.state_gas - done.gas_used

    @property
    def word(self) -> int:
        """The word that was returned."""
        assert self.execution.succeeded, self.execution.error
        return int.from_bytes(self.execution.output, "big")


def call(
    fork: str,
    source: str | bytes,
    *,
    balance: int = 0,
    storage: Mapping[int, int] | None = None,
    accounts: Mapping[Address, Account] | None = None,
    changed: Mapping[str, Any] | None = None,
    **members: Any,
) -> Called:
    """Call code in a transaction, in a block that gives the code its balance and storage.

    Args:
        fork: whose rules hold.
        source: of the code.
        balance: of the contract before the call, in wei.
        storage: of the contract before the call; before the block each of its slots has another
            value.
        accounts: what else there is.
        changed: members of the block's context, see `run`.
        members: of the transaction.
    """
    storage = storage or {}
    stale = {slot: value + 1 for slot, value in storage.items()}
    there = {
        TARGET: contract(installable(source), storage=stale),
        IDLE: contract(installable("STOP")),
        **(accounts or {}),
    }
    block = [transaction(sender, to, **members) for sender, to in ((0, TARGET), (1, IDLE))]
    installed = [Payment(TARGET, balance, storage)] if balance or storage else []
    ran = run(fork, [*installed, *block], there, **(changed or {}))
    return Called(*ran.executions, ran.state)


def gas(fork: str, source: str | bytes, **options: Any) -> int:
    """What code spends, in gas, before refunds; it must succeed. Options are those of `call`."""
    called = call(fork, source, **options)
    assert called.execution.succeeded, called.execution.error
    return called.gas


def word(fork: str, source: str, **options: Any) -> int:
    """The topmost word that code leaves on the stack. Options are those of `call`."""
    return call(fork, source + " 0 MSTORE 32 0 RETURN", **options).word


def answers(fork: str, sources: Sequence[str], **options: Any) -> list[int]:
    """The topmost words that pieces of code leave on the stack, one piece after another.

    Each piece leaves one word, which stays there until all have run.
    """
    stores = " ".join(f"{32 * place} MSTORE" for place in reversed(range(len(sources))))
    source = f"{' '.join(sources)} {stores} {32 * len(sources)} 0 RETURN"
    execution = call(fork, source, **options).execution
    assert execution.succeeded, execution.error
    return numbers(execution.output)


def created_by(creator: bytes, nonce: int) -> Address:
    """Where an account creates a contract with this nonce (Yellow Paper 7)."""
    return Address(keccak(rlp.encode([creator, nonce]))[12:])


def numbers(output: bytes) -> list[int]:
    """Bytes as words."""
    return [int.from_bytes(output[at : at + 32], "big") for at in range(0, len(output), 32)]


def error(fork: str, source: str | bytes, **options: Any) -> str:
    """How code fails, in words; empty if it does not. Options are those of `call`."""
    return call(fork, source, **options).execution.error


# ------------------------------------------------------------------------- precompiles


@dataclass(frozen=True, slots=True)
class Precompiled:
    """What came of calling a precompile.

    Attributes:
        succeeded: what the call left on the stack.
        gas: what the precompile took of the gas it was given.
        output: what it wrote, cut or filled up with zeros to the size that was asked for.
    """

    succeeded: bool
    gas: int
    output: bytes


def precompile(
    fork: str, number: int, data: bytes, gas: int = 10_000_000, output: int = 32
) -> Precompiled:
    """Call a precompile from a contract, with ``gas`` and room for ``output`` bytes."""
    at = 96 + output  # behind what is returned
    source = f"""
        0 {at} MSTORE8 CALLDATASIZE 0 {at} CALLDATACOPY
        GAS {output} 96 CALLDATASIZE {at} 0 {number} {gas} CALL GAS
        0 MSTORE 32 MSTORE 64 MSTORE {at} 0 RETURN
    """
    there = {Address(number.to_bytes(20, "big")): Account(1)}  # a new account would cost
    called = call(fork, source, accounts=there, data=data, gas=gas + 5_000_000)
    returned = called.execution.output
    after, succeeded, before = numbers(returned[:96])
    price = dict(by_fork(frontier=40, tangerine_whistle=700, berlin=100))[fork]
    operands = 6 * 3 + 2 + 2  # pushes, CALLDATASIZE, the second GAS
    return Precompiled(bool(succeeded), before - after - operands - price, returned[96:])


# ---------------------------------------------------------------------------- whole blocks


def refusal_after(fork: str, parent: Mapping[str, Any], **members: Any) -> Reason | None:
    """Why an empty block with ``members`` in its header may not follow a ``parent`` of others.

    None if it may. What is not named is right, but for the difficulty.
    """
    state = complete_state()
    number = members.pop("number", 2)
    before = block_of((), fork, number=number - 1, **parent).header
    given = {"parent_hash": before.hash, "timestamp": before.timestamp + 12, **members}
    block = sealed(block_of((), fork, number=number, **given), state, fork=fork)
    return refusal(block, state, fork, parent=before)


def refusal(block: Block, state: AccountState, fork: str | None, **options: Any) -> Reason | None:
    """Why `blockstm.execute_block` refuses a block, on any workers; None if it does not.

    Without a fork it is the one that the chain has at the block.
    """
    reasons = [_refusal(block, state, fork, workers, options) for workers in (1, 2)]
    assert len(set(reasons)) == 1, reasons
    return reasons[0]


def _refusal(
    block: Block, state: AccountState, fork: str | None, workers: int, options: Mapping[str, Any]
) -> Any:
    try:
        blockstm.execute_block(block, state, "evm", fork=fork, workers=workers, **options)
    except blockstm.InvalidBlock as error:
        return error.reason
    return None
