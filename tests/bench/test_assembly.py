"""The assembler: what stands in a source is what comes out, and what cannot be is refused."""

from __future__ import annotations

import pytest
from eth.vm import opcode_values
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES

from blockstm.bench.evm.assembly import OPCODES, assemble, initcode_of
from blockstm.errors import ConfigError

PYEVM_NAMES = {"SHA3": "KECCAK256", "DIFFICULTY": "PREVRANDAO"}


def test_opcodes_are_those_of_pyevm() -> None:
    theirs = {
        PYEVM_NAMES.get(name, name): value
        for name, value in vars(opcode_values).items()
        if name.isupper() and value in PRAGUE_OPCODES
    }
    ours = dict(OPCODES)
    assert ours.pop("CLZ") == 0x1E  # EIP-7939, of Osaka
    assert ours.pop("INVALID") == 0xFE  # EIP-141; py-evm names the absence of an opcode
    assert ours == {name: value for name, value in theirs.items() if name != "INVALID"}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("0", "6000"),
        ("255 256", "60ff610100"),
        ("0x0102", "610102"),
        ("PUSH0 PUSH4 1 PUSH32 7", "5f6300000001" + "7f" + "07".rjust(64, "0")),
        ("start: @start JUMP", "5b61000056"),
        ("@end JUMP end: STOP", "6100045600".replace("5600", "565b00")),
        ("1 ; 2\n; 3\nADD", "600101"),
        ("STOP 'c0ffee'", "00c0ffee"),
    ],
)
def test_words_become_bytes(source: str, code: str) -> None:
    assert assemble(source).hex() == code


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("FLY", "no opcode 'FLY'"),
        ("@nowhere JUMP", "no label 'nowhere'"),
        ("here: STOP here:", "twice"),
        ("PUSH1 256", "push '256' in 1 bytes"),
        (str(2**256), "in 32 bytes"),
        ("PUSH2", "push ''"),
        ("0xzz", "push '0xzz'"),
    ],
)
def test_what_cannot_be_is_refused(source: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        assemble(source)


def test_initcode_returns_the_runtime() -> None:
    initcode = initcode_of(bytes(range(40)))
    assert initcode[12:] == bytes(range(40))
    assert initcode[:12].hex() == "61002880600c6000396000f3"
