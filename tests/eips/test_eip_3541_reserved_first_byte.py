"""EIP-3541 (London): code that begins with 0xEF is not deployed; what there is of it stays."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import before, run, since, word
from tests.evm.world_blocks import NOBODY, contract, transaction

from blockstm.bench.evm.assembly import assemble

GAS = 500_000
AT = Address(b"\x0e" * 20)
# The EIP's cases: initcode, and whether it still deploys its code.
RESERVED = ["60ef60005360016000f3", "60ef60005360026000f3", "60ef60005360036000f3"]
RESERVED += ["60ef60005360206000f3"]
ALLOWED = ["60fe60005360016000f3", "60ee60005360016000f3", "60ef60015360026000f3", "00"]
MAKES = "CALLDATASIZE 0 0 CALLDATACOPY {salt} CALLDATASIZE 0 0 {opcode} ISZERO ISZERO"


@pytest.mark.parametrize("fork", since("london"))
@pytest.mark.parametrize("initcode", RESERVED)
def test_a_creating_transaction_loses_all_its_gas(fork: str, initcode: str) -> None:
    block = [transaction(i, None, data=bytes.fromhex(initcode), gas=GAS) for i in range(2)]
    for execution in run(fork, block).executions:
        assert (execution.succeeded, execution.error) == (False, "invalid code")
        assert execution.gas_used == GAS


@pytest.mark.parametrize("fork", since("london"))
@pytest.mark.parametrize(("opcode", "salt"), [("CREATE", ""), ("CREATE2", "0")])
def test_a_creating_instruction_gives_zero(fork: str, opcode: str, salt: str) -> None:
    makes = MAKES.format(opcode=opcode, salt=salt)
    for initcode in RESERVED:
        assert word(fork, makes, data=bytes.fromhex(initcode), gas=GAS) == 0
    for initcode in ALLOWED:
        assert word(fork, makes, data=bytes.fromhex(initcode), gas=GAS) == 1


@pytest.mark.parametrize("fork", since("london"))
@pytest.mark.parametrize("initcode", ALLOWED)
def test_any_other_first_byte_is_allowed(fork: str, initcode: str) -> None:
    sent = transaction(0, None, data=bytes.fromhex(initcode), gas=GAS)
    assert [e.succeeded for e in run(fork, [sent]).executions] == [True]


@pytest.mark.parametrize("fork", before("london"))
@pytest.mark.parametrize("initcode", RESERVED)
def test_before_it_was_deployed(fork: str, initcode: str) -> None:
    sent = transaction(0, None, data=bytes.fromhex(initcode), gas=GAS)
    assert [e.succeeded for e in run(fork, [sent]).executions] == [True]


@pytest.mark.parametrize("fork", since("frontier"))
def test_what_is_there_is_an_invalid_instruction(fork: str) -> None:
    accounts = {AT: contract(bytes.fromhex("ef"))}
    ran = run(fork, [transaction(i, AT, gas=50_000) for i in range(2)], accounts)
    assert [e.error for e in ran.executions] == ["invalid opcode"] * 2
    assert [e.gas_used for e in ran.executions] == [50_000] * 2


def test_a_factory_goes_on_with_a_64th_of_its_gas() -> None:
    makes = assemble(MAKES.format(opcode="CREATE", salt="") + " 0 SSTORE")
    accounts = {AT: contract(makes)}
    block = [
        transaction(0, AT, data=bytes.fromhex(RESERVED[0]), gas=3_000_000),
        transaction(1, AT, data=bytes.fromhex(ALLOWED[0]), gas=3_000_000),
        transaction(2, NOBODY, value=1),
    ]
    ran = run("london", block, accounts)
    assert [e.succeeded for e in ran.executions] == [True] * 3
    assert ran.executions[0].gas_used > 3_000_000 * 63 // 64
    assert ran.executions[1].gas_used < 100_000
    assert ran.state.account(AT).nonce == 3  # both tries count
