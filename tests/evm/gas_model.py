"""The two kinds of gas of Amsterdam once more, in plain Python: a second opinion for the EVM.

It knows programs of a few operations only, but all of their gas: what is cold and warm, what frames
hand to each other, what comes back where one fails (EIP-2780, 8037, 8038). No test of its own.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

BYTE, ACCOUNT_BYTES, SLOT_BYTES = 1530, 120, 64
CAP = 2**24
PUSH, GAS_OPCODE, POP = 3, 2, 2

Program = tuple[tuple[str, int, int], ...]
"""Operations with two operands each, see `Model.step`; the last one ends the frame."""


class Halt(Exception):
    """A frame that fails exceptionally."""


class Reverted(Exception):
    """A frame that reverts."""


@dataclass
class State:
    """What a revert takes back. A contract is its index; who is sent ether is a negative number."""

    storage: dict[tuple[int, int], int]
    warm: set[int] = field(default_factory=set)
    warm_slots: set[tuple[int, int]] = field(default_factory=set)
    alive: set[int] = field(default_factory=set)
    refund: int = 0


@dataclass
class Frame:
    """The meters of one frame."""

    left: int
    reservoir: int
    baseline: int
    spill: int = 0
    has_memory: bool = False

    def charge(self, gas: int) -> None:
        if gas > self.left:
            raise Halt
        self.left -= gas

    def charge_state(self, size: int) -> None:
        gas = size * BYTE
        beyond = max(gas - self.reservoir, 0)
        if beyond > self.left:
            raise Halt
        self.reservoir -= gas - beyond
        self.left -= beyond
        self.spill += beyond

    def refill(self, size: int) -> None:
        gas = size * BYTE
        back = min(gas, self.spill)
        self.left += back
        self.spill -= back
        self.reservoir += gas - back

    def absorb(self, child: Frame, succeeded: bool) -> None:
        self.left += child.left
        self.reservoir = child.reservoir
        self.spill += child.spill
        if succeeded:
            repaid = min(self.reservoir, self.spill)
            self.left += repaid
            self.reservoir -= repaid
            self.spill -= repaid


@dataclass
class Charged:
    """What a transaction comes to."""

    succeeded: bool
    paid: int
    execution: int
    state: int


class Model:
    """Programs by index, and a state that they share."""

    def __init__(self, programs: list[Program], storage: dict[tuple[int, int], int]) -> None:
        self.programs = programs
        self.original = dict(storage)
        self.state = State(dict(storage))

    def run(self, gas: int) -> Charged:
        """A transaction that calls the first program without value."""
        intrinsic = 15_000
        left = min(CAP - intrinsic, gas - intrinsic)
        reservoir = gas - intrinsic - left
        self.state.warm.add(0)
        frame = Frame(left, reservoir, reservoir)
        succeeded = self.frame(0, frame)
        used = gas - frame.left - frame.reservoir
        state = reservoir - frame.reservoir + frame.spill
        paid = used - min(used // 5, self.state.refund)
        return Charged(succeeded, max(paid, 15_000), max(used - state, 15_000), state)

    def frame(self, index: int, frame: Frame) -> bool:
        """Run a program to its end; whether it succeeded."""
        before = deepcopy(self.state)
        try:
            for operation in self.programs[index]:
                self.step(index, frame, *operation)
        except (Halt, Reverted) as ending:
            self.state = before
            frame.left += frame.spill
            frame.spill = 0
            frame.reservoir = frame.baseline
            if isinstance(ending, Halt):
                frame.left = 0
            return False
        return True

    def step(self, index: int, frame: Frame, name: str, a: int, b: int) -> None:
        """One operation: store b in slot a; call a; send a wei to b; create with initcode b."""
        if name == "store":
            frame.charge(2 * PUSH)
            self.store(frame, (index, a), b)
        elif name == "call":
            frame.charge(6 * PUSH + GAS_OPCODE)
            self.touch(frame, a)
            child = self.child(frame)
            frame.absorb(child, self.frame(a, child))
            frame.charge(POP)
        elif name == "send":
            self.send(frame, a)
        elif name == "create":
            self.create(frame)
        elif name == "revert":
            frame.charge(2 * PUSH)
            raise Reverted
        elif name == "invalid":
            raise Halt

    def child(self, frame: Frame) -> Frame:
        gas = frame.left - frame.left // 64
        frame.left -= gas
        return Frame(gas, frame.reservoir, frame.reservoir)

    def touch(self, frame: Frame, account: int, more: int = 0) -> None:
        frame.charge((100 if account in self.state.warm else 3_000) + more)
        self.state.warm.add(account)

    def store(self, frame: Frame, slot: tuple[int, int], value: int) -> None:
        if frame.left <= 2_300:
            raise Halt
        state = self.state
        cost = 100 if slot in state.warm_slots else 2_100
        state.warm_slots.add(slot)
        current, original = state.storage.get(slot, 0), self.original.get(slot, 0)
        if value != current:
            if original and current and not value:
                state.refund += 11_616
            if original and not current:
                state.refund -= 11_616
            if value == original:
                state.refund += 10_000
                if not original:
                    frame.refill(SLOT_BYTES)
            if current == original:
                cost += 10_000
        frame.charge(cost)
        if not original and not current and value:
            frame.charge_state(SLOT_BYTES)
        state.storage[slot] = value

    def send(self, frame: Frame, to: int) -> None:
        """One wei, and no gas but the stipend, which comes back."""
        frame.charge(7 * PUSH)
        self.touch(frame, to, 11_300)
        if to not in self.state.alive:
            frame.charge_state(ACCOUNT_BYTES)
        self.state.alive.add(to)
        frame.left += 2_300
        frame.charge(POP)

    def create(self, frame: Frame) -> None:
        """A contract whose initcode halts: it leaves nothing but its creator's nonce."""
        frame.charge(5 * PUSH + 3)  # of MSTORE8 and of CREATE
        frame.charge(0 if frame.has_memory else 3)
        frame.has_memory = True
        frame.charge(12_000 + 2)
        frame.charge_state(ACCOUNT_BYTES)
        child = self.child(frame)
        child.left = 0
        frame.absorb(child, succeeded=False)
        frame.refill(ACCOUNT_BYTES)
        frame.charge(POP)
