"""A model put on chain: the transactions that do so, and the contract that is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from blockstm.ai.instructions import ADDRESSES, At, Reference, header
from blockstm.ai.model import CODE_BYTES, Model
from blockstm.errors import InputError
from blockstm.ethereum import Transaction
from blockstm.ethereum.blocks.receipt import contract_address
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.kinds import check_kind
from blockstm.reference.inference.layout import INLINE
from blockstm.types import Address

__all__ = ["Deployed", "Deployment", "contract_code", "initcode", "vyper_source"]

_INITCODE_MAX: Final = (1 << 16) - 1
"""The longest code whose size one PUSH2 says."""

_CREATION_GAS: Final = 60_000
_GAS_PER_BYTE: Final = 260
"""200 for the code, 40 at most for the data (EIP-7623), and for the words of the initcode."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """One code that is put on chain.

    Attributes:
        what: ``weights``, ``program`` or ``contract``.
        address: of the account that it makes.
        code: of that account.
        nonce: of the deployer, for this.
    """

    what: str
    address: Address
    code: bytes
    nonce: int

    @property
    def initcode(self) -> bytes:
        """The data of the creation.

        Raises:
            InputError: the code is longer than 65,535 bytes.
        """
        return initcode(self.code)

    @property
    def gas(self) -> int:
        """That a transaction with it needs at most, from Istanbul to Osaka."""
        return _CREATION_GAS + _GAS_PER_BYTE * len(self.code)


@dataclass(frozen=True)
class Deployment:
    """A model's codes, in the order in which one account creates them.

    Attributes:
        model: which is deployed.
        deployer: who sends the transactions, one after another.
        nonce: of the first.
        limit: of a code, in bytes: the fork's.

    Raises:
        InputError: the weights need more codes than a program can name, or the program is longer
            than a code may be.
    """

    model: Model
    deployer: Address
    nonce: int = 0
    limit: int = CODE_BYTES
    steps: tuple[Deployed, ...] = field(init=False)
    """Weights, then the program, then the contract."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self._steps()))

    def _steps(self) -> Iterator[Deployed]:
        check_kind(self.model, Model, "model")
        nonce, references = self.nonce, []
        for code in self.model.codes(self.limit):
            yield (step := self._step("weights", code, nonce))
            references.append(Reference.of(step.address, code))
            nonce += 1
        program = self.model.program(references)
        if len(program) > self.limit:
            raise InputError(
                f"the program of {len(self.model.instructions)} instructions and {len(references)} "
                f"codes is {len(program)} bytes; a code is {self.limit} at most"
            )
        yield (step := self._step("program", program, nonce))
        yield self._step("contract", contract_code(Reference.of(step.address, program)), nonce + 1)

    def _step(self, what: str, code: bytes, nonce: int) -> Deployed:
        creation = Transaction(
            type=0, nonce=nonce, gas=0, to=None, value=0, data=b"", v=0, r=0, s=0, gas_price=0
        )
        address = contract_address(creation, self.deployer)
        assert address is not None  # it is a creation
        return Deployed(what, address, code, nonce)

    @property
    def program(self) -> Reference:
        """The program on chain: its hash is the model's there."""
        step = self.steps[-2]
        return Reference.of(step.address, step.code)

    @property
    def contract(self) -> Address:
        """What is called with an input, and returns the output."""
        return self.steps[-1].address

    @property
    def codes(self) -> dict[Address, bytes]:
        """Address → code of all of them, once they are there."""
        return {step.address: step.code for step in self.steps}


def initcode(code: bytes) -> bytes:
    """What a creation runs to have this code: it returns what lies behind its first ten bytes.

    It works from Byzantium on.

    Raises:
        InputError: the code is longer than 65,535 bytes.
    """
    if len(code) > _INITCODE_MAX:
        raise InputError(f"a code is {_INITCODE_MAX} bytes at most, not {len(code)}")
    # PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE (0), CODECOPY, RETURNDATASIZE (0), RETURN
    return b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("80600a3d393df3") + code


def _asked(program: Reference) -> bytes:
    """What ``run`` is called with ahead of the input."""
    return header("run", (), [At(INLINE)], codes=1) + program.address + program.hash


def contract_code(program: Reference) -> bytes:
    """A contract that runs a program on its call data and returns the output, or reverts.

    It works from Byzantium on.
    """
    asked = _asked(program)
    size = len(asked).to_bytes(1, "big").hex()
    run = ADDRESSES["run"][-2:].hex()
    before = (
        # Constants, then the call data, into memory.
        f"60{size} 60XX 3d 39 36 3d 60{size} 37 "
        # STATICCALL of `run`; what it returns.
        f"3d 3d 36 60{size} 01 3d 61{run} 5a fa 3d 6000 6000 3e 60YY 57 6000 6000 fd 5b 3d 6000 f3"
    ).replace(" ", "")
    end = len(before) // 2
    jump = end - 5  # the JUMPDEST, ahead of RETURNDATASIZE, PUSH1 0, RETURN
    return bytes.fromhex(before.replace("XX", f"{end:02x}").replace("YY", f"{jump:02x}")) + asked


def vyper_source(model: Model, program: Reference) -> str:
    """The same contract in Vyper (0.4), to build a contract of one's own on.

    Args:
        model: which it calls.
        program: the program's code on chain.
    """
    check_kind(model, Model, "model")
    check_kind(program, Reference, "program")
    return f'''# pragma version >=0.4.0
"""
@title Inference by {_plain(model.name) or "a compiled model"}
@notice The program at 0x{program.address.hex()} of the hash 0x{program.hash.hex()}.
"""

RUN: constant(address) = {_checksummed(ADDRESSES["run"])}
ASKED: constant(Bytes[148]) = x"{_asked(program).hex()}"


@internal
@view
def _infer(given: Bytes[{model.input.size}]) -> Bytes[{model.output.size}]:
    return raw_call(
        RUN, concat(ASKED, given), max_outsize={model.output.size}, is_static_call=True
    )


@external
@view
def infer(given: Bytes[{model.input.size}]) -> Bytes[{model.output.size}]:
    return self._infer(given)
'''


def _plain(name: str) -> str:
    """A graph's name without what could end a docstring: the model's maker chose it."""
    kept = (each for each in name if each.isascii() and (each.isalnum() or each in " _-."))
    return "".join(kept).strip()


def _checksummed(address: bytes) -> str:
    """With upper and lower case as EIP-55 has them, which Vyper asks for."""
    plain = address.hex()
    digest = keccak(plain.encode()).hex()
    return "0x" + "".join(
        letter.upper() if int(nibble, 16) >= 8 else letter
        for letter, nibble in zip(plain, digest, strict=False)
    )
