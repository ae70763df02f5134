"""Codes that jump a lot and compute with constants near powers of two, and a model that runs them.

The model goes one opcode after the other, as the Yellow Paper does, and knows nothing of blocks or
translations. No test of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

__all__ = ["Run", "jumpy_code", "run"]

SIZE = 1 << 256
SIGN = 1 << 255
EDGES = (0, 1, 8, 16, 24, 32, 64, 72, 112, 160, 192, 223, 224, 232, 248, 255, 256)
POP, CALLVALUE, CALLER, MLOAD, MSTORE, JUMP, JUMPI = 0x50, 0x34, 0x33, 0x51, 0x52, 0x56, 0x57
PC, GAS, JUMPDEST, PUSH0, DUP1, SWAP1, RETURN, STOP = 0x58, 0x5A, 0x5B, 0x5F, 0x80, 0x90, 0xF3, 0
MEMORY_WORDS = 16


def _signed(word: int) -> int:
    return word - SIZE if word >= SIGN else word


def _sign_extended(index: int, word: int) -> int:
    if index > 30:
        return word
    bits = 8 * index + 8
    low = word & ((1 << bits) - 1)
    return low - (1 << bits) if low >> (bits - 1) else low


BINARY: dict[int, tuple[int, Callable[[int, int], int]]] = {
    0x01: (3, lambda a, b: a + b),
    0x02: (5, lambda a, b: a * b),
    0x03: (3, lambda a, b: a - b),
    0x04: (5, lambda a, b: a // b if b else 0),
    0x06: (5, lambda a, b: a % b if b else 0),
    0x0B: (5, _sign_extended),
    0x10: (3, lambda a, b: a < b),
    0x11: (3, lambda a, b: a > b),
    0x12: (3, lambda a, b: _signed(a) < _signed(b)),
    0x13: (3, lambda a, b: _signed(a) > _signed(b)),
    0x14: (3, lambda a, b: a == b),
    0x16: (3, lambda a, b: a & b),
    0x17: (3, lambda a, b: a | b),
    0x18: (3, lambda a, b: a ^ b),
    0x1A: (3, lambda a, b: b >> (248 - 8 * a) & 0xFF if a < 32 else 0),
    0x1B: (3, lambda a, b: b << a if a < 256 else 0),
    0x1C: (3, lambda a, b: b >> a if a < 256 else 0),
    0x1D: (3, lambda a, b: _signed(b) >> min(a, 256)),
}
"""Opcode → its gas, and what it makes of the topmost word and the one below."""

UNARY: dict[int, Callable[[int], int]] = {0x15: lambda a: a == 0, 0x19: lambda a: ~a}


class Run(NamedTuple):
    """What a call came to."""

    succeeded: bool
    gas_used: int
    output: bytes


class _Failed(Exception):
    pass


def run(code: bytes, gas: int, caller: int, value: int) -> Run:
    """A call's code, opcode by opcode, in Osaka; `gas` is what the code has."""
    try:
        left, output = _Model(code, gas, caller, value).run()
    except (_Failed, IndexError):
        return Run(False, gas, b"")
    return Run(True, gas - left, output)


