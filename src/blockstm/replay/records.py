"""What is said of a block that was executed again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum, auto
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.messages import brief

__all__ = ["MEASURED", "BlockRecord", "Verdict"]


class Verdict(StrEnum):
    """What a block came to."""

    EQUAL = auto()
    """All that was compared is as its header says."""
    DIFFERENT = auto()
    """Executing it gives something else: `BlockRecord.field` says what first."""
    INVALID = auto()
    """It breaks a rule before its results could be compared."""
    INCOMPLETE = auto()
    """Its witness lacks something that it reads."""
    UNREADABLE = auto()
    """There is no block, or no witness, where one should be."""
    FAILED = auto()
    """Something else went wrong: `BlockRecord.reason` has it."""
    KILLED = auto()
    """The process that executed it died, each time that it was tried."""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """What executing a block again came to.

    Attributes:
        place: in the range, from 0 on.
        name: the file that it is from; "" of a block of a chain.
        number: None where it could not be read.
        hash: as the header has it, in hex; "" where it could not be read.
        verdict: see `Verdict`.
        compared: what was compared with the header.
        field: what of the header is different, or the rule that is broken; "" where none is.
        expected, got: both values of the field, as the header and as executing the block has it.
        transaction: the first whose receipt is different, or that breaks the rule, where that is
            known.
        account: the first account whose state is different, where that is known, and how.
        reason: what is wrong, in words; "" where nothing is.
        transactions, gas_used: of the block, in gas.
        state_root, receipts_root: as executing it gives them, in hex; "" where it gives none.
        nodes: of the witness that it was executed on.
        seconds, sender_seconds, run_seconds, root_seconds: wall time of executing and comparing
            it, and of parts of that.
        worker: the machine and the process that executed it.

    Those from ``seconds`` on are measured; all others are the same however the range is split.
    """

    place: int
    name: str = ""
    number: int | None = None
    hash: str = ""
    verdict: Verdict = Verdict.EQUAL
    compared: tuple[str, ...] = ()
    field: str = ""
    expected: str = ""
    got: str = ""
    transaction: int | None = None
    account: str = ""
    reason: str = ""
    transactions: int = 0
    gas_used: int = 0
    state_root: str = ""
    receipts_root: str = ""
    nodes: int = 0
    seconds: float = 0.0
    sender_seconds: float = 0.0
    run_seconds: float = 0.0
    root_seconds: float = 0.0
    worker: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.verdict is Verdict.EQUAL

    def facts(self) -> dict[str, Any]:
        """What does not depend on where and when it was executed, by name."""
        return {name: value for name, value in asdict(self).items() if name not in MEASURED}

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return asdict(self) | {"verdict": str(self.verdict), "compared": list(self.compared)}

    @classmethod
    def from_json(cls, document: Any) -> BlockRecord:
        """Read what `to_json` gives.

        Raises:
            DecodeError: it is something else.
        """
        names = {each.name for each in fields(cls)}
        if not isinstance(document, dict) or document.keys() != names:
            raise DecodeError(f"no record of a block: {brief(document)}", "records")
        for each in fields(cls):
            if type(document[each.name]) not in _KINDS[str(each.type)]:
                said = f"{each.name} is not {brief(document[each.name])}"
                raise DecodeError(f"no record of a block: {said}", "records")
        if not all(type(each) is str for each in document["compared"]):
            raise DecodeError("no record of a block: compared are names", "records")
        try:
            given = document | {
                "verdict": Verdict(document["verdict"]),
                "compared": tuple(document["compared"]),
            }
        except (ValueError, TypeError) as error:
            raise DecodeError(f"no record of a block: {error}", "records") from error
        return cls(**given)

    def __str__(self) -> str:
        """A line about it."""
        called = f"block {self.number}" if self.number is not None else self.name
        where = f" ({self.name})" if self.name and self.number is not None else ""
        if self.is_equal:
            return f"{called}{where}: equal: {', '.join(self.compared)}"
        said = f": {self.field}" if self.field else ""
        parts = [f"{called}{where}: {self.verdict}{said}: {self.reason}"]
        if self.transaction is not None:
            parts.append(f"transaction {self.transaction}")
        return "; ".join([*parts, *([self.account] if self.account else [])])


MEASURED: Final = frozenset(
    ("seconds", "sender_seconds", "run_seconds", "root_seconds", "worker"),
)
"""The members of a record that depend on where and when the block was executed."""

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (float, int),
    "str": (str,),
    "Verdict": (str,),
    "tuple[str, ...]": (list,),
}
"""By annotation, what JSON may have for it."""
