"""Programs that mean something: valid use of the stack, jumps to where one may jump, calls among a
few contracts, storage they share; and now and then none of that.

What is drawn never depends on what was drawn before but for the writer's height and the budget, so
that Hypothesis can shrink a program by shrinking its choices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fuzz import boundaries
from tests.fuzz.choices import Choices
from tests.fuzz.inputs import precompile_input
from tests.fuzz.writing import TALLEST, Writer, exists

from blockstm.bench.evm.assembly import OPCODES
from blockstm.vm.forks import OSAKA, Fork, fork_named

_ARITHMETIC = (
    "ADD MUL SUB DIV SDIV MOD SMOD EXP SIGNEXTEND LT GT SLT SGT EQ AND OR XOR BYTE SHL SHR SAR "
    "ADDMOD MULMOD ISZERO NOT CLZ"
)
_ENVIRONMENT = (
    "ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE COINBASE "
    "TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBBASEFEE PC MSIZE GAS "
    "PUSH0"
)
ARITHMETIC = _ARITHMETIC.split()
ENVIRONMENT = _ENVIRONMENT.split()
CALLS = ("CALL", "CALL", "CALL", "STATICCALL", "DELEGATECALL", "CALLCODE")

COMFORTABLE = 9
"""Words above the floor from which on statements put away what they compute."""

SLOTS = (0, 1, 2, 3, 2**256 - 1, 0x290DECD9548B62A8D60345A988386FC84BA6BC95484008F6362F93160EF3E563)
"""The slots that programs share."""

_FAST_PRECOMPILES = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09)
_SLOW_PRECOMPILES = (0x08, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x100)


@dataclass(frozen=True)
class Surroundings:
    """What a program may know of where it will run.

    Attributes:
        fork: whose opcodes it uses, and rarely those of later ones.
        number: of the block.
        addresses: who is there, or may come to be.
        slow: whether to call precompiles that take the oracles a second.
    """

    fork: Fork
    number: int
    addresses: Sequence[bytes]
    slow: bool = False


class Program:
    """One program in the making: `statement` after `statement` until the budget is spent."""

    def __init__(
        self, choices: Choices, around: Surroundings, budget: int, nesting: int = 0
    ) -> None:
        self.choices = choices
        self.around = around
        self.budget = budget
        self.nesting = nesting
        self.writer = Writer()

    def code(self) -> bytes:
        """The program, as the last thing that is done with it."""
        while self.budget > 0:
            self.statement()
        self.ending()
        code = self.writer.finished()
        return mutated(self.choices, code) if self.choices.chance(4) else code

    def statement(self) -> None:
        """One of `_STATEMENTS`."""
        self.budget -= 1
        self.choices.weighed(_STATEMENTS)(self)
        writer = self.writer
        if writer.height > writer.floor + COMFORTABLE:
            self.put_away()

    def body(self, share: int) -> None:
        """Statements that leave the stack as high as they found it."""
        height, floor = self.writer.height, self.writer.floor
        self.writer.floor = height
        spent = min(self.budget, share)
        self.budget -= spent
        rest, self.budget = self.budget, spent
        while self.budget > 0:
            self.statement()
        self.budget = rest
        self.writer.level(height)
        self.writer.floor = floor

    # ---- operands

    def has(self, opcode: str) -> bool:
        """Whether to use the opcode: if the fork has it; one in 200 times if not."""
        return exists(opcode, self.around.fork) or self.choices.number(0, 199) == 199

    def operand(self) -> None:
        """Push a word: a constant, a copy of one below, or something of the environment."""
        kind = self.choices.number(0, 9)
        writer = self.writer
        if kind <= 4:
            self.constant(boundaries.word(self.choices))
        elif kind <= 6 and writer.height:
            writer.dup(self.choices.number(1, min(16, writer.height)))
        elif kind == 7:
            writer.push(boundaries.offset(self.choices))
            writer.op(self.choices.pick(("CALLDATALOAD", "MLOAD")))
        elif kind == 8:
            self.slot()
            writer.op("SLOAD")
        else:
            name = self.choices.pick(ENVIRONMENT)
            writer.op(name if self.has(name) else "CALLER")

    def constant(self, number: int) -> None:
        """Push a number, at times wider than need be."""
        if number == 0 and exists("PUSH0", self.around.fork) and self.choices.chance(50):
            self.writer.op("PUSH0")
        else:
            self.writer.push(number, 32 if self.choices.chance(5) else 0)

    def slot(self) -> None:
        """Push a slot."""
        self.constant(self.choices.pick(SLOTS))

    def address(self) -> None:
        """Push an address, at times with dirt above it, or what only now is known."""
        kind = self.choices.number(0, 19)
        writer = self.writer
        if kind <= 14:
            address = int.from_bytes(self.choices.pick(self.around.addresses), "big")
            writer.push(address, 20)
        elif kind == 15:
            address = int.from_bytes(self.choices.pick(self.around.addresses), "big")
            writer.push(address + (0xD1 << 160 | 1 << 255), 32)
        elif kind == 16:
            writer.push(self.choices.number(0, 18))
        elif kind == 17 and writer.height:
            writer.dup(self.choices.number(1, min(4, writer.height)))
        else:
            writer.op(self.choices.pick(("ADDRESS", "CALLER", "ORIGIN", "COINBASE")))

    def region(self) -> None:
        """Push a size, then the offset of a region of memory."""
        self.constant(boundaries.size(self.choices))
        self.constant(boundaries.offset(self.choices))

    def put_away(self) -> None:
        """Take words from the stack, into storage or memory or nowhere."""
        writer = self.writer
        while writer.height > writer.floor + 3:
            kind = self.choices.number(0, 3)
            if kind == 0:
                self.slot()
                writer.op("SSTORE")
            elif kind == 1:
                self.constant(boundaries.offset(self.choices))
                writer.op("MSTORE")
            else:
                writer.op("POP")

    # ---- statements

    def compute(self) -> None:
        """An operation on numbers."""
        name = self.choices.pick(ARITHMETIC)
        if not self.has(name):
            name = "ADD"
        taken = {"ISZERO": 1, "NOT": 1, "CLZ": 1, "ADDMOD": 3, "MULMOD": 3}.get(name, 2)
        for _ in range(taken):
            self.operand()
        self.writer.op(name)

    def swap(self) -> None:
        """Exchange words above the floor."""
        writer = self.writer
        deepest = min(16, writer.height - writer.floor - 1)
        if deepest >= 1:
            writer.swap(self.choices.number(1, deepest))

    def look_around(self) -> None:
        """Something of the block, the transaction or another account."""
        writer = self.writer
        kind = self.choices.number(0, 5)
        if kind <= 1:
            name = self.choices.pick(ENVIRONMENT)
            writer.op(name if self.has(name) else "NUMBER")
        elif kind == 2:
            ago = self.choices.pick((0, 1, 2, 255, 256, 257))
            self.constant((self.around.number - ago) % boundaries.WORD)
            writer.op("BLOCKHASH")
        elif kind == 3 and self.has("BLOBHASH"):
            self.constant(self.choices.pick((0, 1, 2, 2**64, 2**256 - 1)))
            writer.op("BLOBHASH")
        else:
            self.address()
            name = self.choices.pick(("BALANCE", "EXTCODESIZE", "EXTCODEHASH"))
            writer.op(name if self.has(name) else "BALANCE")

    def store(self) -> None:
        """Write a slot, often with what it may have had before."""
        if self.choices.chance(60):
            self.constant(self.choices.number(0, 2))
        else:
            self.operand()
        self.slot()
        transient = self.choices.chance(20) and self.has("TSTORE")
        self.writer.op("TSTORE" if transient else "SSTORE")

    def fetch(self) -> None:
        """Read a slot."""
        self.slot()
        transient = self.choices.chance(20) and self.has("TLOAD")
        self.writer.op("TLOAD" if transient else "SLOAD")

    def remember(self) -> None:
        """Write to memory."""
        writer = self.writer
        kind = self.choices.number(0, 5)
        if kind <= 2:
            self.operand()
            self.constant(boundaries.offset(self.choices))
            writer.op(self.choices.pick(("MSTORE", "MSTORE", "MSTORE8")))
            return
        names = ["CALLDATACOPY", "CODECOPY", "EXTCODECOPY"]
        names += [name for name in ("RETURNDATACOPY", "MCOPY") if self.has(name)]
        name = self.choices.pick(names)
        if name == "RETURNDATACOPY" and self.choices.chance(97):  # all there is, which never fails
            writer.op("RETURNDATASIZE")
            self.constant(0)
        else:
            self.region()
        self.constant(boundaries.offset(self.choices))
        if name == "EXTCODECOPY":
            self.address()
        writer.op(name)

    def hash(self) -> None:
        """A Keccak of memory."""
        self.region()
        self.writer.op("KECCAK256")

    def log(self) -> None:
        """An entry of the log."""
        topics = self.choices.number(0, 4)
        for _ in range(topics):
            self.operand()
        self.region()
        self.writer.op(f"LOG{topics}")

    def call(self) -> None:
        """A call of any kind to someone of the pool."""
        name = self.choices.pick(CALLS)
        if not self.has(name):
            name = "CALL"
        self.region()
        self.region()
        if name in ("CALL", "CALLCODE"):
            self.constant(self.choices.pick((0, 0, 0, 1, 1, 1000, 2**200)))
        self.address()
        self.gas()
        self.writer.op(name)
        self.after_call()

    def gas(self) -> None:
        """Push what a call is given: nearly all, little, or more than there is."""
        kind = self.choices.number(0, 9)
        if kind <= 2:
            self.writer.op("GAS")
        elif kind <= 8:
            gas = (0, 700, 2300, 3000, 9000, 25_000, 25_000, 40_000, 60_000, 60_000, 90_000)
            self.constant(self.choices.pick(gas))
        else:
            self.constant(self.choices.pick((2**63, 2**64 - 1, 2**64, 2**256 - 1)))

    def after_call(self) -> None:
        """What a program does with the answer."""
        writer = self.writer
        kind = self.choices.number(0, 5)
        if kind == 0:
            self.slot()
            writer.op("SSTORE")
        elif kind == 1 and self.has("RETURNDATASIZE"):
            writer.op("RETURNDATASIZE")
        elif kind == 2:
            writer.push(boundaries.offset(self.choices))
            writer.op("MLOAD")

    def precompile(self) -> None:
        """Call a precompile with an input from the data behind the code."""
        writer = self.writer
        address = self.choices.pick(_FAST_PRECOMPILES)
        if self.around.slow:
            address = self.choices.pick(_SLOW_PRECOMPILES)
        given = precompile_input(self.choices, address)
        writer.push(len(given))
        writer.push_label(writer.data(given))
        writer.push(0)
        writer.op("CODECOPY")
        name = self.choices.pick(CALLS)
        if not self.has(name):
            name = "CALL"
        writer.push(self.choices.pick((32, 64, 128, 0, 33)))
        writer.push(self.choices.pick((0, 256)))
        writer.push(len(given))
        writer.push(0)
        if name in ("CALL", "CALLCODE"):
            self.constant(self.choices.pick((0, 0, 0, 0, 1)))
        writer.push(address)
        if self.choices.chance(30):
            writer.op("GAS")
        else:
            self.constant(self.choices.pick((0, 60, 150, 3000, 3001, 8000, 50_000, 150_000)))
        writer.op(name)
        self.after_call()

    def create(self) -> None:
        """Create a contract, and at times call it at once."""
        writer = self.writer
        initcode = self.initcode()
        writer.push(len(initcode))
        writer.push_label(writer.data(initcode))
        writer.push(0)
        writer.op("CODECOPY")
        salted = self.choices.chance(50) and self.has("CREATE2")
        if salted:
            self.constant(self.choices.number(0, 1))
        writer.push(len(initcode))
        writer.push(0)
        self.constant(self.choices.pick((0, 0, 0, 1, 2**200)))
        writer.op("CREATE2" if salted else "CREATE")
        if self.choices.chance(50):
            for _ in range(5):
                writer.push(0)
            writer.dup(6)
            writer.op("GAS")
            writer.op("CALL")

    def initcode(self) -> bytes:
        """What runs when a contract is created: often it returns another program."""
        if self.nesting >= 2:
            return bytes.fromhex("600160005560016000f3")  # stores, and returns one zero byte
        kind = self.choices.number(0, 9)
        inner = Program(self.choices, self.around, min(self.budget, 6), self.nesting + 1)
        if kind <= 3:
            runtime = inner.code()
            outer = Program(self.choices, self.around, 1, self.nesting + 1)
            outer.body(1)
            return outer.returning(runtime)
        if kind == 4:
            bad = self.choices.pick(
                (b"\xef", b"\xef\x00", b"\xef\x01\x00" + bytes(20), b"", b"\xfe")
            )
            return Program(self.choices, self.around, 0, self.nesting + 1).returning(bad)
        return inner.code()

    def returning(self, data: bytes) -> bytes:
        """The program so far, which ends by returning some data."""
        writer = self.writer
        writer.push(len(data))
        writer.push_label(writer.data(data))
        writer.push(0)
        writer.op("CODECOPY")
        writer.push(len(data))
        writer.push(0)
        writer.op("RETURN")
        return writer.finished()

    # ---- control flow

    def choose(self) -> None:
        """A body that is skipped where a condition holds."""
        self.operand()
        if self.choices.chance(50):
            self.writer.op("ISZERO")
        skip = self.writer.label()
        self.writer.push_label(skip)
        self.writer.op("JUMPI")
        self.body(self.choices.number(1, 4))
        self.writer.put(skip)

    def repeat(self) -> None:
        """A body that is run a few times; its counter lies below its floor."""
        writer = self.writer
        writer.push(self.choices.number(1, 4))
        again = writer.label()
        writer.put(again)
        self.body(self.choices.number(1, 4))
        writer.push(1)
        writer.swap(1)
        writer.op("SUB")
        writer.dup(1)
        writer.push_label(again)
        writer.op("JUMPI")
        writer.op("POP")

    def subroutine(self) -> None:
        """A body that is jumped to and comes back, behind bytes that nobody runs."""
        writer = self.writer
        back, there = writer.label(), writer.label()
        writer.push_label(back)
        writer.push_label(there)
        writer.op("JUMP")
        writer.raw(self.choices.pick((b"", b"\xfe", b"\x5b", b"\x60\x5b", b"\x7f" + b"\x5b" * 32)))
        if self.choices.chance(3):
            writer.raw(b"\x60")  # which takes the label for its data: the jump fails
        writer.put(there)
        self.body(self.choices.number(1, 3))
        writer.op("JUMP")
        writer.put(back)

    def stray(self) -> None:
        """A jump to anywhere, taken or not."""
        self.operand()
        self.operand()
        self.writer.op("JUMPI")

    def fall(self) -> None:
        """Something that ends the call, if a condition holds."""
        skip = self.writer.label()
        self.operand()
        self.writer.push_label(skip)
        self.writer.op("JUMPI")
        height = self.writer.height
        self.ending()
        self.writer.height = height
        self.writer.put(skip)

    def overflow(self) -> None:
        """Fill the stack until it overflows, or nearly."""
        writer = self.writer
        again = writer.label()
        if self.choices.chance(50):
            writer.put(again)
            writer.push(1)
            writer.push_label(again)
            writer.op("JUMP")
            writer.height -= 1
            return
        times = TALLEST - writer.height - self.choices.number(0, 2)
        if times > 0:
            writer.raw(bytes([OPCODES["PC"]]) * times + bytes([OPCODES["POP"]]) * times)

    def ending(self) -> None:
        """How a call ends."""
        writer = self.writer
        kind = self.choices.number(0, 19)
        if kind <= 3:
            writer.op("STOP")
        elif kind <= 11:
            self.region()
            writer.op("RETURN")
        elif kind <= 14 and self.has("REVERT"):
            self.region()
            writer.op("REVERT")
        elif kind == 15:
            writer.op("INVALID")
        elif kind <= 17:
            self.address()
            writer.op("SELFDESTRUCT")
        elif kind == 18:
            writer.raw(bytes([self.choices.number(0, 255)]))


_STATEMENTS: tuple[tuple[int, Callable[[Program], None]], ...] = (
    (20, Program.compute),
    (5, Program.swap),
    (10, Program.look_around),
    (18, Program.store),
    (8, Program.fetch),
    (12, Program.remember),
    (4, Program.hash),
    (5, Program.log),
    (18, Program.call),
    (6, Program.precompile),
    (6, Program.create),
    (8, Program.choose),
    (4, Program.repeat),
    (4, Program.subroutine),
    (1, Program.stray),
    (3, Program.fall),
    (1, Program.overflow),
)


def mutated(choices: Choices, code: bytes) -> bytes:
    """Code with a byte changed, added or taken away: what it then does is anybody's guess."""
    changed = bytearray(code)
    for _ in range(choices.number(1, 3)):
        place = choices.number(0, len(changed))
        kind = choices.number(0, 2)
        if kind == 0 or place == len(changed):
            changed[place:place] = choices.data(1)
        elif kind == 1:
            changed[place] = choices.number(0, 255)
        else:
            del changed[place]
    return bytes(changed)


def precompiles_of(fork: Fork) -> list[int]:
    """The numbers of the fork's precompiles."""
    last = 4
    for name, highest in (("byzantium", 8), ("istanbul", 9), ("cancun", 10), ("prague", 17)):
        if fork >= fork_named(name):
            last = highest
    return [*range(1, last + 1), *([0x100] if fork >= OSAKA else [])]