class _Model:
    def __init__(self, code: bytes, gas: int, caller: int, value: int) -> None:
        self.code, self.gas, self.caller, self.value = code, gas, caller, value
        self.stack: list[int] = []
        self.memory = bytearray()
        self.jumpdests = set()
        at = 0
        while at < len(code):
            if code[at] == JUMPDEST:
                self.jumpdests.add(at)
            at += 1 + (code[at] - PUSH0 if PUSH0 < code[at] < DUP1 else 0)

    def run(self) -> tuple[int, bytes]:
        at = 0
        while at < len(self.code):
            opcode = self.code[at]
            if opcode in (STOP, RETURN):
                return self._end(opcode)
            at = self._step(opcode, at)
            if len(self.stack) > 1024:
                raise _Failed
        return self.gas, b""

    def _end(self, opcode: int) -> tuple[int, bytes]:
        if opcode == STOP:
            return self.gas, b""
        begin, size = self.stack.pop(), self.stack.pop()
        self._reach(begin + size if size else 0)
        return self.gas, bytes(self.memory[begin : begin + size])

    def _step(self, opcode: int, at: int) -> int:
        """Where to go on."""
        stack, pop = self.stack, self.stack.pop
        if PUSH0 <= opcode < DUP1:
            size = opcode - PUSH0
            self._pay(3 if size else 2)
            data = self.code[at + 1 : at + 1 + size]
            stack.append(int.from_bytes(data.ljust(size, b"\0"), "big"))
            return at + 1 + size
        if opcode in (JUMP, JUMPI):
            self._pay(8 if opcode == JUMP else 10)
            target = pop()
            if opcode == JUMPI and pop() == 0:
                return at + 1
            if target not in self.jumpdests:
                raise _Failed
            return target
        if opcode in BINARY:
            cost, function = BINARY[opcode]
            self._pay(cost)
            stack.append(int(function(pop(), pop())) % SIZE)
        elif opcode in UNARY:
            self._pay(3)
            stack.append(int(UNARY[opcode](pop())) % SIZE)
        elif DUP1 <= opcode < SWAP1:
            self._pay(3)
            stack.append(stack[DUP1 - 1 - opcode])
        elif SWAP1 <= opcode < SWAP1 + 16:
            self._pay(3)
            other = SWAP1 - 2 - opcode
            stack[-1], stack[other] = stack[other], stack[-1]
        else:
            self._work(opcode, at)
        return at + 1

    def _work(self, opcode: int, at: int) -> None:
        stack = self.stack
        if opcode in (MSTORE, MLOAD):
            self._pay(3)
            begin = stack.pop()
            word = stack.pop() if opcode == MSTORE else 0
            self._reach(begin + 32)
            if opcode == MSTORE:
                self.memory[begin : begin + 32] = word.to_bytes(32, "big")
            else:
                stack.append(int.from_bytes(self.memory[begin : begin + 32], "big"))
            return
        self._pay(1 if opcode == JUMPDEST else 2)
        if opcode == POP:
            stack.pop()
        elif opcode != JUMPDEST:
            pushed = {PC: at, GAS: self.gas, CALLER: self.caller, CALLVALUE: self.value}
            if opcode not in pushed:
                raise _Failed
            stack.append(pushed[opcode])

    def _pay(self, gas: int) -> None:
        self.gas -= gas
        if self.gas < 0:
            raise _Failed

    def _reach(self, end: int) -> None:
        before, after = len(self.memory) // 32, (end + 31) // 32
        if after > before:
            self._pay(3 * (after - before) + after**2 // 512 - before**2 // 512)
            self.memory.extend(bytes(32 * (after - before)))


# ---- codes


def _push(number: int, size: int = 0) -> bytes:
    size = size or (number.bit_length() + 7) // 8
    return bytes([PUSH0 + size]) + number.to_bytes(size, "big")


def _constant(random: Random) -> bytes:
    kind = random.randrange(8)
    if kind == 0:
        number = random.choice((0x5B, 0x5B5B5B5B, 0x08C379A0 << 224, 0x5B << 248))
    elif kind == 1:
        number = random.getrandbits(8 * random.randrange(1, 33))
    elif kind == 2:
        number = random.getrandbits(32) << 224
    else:
        number = (1 << random.choice(EDGES)) + random.choice((-2, -1, -1, 0, 0, 1))
        number = -number if random.random() < 0.2 else number
    return _push(number % SIZE, random.choice((0, 0, 0, 0, 32)))


def _computed(random: Random) -> bytes:
    """A word more on the stack."""
    word = bytes([random.choice((CALLER, CALLVALUE, GAS, PC, MLOAD, PUSH0))])
    if word == bytes([MLOAD]):
        word = _push(32 * random.randrange(MEMORY_WORDS), 2) + word
    elif random.random() < 0.1:
        word += bytes([DUP1, SWAP1])  # and one that stays
    if random.random() < 0.3:
        word += b"\x19"
    code = word + _constant(random)
    if random.random() < 0.5:
        code = _constant(random) + word
    code += bytes([random.choice([*BINARY])])
    if random.random() < 0.3:
        code += _constant(random) + bytes([random.choice([*BINARY])])
    return code


def _statement(random: Random) -> bytes:
    """Something that is put into memory, or left."""
    if random.random() < 0.1:
        return _computed(random) + (bytes([POP]) if random.random() < 0.5 else b"")
    return _computed(random) + _push(32 * random.randrange(MEMORY_WORDS), 2) + bytes([MSTORE])


class _Label(NamedTuple):
    number: int
    size: int  # of the PUSH


def jumpy_code(random: Random) -> bytes:
    """Segments in any order that begin with JUMPDESTs; many do nothing but jump to another."""
    count = random.choice((3, 6, 12, 25, 50))
    hops = random.choice((0.2, 0.6, 0.9))
    order = random.sample(range(1, count), count - 1)
    segments = {number: _segment(random, number, count, hops) for number in [0, *order]}
    starts: dict[int, int] = {}
    at = 0
    for number, segment in segments.items():
        starts[number] = at
        at += sum(1 + part.size if isinstance(part, _Label) else len(part) for part in segment)
    code = b""
    for segment in segments.values():
        for part in segment:
            if isinstance(part, bytes):
                code += part
            else:
                code += _push(_place(random, starts[part.number]) % 256**part.size, part.size)
    return code


def _place(random: Random, start: int) -> int:
    if random.random() < 0.005:  # perhaps none
        return random.choice((start + random.randrange(-3, 6), 2**31, 2**32 - 1)) % 2**32
    return start


def _segment(random: Random, number: int, count: int, hops: float) -> list[bytes | _Label]:
    is_back = number == count - 1 or random.random() < 0.05
    to = random.randrange(count) if is_back else random.randrange(number + 1, count)
    if random.random() < hops / 2 and not is_back:
        to = number + 1
    target = _Label(to, random.choice((2, 2, 2, 2, 3, 4, 8, 32)))
    returns = [_push(32 * MEMORY_WORDS, 2), bytes([PUSH0, RETURN])]
    if random.random() < hops and number < count - 1:
        return [bytes([JUMPDEST]), target, bytes([JUMP])]
    parts: list[bytes | _Label] = [bytes([JUMPDEST]) * random.choice((1, 1, 1, 2, 3, 4, 7))]
    parts += [_statement(random) for _ in range(random.randrange(4))]
    kind = random.randrange(8)
    if number == count - 1:
        parts += returns
    elif kind < 4:
        parts += [target, bytes([JUMP])]
    elif kind < 7:
        parts += [_computed(random), b"\x15" * random.randrange(3), target, bytes([JUMPI])]
    else:
        parts += [_constant(random), target, bytes([JUMPI])]
    if random.random() < 0.03:
        parts.append(bytes([POP] * random.randrange(4)))
    return parts
