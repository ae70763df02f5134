"""EIP-7954 (Amsterdam): code has 65,536 bytes at most, initcode 131,072."""

from __future__ import annotations

import pytest
from tests.eips.rules import call, refusal, run
from tests.eips.whole_blocks import block_with, signed, world
from tests.ethereum.made import block_of
from tests.evm.world_blocks import transaction

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Reason

CODE_MAX, INITCODE_MAX = 65_536, 131_072
LIMITS = [("osaka", 24_576, 49_152), ("amsterdam", CODE_MAX, INITCODE_MAX)]
# From Amsterdam on each byte of code is charged 1,530 as growth of the state (EIP-8037).
GAS = {"osaka": 16_000_000, "amsterdam": 120_000_000}
ROOM = {"gas_limit": 500_000_000}


@pytest.mark.parametrize(("fork", "most", "_"), LIMITS)
def test_code_of_a_transaction(fork: str, most: int, _: int) -> None:
    block = [
        transaction(i, None, data=assemble(f"PUSH3 {most + i} 0 RETURN"), gas=GAS[fork])
        for i in range(2)
    ]
    ran = run(fork, block, **ROOM)
    assert [e.error for e in ran.executions] == ["", "code too large"]


@pytest.mark.parametrize(("fork", "most", "_"), LIMITS)
@pytest.mark.parametrize(("opcode", "salt"), [("CREATE", ""), ("CREATE2", "0")])
def test_code_of_an_instruction(fork: str, most: int, _: int, opcode: str, salt: str) -> None:
    made = []
    for size in (most, most + 1):
        initcode = assemble(f"PUSH3 {size} 0 RETURN")
        source = (
            f"PUSH32 0x{initcode.ljust(32, bytes(1)).hex()} 0 MSTORE "
            f"{salt} {len(initcode)} 0 0 {opcode} ISZERO 0 MSTORE 32 0 RETURN"
        )
        made.append(call(fork, source, gas=GAS[fork], changed=ROOM).word == 0)
    assert made == [True, False]


@pytest.mark.parametrize(("fork", "_", "most"), LIMITS)
def test_initcode_of_a_transaction(fork: str, _: int, most: int) -> None:
    block = [transaction(i, None, data=bytes(most + i), gas=16_000_000) for i in range(2)]
    assert run(fork, block, **ROOM).reasons == (None, "initcode_too_large")
    state = world()
    fine = block_with(fork, [signed(0, to=None, data=bytes(most), gas=16_000_000)], state, **ROOM)
    assert refusal(fine, state, fork) is None
    more = block_of((signed(0, to=None, data=bytes(most + 1), gas=16_000_000),), fork, **ROOM)
    assert refusal(more, state, fork) is Reason.INITCODE_TOO_LARGE


@pytest.mark.parametrize(("fork", "_", "most"), LIMITS)
@pytest.mark.parametrize(("opcode", "salt"), [("CREATE", ""), ("CREATE2", "0")])
def test_initcode_of_an_instruction(fork: str, _: int, most: int, opcode: str, salt: str) -> None:
    for size, fits in [(most, True), (most + 1, False)]:
        called = call(fork, f"{salt} PUSH3 {size} 0 0 {opcode}", gas=16_000_000, changed=ROOM)
        assert called.execution.succeeded is fits
        assert (called.execution.gas_used == 16_000_000) is not fits
