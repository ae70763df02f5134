"""One inference that another party checks alone: all of it under one hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blockstm.ai.instructions import Reference
from blockstm.ai.model import Model, run_program
from blockstm.errors import DecodeError, PrecompileFailure
from blockstm.ethereum.codecs import rlp
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.types import Address, Hash32

__all__ = ["Inference"]

_VERSION: Final = b"blockstm inference 1"


@dataclass(frozen=True)
class Inference:
    """What a model answered.

    Its bytes are RLP: version, program, addresses and codes, input, output.

    Attributes:
        program: the program's account and the hash of its code: which model it is.
        codes: address → code, the program's and those that it names, in their order.
        input, output: of the model.
    """

    program: Reference
    codes: dict[Address, bytes]
    input: bytes
    output: bytes

    @classmethod
    def of(cls, model: Model, data: bytes) -> Inference:
        """Run a model on an input.

        Raises:
            InputError: the input is of another size than the model's.
        """
        codes = model.canonical
        address = [*codes][-1]
        return cls(Reference.of(address, codes[address]), codes, data, model.run(data))

    @property
    def hash(self) -> Hash32:
        """Over all of it."""
        return keccak(self.encode())

    def encode(self) -> bytes:
        """Its bytes."""
        codes: list[rlp.Item] = [[at, code] for at, code in self.codes.items()]
        return rlp.encode([_VERSION, self.program.address, codes, self.input, self.output])

    @classmethod
    def decode(cls, data: bytes) -> Inference:
        """From its bytes; whether the output is right is `verify`'s to say.

        Raises:
            DecodeError: they are no inference.
        """
        match rlp.decode(data, "inference"):
            case [version, bytes(address), list(codes), bytes(given), bytes(output)]:
                pass
            case _:
                raise DecodeError("an inference is five items", "inference")
        if version != _VERSION:
            raise DecodeError(f"its version is not {_VERSION.decode()}", "inference")
        known: dict[Address, bytes] = {}
        for entry in codes:
            match entry:
                case [bytes(at), bytes(code)] if len(at) == 20:
                    known[Address(at)] = code
                case _:
                    raise DecodeError("a code is an address of 20 bytes and bytes", "codes")
        if len(known) != len(codes):
            raise DecodeError("two codes have one address", "codes")
        if address not in known:
            raise DecodeError("the program is none of its codes", "program")
        at = Address(address)
        return cls(Reference.of(at, known[at]), known, given, output)

    def verify(self, model: Hash32 | None = None) -> bool:
        """Whether the program gives this output for this input: it is run again.

        Args:
            model: the hash of the program that is meant; None trusts the one that is here.

        Nothing else is trusted: every code is hashed and compared with what the program says.
        """
        if model is not None and model != self.program.hash:
            return False
        try:
            return run_program(self.program, self.codes, self.input).output == self.output
        except PrecompileFailure:
            return False
