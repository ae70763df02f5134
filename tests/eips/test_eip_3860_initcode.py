"""EIP-3860 (Shanghai): initcode is 49,152 bytes at most and costs 2 gas for each word."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, call, gas, run, since
from tests.evm.world_blocks import transaction

LIMITED = since("shanghai", until="amsterdam")  # EIP-7954 has another limit, EIP-2780 other prices
MAX = 49_152
GAS = 10_000_000


@pytest.mark.parametrize("fork", LIMITED)
@pytest.mark.parametrize(
    ("size", "words"), [(0, 0), (1, 1), (32, 1), (33, 2), (64, 2), (MAX - 1, 1_536), (MAX, 1_536)]
)
def test_a_transaction_pays_for_each_word(fork: str, size: int, words: int) -> None:
    # Zeros, which are STOP: 4 gas each as data.
    intrinsic = 53_000 + 4 * size + 2 * words
    floor = 21_000 + 10 * size if fork in since("prague") else 0
    least = max(intrinsic, floor)
    block = [transaction(i, None, data=bytes(size), gas=least - i) for i in range(2)]
    ran = run(fork, block)
    assert ran.outcomes[0].value.gas_used == least
    assert ran.reasons == (None, "floor_gas" if floor > intrinsic else "intrinsic_gas")


@pytest.mark.parametrize("fork", LIMITED)
def test_a_transaction_with_more_is_invalid(fork: str) -> None:
    block = [transaction(i, None, data=bytes(MAX + i), gas=GAS) for i in range(2)]
    assert run(fork, block).reasons == (None, "initcode_too_large")
    # It is about initcode alone.
    assert run(fork, [transaction(0, b"\x0e" * 20, data=bytes(MAX + 1), gas=GAS)]).reasons == (
        None,
    )


@pytest.mark.parametrize("fork", LIMITED)
@pytest.mark.parametrize(("opcode", "salt", "word"), [("CREATE", "", 2), ("CREATE2", "0", 2 + 6)])
def test_an_instruction_pays_for_each_word(fork: str, opcode: str, salt: str, word: int) -> None:
    def spent(size: int) -> int:  # the memory is there before
        return gas(fork, f"0 {MAX - 1} MSTORE8 {salt} PUSH3 {size} 0 0 {opcode}", gas=GAS)

    none = spent(0)
    assert [spent(size) - none for size in (1, 32, 33, MAX)] == [
        word,
        word,
        2 * word,
        1_536 * word,
    ]


@pytest.mark.parametrize("fork", LIMITED)
@pytest.mark.parametrize(("opcode", "salt"), [("CREATE", ""), ("CREATE2", "0")])
def test_an_instruction_with_more_takes_all_gas(fork: str, opcode: str, salt: str) -> None:
    fails = call(fork, f"{salt} PUSH3 {MAX + 1} 0 0 {opcode}", gas=GAS)
    assert (fails.execution.succeeded, fails.execution.gas_used) == (False, GAS)
    assert call(fork, f"{salt} PUSH3 {MAX} 0 0 {opcode}", gas=GAS).execution.succeeded


@pytest.mark.parametrize("fork", before("shanghai")[-3:])
def test_before_it_was_free_and_without_limit(fork: str) -> None:
    size = MAX + 32
    block = [transaction(i, None, data=bytes(size), gas=53_000 + 4 * size - i) for i in range(2)]
    assert run(fork, block).reasons == (None, "intrinsic_gas")
    create = gas(fork, f"0 {size - 1} MSTORE8 PUSH3 {size} 0 0 CREATE", gas=GAS)
    assert create - gas(fork, f"0 {size - 1} MSTORE8 PUSH3 0 0 0 CREATE", gas=GAS) == 0
