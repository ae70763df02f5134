"""Bytecode written piece by piece, with the height of the stack known at every place.

`Writer` knows labels, data behind the code and what each opcode does to the stack; what is written
with it is up to `tests.fuzz.statements`.
"""

from __future__ import annotations

from blockstm.bench.evm.assembly import OPCODES
from blockstm.vm.forks import Fork, fork_named

_EFFECTS = {
    (0, 0): "STOP JUMPDEST INVALID",
    (
        0,
        1,
    ): "ADDRESS ORIGIN CALLER CALLVALUE CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE COINBASE "
    "TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE BLOBBASEFEE PC MSIZE GAS "
    "PUSH0",
    (1, 0): "POP JUMP SELFDESTRUCT",
    (1, 1): "ISZERO NOT CLZ BALANCE CALLDATALOAD EXTCODESIZE EXTCODEHASH BLOCKHASH BLOBHASH MLOAD "
    "SLOAD TLOAD",
    (2, 0): "MSTORE MSTORE8 SSTORE TSTORE JUMPI LOG0 RETURN REVERT",
    (2, 1): "ADD MUL SUB DIV SDIV MOD SMOD EXP SIGNEXTEND LT GT SLT SGT EQ AND OR XOR BYTE SHL SHR "
    "SAR KECCAK256",
    (3, 0): "CALLDATACOPY CODECOPY RETURNDATACOPY MCOPY LOG1",
    (3, 1): "ADDMOD MULMOD CREATE",
    (4, 0): "EXTCODECOPY LOG2",
    (4, 1): "CREATE2",
    (5, 0): "LOG3",
    (6, 0): "LOG4",
    (6, 1): "DELEGATECALL STATICCALL",
    (7, 1): "CALL CALLCODE",
}
EFFECTS = {name: effect for effect, names in _EFFECTS.items() for name in names.split()}
"""Opcode → how many words it takes from the stack, how many it puts there."""

_INTRODUCED = {
    "homestead": "DELEGATECALL",
    "byzantium": "REVERT RETURNDATASIZE RETURNDATACOPY STATICCALL",
    "constantinople": "SHL SHR SAR EXTCODEHASH CREATE2",
    "istanbul": "CHAINID SELFBALANCE",
    "london": "BASEFEE",
    "shanghai": "PUSH0",
    "cancun": "TLOAD TSTORE MCOPY BLOBHASH BLOBBASEFEE",
    "osaka": "CLZ",
}
INTRODUCED = {
    name: fork_named(fork) for fork, names in _INTRODUCED.items() for name in names.split()
}
"""Opcode → the fork that brought it, where that was not Frontier."""

TALLEST = 1024


def exists(opcode: str, fork: Fork) -> bool:
    """Whether the fork has the opcode."""
    return opcode not in INTRODUCED or fork >= INTRODUCED[opcode]


class Writer:
    """Code that grows.

    Attributes:
        height: words on the stack where the code has come to.
        floor: words that belong to someone outside (a loop's counter, where to return to), which
            are read at most.
    """

    def __init__(self) -> None:
        self.code = bytearray()
        self.height = 0
        self.floor = 0
        self._places: list[int | None] = []
        self._uses: list[tuple[int, int]] = []
        self._data: list[tuple[int, bytes]] = []

    def op(self, name: str) -> None:
        """An opcode of `EFFECTS`."""
        taken, put = EFFECTS[name]
        self.code.append(OPCODES[name])
        self.height += put - taken

    def push(self, number: int, size: int = 0) -> None:
        """The push of a number, ``size`` bytes wide or as narrow as it goes."""
        size = size or max(1, (number.bit_length() + 7) // 8)
        self.code += bytes([OPCODES["PUSH1"] + size - 1]) + number.to_bytes(size, "big")
        self.height += 1

    def dup(self, depth: int) -> None:
        """DUP1 is depth 1."""
        self.code.append(OPCODES["DUP1"] + depth - 1)
        self.height += 1

    def swap(self, depth: int) -> None:
        """SWAP1 is depth 1."""
        self.code.append(OPCODES["SWAP1"] + depth - 1)

    def level(self, height: int) -> None:
        """Pop and push until the stack is as high as that."""
        while self.height > height:
            self.op("POP")
        while self.height < height:
            self.push(0)

    # ---- labels

    def label(self) -> int:
        """A label that stands nowhere yet."""
        self._places.append(None)
        return len(self._places) - 1

    def put(self, label: int) -> None:
        """A JUMPDEST here, for the label."""
        self._places[label] = len(self.code)
        self.op("JUMPDEST")

    def push_label(self, label: int) -> None:
        """Push where a label stands, or will stand."""
        self._uses.append((len(self.code) + 1, label))
        self.push(0, 2)

    def data(self, data: bytes) -> int:
        """A label for data that will stand behind the code."""
        label = self.label()
        self._data.append((label, data))
        return label

    def raw(self, data: bytes) -> None:
        """Bytes in the midst of the code, which it jumps over."""
        self.code += data

    def finished(self) -> bytes:
        """The code with its data behind it and all labels where they stand."""
        code = bytearray(self.code)
        for label, data in self._data:
            self._places[label] = len(code)
            code += data
        for use, label in self._uses:
            place = self._places[label]
            assert place is not None, "a label was pushed and never put"
            code[use : use + 2] = min(place, 0xFFFF).to_bytes(2, "big")
        return bytes(code)
