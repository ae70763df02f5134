"""Calls to contracts as large as contracts may be, more of them than the cache of codes keeps.

What a hostile block would do: a call costs 2,700 gas, be its code met or not, and each of these
codes has to be read from its beginning to know whether its end may be jumped to, since all of it
is PUSH1.
"""

from __future__ import annotations

from blockstm.bench.blocks.fixture import CALL_GAS, Fixture
from blockstm.bench.blocks.workloads import BlockWorkload
from blockstm.errors import ConfigError
from blockstm.types import Address

__all__ = ["ABOUT", "CALLS", "CODES", "CODE_SIZE", "NAME", "STEP_GAS", "unmet_codes"]

NAME = "unmet-codes"
ABOUT = "calls to 12,000 codes of 24 kB, more than are kept, each read to its end"
CODES = 12_000
CODE_SIZE = 24_576
CALLS = 100
"""How many a transaction calls."""
STEP_GAS = 292_500
"""The gas of a transaction, about."""

_FIRST = 1 << 100  # address; the others follow
_TAIL = bytes.fromhex("5b00")  # JUMPDEST STOP, and the number of the code
_NUMBER_SIZE = 4
_END = CODE_SIZE - _NUMBER_SIZE - len(_TAIL)
_HEAD = bytes([0x61, *_END.to_bytes(2, "big"), 0x56])  # PUSH2 end JUMP
_CALLER = bytes.fromhex(
    f"5f35 60{CALLS:02x}"  # [address, calls left]
    "5b 5f5f5f5f5f 86 5a f1 50"  # turn: CALL with all gas, no data
    "90 6001 01 90 6001 90 03"  # the next address, one call less
    "80 6004 57 00"  # on while any are left
)


def unmet_codes(*, gas: int, codes: int = CODES) -> BlockWorkload:
    """Make the workload: its transactions call each code in turn, 100 a transaction.

    Args:
        gas: about how much gas the block uses.
        codes: how many contracts there are, a multiple of 100.

    Raises:
        ConfigError: less gas than two transactions use.
    """
    count = -(-gas // STEP_GAS)
    if count < 2:
        raise ConfigError(f"gas is {2 * STEP_GAS} or more for {NAME}, not {gas}")
    fixture = Fixture()
    caller = fixture.contract("caller", _CALLER)
    for number in range(min(codes, count * CALLS)):
        fixture.contract_at(_address(number), _code(number), {})
    steps = [
        fixture.send(
            fixture.person(f"sender {step}"),
            caller,
            bytes(12) + _address(step * CALLS % codes),
            CALL_GAS,
        )
        for step in range(count)
    ]
    return BlockWorkload(NAME, ABOUT, steps, fixture.state(), fixture.evm())


def _address(number: int) -> Address:
    return Address((_FIRST + number).to_bytes(20, "big"))


def _code(number: int) -> bytes:
    filler = b"\x60" * (_END - len(_HEAD))
    return _HEAD + filler + _TAIL + number.to_bytes(_NUMBER_SIZE, "big")
