"""EIP-3855 (Shanghai): PUSH0 (0x5f) pushes zero for 2 gas."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, error, gas, since, word


@pytest.mark.parametrize("fork", since("shanghai"))
def test_it_pushes_zero(fork: str) -> None:
    assert word(fork, "7 PUSH0") == 0
    assert word(fork, "7 PUSH0 ADD") == 7
    assert gas(fork, "PUSH0") == 2
    assert gas(fork, "PUSH0 PUSH0 PUSH0") == 6


@pytest.mark.parametrize("fork", since("shanghai"))
def test_it_has_no_data(fork: str) -> None:
    # Behind a PUSH1 the 0x5b is data; behind PUSH0 it is a JUMPDEST.
    assert word(fork, "@end JUMP PUSH0 end: 9") == 9
    assert word(fork, "PUSH0 9") == 9


@pytest.mark.parametrize("fork", since("shanghai"))
def test_the_stack_holds_1024_words(fork: str) -> None:
    assert error(fork, " ".join(["PUSH0"] * 1_024)) == ""
    assert error(fork, " ".join(["PUSH0"] * 1_025)) == "stack overflow"


@pytest.mark.parametrize("fork", before("shanghai"))
def test_it_was_not_there(fork: str) -> None:
    assert error(fork, "PUSH0") == "invalid opcode"
