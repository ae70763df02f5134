"""Yellow Paper, section 7: where contracts are created, with what, and at what price."""

from __future__ import annotations

import pytest
from blockstm.insight.assembly import assemble
from eth_typing import Address
from tests.eips.rules import TARGET, call, created_by, numbers, run, since
from tests.evm.world_blocks import SENDERS, contract, number_of, transaction

from blockstm.state.accounts import Account

# An account of mainnet's first days and its first four contracts.
CREATOR = Address(bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"))
CREATED = [
    "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d",
    "343c43a37d37dff08ae8c4a11544c718abb4fcf8",
    "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91",
    "fffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c",
]
FORKS = ["frontier", "homestead", "spurious_dragon", "shanghai", "osaka"]


def laid(code: bytes) -> str:
    """Words that lay up to 32 bytes of code in memory and leave their size and place."""
    return f"0x{code.hex()} 0 MSTORE {len(code)} {32 - len(code)}"


@pytest.mark.parametrize("fork", since("frontier"))
@pytest.mark.parametrize("nonce", range(4))
def test_an_address_is_of_creator_and_nonce(fork: str, nonce: int) -> None:
    """By a contract that has this nonce: two transactions of the block make it create."""
    creates = assemble("CALLVALUE 0 0 DUP3 CREATE 0 MSTORE 32 0 RETURN")
    block = [transaction(sender, CREATOR, gas=300_000, value=1) for sender in (0, 1)]
    ran = run(fork, block, {CREATOR: Account(0, nonce, creates)})
    expected = CREATED[nonce : nonce + 2]
    found = [execution.output[12:].hex() for execution in ran.executions]
    assert found[: len(expected)] == expected
    assert all(ran.state.account(Address(bytes.fromhex(each))).balance == 1 for each in expected)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("nonce", [0, 127, 128, 255, 256, 65_536, 2**32])
def test_an_address_is_of_the_nonce_as_it_is_encoded(fork: str, nonce: int) -> None:
    """At the edges of RLP: one byte as it is, one behind its length, more of them."""
    accounts = {SENDERS[0]: Account(10**18, nonce)}
    ran = run(fork, [transaction(0, None, nonce=nonce, value=3)], accounts)
    assert ran.executions[0].succeeded
    assert ran.state.account(created_by(SENDERS[0], nonce)).balance == 3


@pytest.mark.parametrize("fork", FORKS)
def test_what_initcode_sees(fork: str) -> None:
    """Its own address, the creator as its caller, the value, no data, and code that is itself."""
    tells = assemble(
        "ADDRESS 0 MSTORE CALLER 32 MSTORE CALLVALUE 64 MSTORE CALLDATASIZE 96 MSTORE "
        "CODESIZE 128 MSTORE 160 0 RETURN"
    )
    (execution,) = run(fork, [transaction(0, None, value=9, data=tells)]).executions
    assert execution.succeeded
    at = created_by(SENDERS[0], 0)
    after = run(fork, [transaction(0, None, value=9, data=tells)]).state.account(at)
    expected = [number_of(at), number_of(SENDERS[0]), 9, 0, len(tells)]
    assert after.code == b"".join(each.to_bytes(32, "big") for each in expected)


@pytest.mark.parametrize("fork", FORKS)
def test_each_byte_of_code_costs_200(fork: str) -> None:
    """`size` bytes are returned; what does not fit the gas is deployed only in Frontier (EIP-2)."""
    spent = []
    for size in (0, 1, 100):
        initcode = assemble(f"PUSH2 {size} 0 RETURN")
        spent.append(run(fork, [transaction(0, None, data=initcode)]).executions[0])
    nothing, one, hundred = (each.gas_before_refund for each in spent)
    byte = 16 if fork in since("istanbul") else 68
    assert one - nothing == 200 + 3 + byte - 4  # and a word of memory; a byte of data is not zero
    assert hundred - one == 99 * 200 + 3 * 3


@pytest.mark.parametrize("fork", FORKS)
def test_a_creation_that_fails_leaves_nothing(fork: str) -> None:
    """The value comes back, the nonce of the creator has moved all the same."""
    fails = assemble("1 0 SSTORE 0 0 LOG0 INVALID")
    source = f"{int.from_bytes(fails, 'big')} 0 MSTORE {len(fails)} {32 - len(fails)} 1 CREATE"
    there = {SENDERS[2]: Account(10**18), TARGET: contract(f"{source} 0 SSTORE", 5, {0: 9})}
    ran = run(fork, [transaction(2, None, data=fails, value=7)], there)
    assert not ran.executions[0].succeeded
    assert ran.executions[0].logs == ()
    assert ran.state.account(created_by(SENDERS[2], 0)) is None
    sender = ran.state.account(SENDERS[2])
    assert (sender.nonce, sender.balance) == (1, 10**18 - 400_000 * 10)
    if fork in since("tangerine_whistle"):  # before, the creation takes all gas there is
        called = call(fork, f"{source} 0 MSTORE 32 0 RETURN", balance=5)
        assert called.word == 0
        account = called.state.account(TARGET)
        assert (account.balance, account.nonce) == (5, 2)


@pytest.mark.parametrize("fork", FORKS)
def test_a_creation_that_is_undone_leaves_no_code(fork: str) -> None:
    """Though its code has run before the frame that created it fails."""
    tells = assemble("7 0 MSTORE 32 0 RETURN")  # what is created
    makes = assemble(f"{laid(tells)} RETURN")
    factory = Address(b"\x11" * 20)
    child = f"{number_of(created_by(factory, 1)):#x}"
    calls = f"32 0 0 0 0 {child} 50000 CALL POP"
    fails = f"{laid(makes)} 0 CREATE POP {calls} 0 MLOAD 7 XOR @other JUMPI INVALID other:"
    source = f"""
        0 0 0 0 0 {number_of(factory):#x} 300000 CALL POP
        9 0 MSTORE {calls} {child} EXTCODESIZE 32 MSTORE 64 0 RETURN
    """
    called = call(fork, source, accounts={factory: contract(fails)}, gas=2_000_000)
    assert numbers(called.execution.output) == [9, 0]
    assert called.state.account(factory).nonce == 1


@pytest.mark.parametrize("fork", FORKS)
def test_a_creation_without_the_funds_keeps_nonce_and_gas(fork: str) -> None:
    called = call(fork, "0 0 6 CREATE 0 MSTORE 32 0 RETURN", balance=5)
    assert called.word == 0
    assert called.gas < 33_000
    assert called.state.account(TARGET).nonce == 1


@pytest.mark.parametrize("fork", ["frontier", "homestead"])
def test_at_depth_1024_nothing_is_created(fork: str) -> None:
    """The deepest frame, which calls nobody, stores 1 and the address; no gas reaches it later."""
    source = """
        0 0 0 0 0 ADDRESS 10000 GAS SUB CALL @above JUMPI
        0 0 0 CREATE 1 ADD 0 SSTORE
        above: STOP
    """
    deep = Address(b"\x11" * 20)
    block = [transaction(sender, deep, gas=25_000_000) for sender in (0, 1)]
    ran = run(fork, block, {deep: contract(source)}, gas_limit=60_000_000)
    assert ran.state.account(deep).storage == {0: 1}
    assert ran.state.account(deep).nonce == 1
