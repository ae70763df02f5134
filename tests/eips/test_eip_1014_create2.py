"""EIP-1014 (Constantinople): CREATE2, whose address is known before."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, before, by_fork, call, error, gas, run, since
from tests.evm.world_blocks import contract, transaction

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum.codecs.hashing import keccak

ZERO, DEADBEEF_LEFT, DEADBEEF_RIGHT = (
    Address(bytes.fromhex(each))
    for each in ("00" * 20, "deadbeef" + "00" * 16, "00" * 16 + "deadbeef")
)
FEED, CAFEBABE = 0xFEED << 144, 0xCAFEBABE
# Creator, salt, initcode → the gas without memory, the address: the EIP's examples.
EXAMPLES = [
    (ZERO, 0, "00", 32_006, "4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"),
    (DEADBEEF_LEFT, 0, "00", 32_006, "B928f69Bb1D91Cd65274e3c79d8986362984fDA3"),
    (DEADBEEF_LEFT, FEED, "00", 32_006, "D04116cDd17beBE565EB2422F2497E06cC1C9833"),
    (ZERO, 0, "deadbeef", 32_006, "70f2b2914A2a4b783FaEFb75f459A580616Fcb5e"),
    (DEADBEEF_RIGHT, CAFEBABE, "deadbeef", 32_006, "60f3f640a8508fC6a86d45DF051962668E1e8AC7"),
    (
        DEADBEEF_RIGHT,
        CAFEBABE,
        "deadbeef" * 11,
        32_012,
        "1d8bfDC5D46DC4f61D6b6115972536eBE6A8854C",
    ),
    (ZERO, 0, "", 32_000, "E33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0"),
]


def creates(salt: int, initcode: str, value: int = 0) -> str:
    """CREATE2 of initcode of up to 64 bytes; leaves the address."""
    padded = initcode.ljust(128, "0")
    return f"""
        PUSH32 0x{padded[:64]} 0 MSTORE PUSH32 0x{padded[64:]} 32 MSTORE
        {salt} {len(initcode) // 2} 0 {value} CREATE2
    """


@pytest.mark.parametrize("fork", since("constantinople"))
def test_the_examples(fork: str) -> None:
    """Those whose initcode does not fail."""
    for creator, salt, initcode, _, address in EXAMPLES:
        if initcode in ("", "00"):
            at = Address(bytes.fromhex(address))
            code = contract(creates(salt, initcode, value=1), balance=1)
            block = [transaction(0, creator, gas=1_000_000), transaction(1, at, value=2)]
            after = run(fork, block, {creator: code}).state
            assert (after.account(at).balance, after.account(at).nonce) == (3, 1)


@pytest.mark.parametrize("fork", since("berlin"))
def test_the_examples_become_warm(fork: str) -> None:
    """All of them: where the initcode fails, the address has been touched (EIP-2929)."""
    for creator, salt, initcode, _, address in EXAMPLES:
        asks = f"POP GAS 0x{address} BALANCE POP GAS SWAP1 SUB 0 MSTORE 32 0 RETURN"
        code = contract(creates(salt, initcode) + asks)
        (execution,) = run(
            fork, [transaction(0, creator, gas=1_500_000)], {creator: code}
        ).executions
        assert int.from_bytes(execution.output, "big") == 3 + 100 + 2 + 2  # and not 2,600


def test_the_examples_cost_what_they_say() -> None:
    for fork in ("constantinople", "london"):
        for *_, initcode, price, _ in EXAMPLES:
            if initcode in ("", "00"):
                operands_and_memory = 2 * (3 + 3 + 3 + 3) + 4 * 3
                assert gas(fork, creates(0, initcode)) == operands_and_memory + price


@pytest.mark.parametrize(
    ("fork", "initcode_word"), by_fork(until="amsterdam", constantinople=0, shanghai=2)
)
def test_prices(fork: str, initcode_word: int) -> None:
    """Six gas for each word that is hashed; two more since EIP-3860."""
    for size, words in ((0, 0), (1, 1), (32, 1), (33, 2), (64, 2)):
        source = f"0 0 MSTORE 0 32 MSTORE 0 {size} 0 0 CREATE2"
        memory_and_operands = 2 * (3 + 3 + 3 + 3) + 4 * 3
        expected = memory_and_operands + 32_000 + (6 + initcode_word) * words
        assert gas(fork, source) == expected, size


@pytest.mark.parametrize("fork", since("constantinople"))
def test_a_creator_its_salt_and_its_initcode_make_the_address(fork: str) -> None:
    """keccak(0xff, creator, salt, keccak(initcode)): no nonce in it."""
    initcode = assemble("CALLER 0 MSTORE 32 0 RETURN")  # the code is who created it
    at = keccak(b"\xff" + TARGET + (77).to_bytes(32, "big") + keccak(initcode))[12:]
    source = f"{creates(77, initcode.hex())} 0 MSTORE 32 0 RETURN"
    called = call(fork, source, gas=1_000_000)
    assert called.word == int.from_bytes(at, "big")
    created = called.state.account(Address(at))
    assert created.code == bytes(12) + TARGET
    assert called.state.account(TARGET).nonce == 2


@pytest.mark.parametrize("fork", since("constantinople", until="cancun"))
def test_one_address_is_created_again_after_it_destroyed_itself(fork: str) -> None:
    """By another transaction; within one it stays, and a second creation fails (EIP-684)."""
    runtime = assemble("CALLER SELFDESTRUCT")
    initcode = assemble(
        f"0x{runtime.hex()} 0 MSTORE {len(runtime)} {32 - len(runtime)} RETURN"
    ).hex()
    factory = f"{creates(5, initcode)} 0 MSTORE 32 0 RETURN"
    at = Address(
        keccak(b"\xff" + TARGET + (5).to_bytes(32, "big") + keccak(bytes.fromhex(initcode)))[12:]
    )
    block = [
        transaction(0, TARGET, gas=200_000),
        transaction(1, TARGET, gas=200_000),  # it is there
        transaction(2, at, gas=200_000),  # and goes
        transaction(3, TARGET, gas=200_000),
    ]
    ran = run(fork, block, {TARGET: contract(factory)})
    made = [int.from_bytes(execution.output, "big") for execution in ran.executions]
    assert made == [int.from_bytes(at, "big"), 0, 0, int.from_bytes(at, "big")]
    assert ran.state.account(at).code == runtime
    assert [each.succeeded for each in ran.executions] == [True] * 4


@pytest.mark.parametrize("fork", before("constantinople"))
def test_there_was_no_create2(fork: str) -> None:
    assert error(fork, "0 0 0 0 CREATE2") == "invalid opcode"
