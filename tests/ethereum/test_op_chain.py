"""The L1 fee of the OP stack, as its clients compute it: numbers from the tests of op-geth."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from blockstm.ethereum import Account, AccountState, Transaction
from blockstm.ethereum.execution.senders import address_of_key
from blockstm.ethereum.genesis import parse_genesis
from blockstm.ethereum.transition.signing import sign

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "op_chain.py"))
CHAIN = EXAMPLE["CHAIN"]

# core/types/rollup_cost_test.go: an unsigned transaction of nothing, and one of OP Mainnet
# (0x8eb9dd4eb6d33f4dc25fb015919e4b1e9f7542f9b0322bf6622e268cd116b594).
EMPTY = bytes.fromhex("dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080")
CALL = bytes.fromhex(
    "02f901550a758302df1483be21b88304743f94f80e51afb613d764fa61751affd3313c190a86bb870151bd62fd12"
    "adb8e41ef24f3f000000000000000000000000000000000000000000000000000000000000006e00000000000000"
    "0000000000af88d065e77c8cc2239327c5edb3a432268e5831000000000000000000000000000000000000000000"
    "000000000000000003c1e50000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000a000000000000000000000000000000000000000"
    "0000000000000000000000000000000000148c89ed219d02f1a5be012c689b4f5b731827bebe0000000000000000"
    "000000c001a033fd89cb37c31b2cba46b6466e040c61fc9b2a3675a7f5f493ebd5ad77c497f8a07cdf65680e2383"
    "92693019b4092f610222e71b7cec06449cb922b93b6a12744e"
)
SLOTS = {1: 1000 * 10**6, 3: 2 << 96 | 3 << 64 | 0xFFFF, 7: 10 * 10**6}


class View:
    """What `l1_fee` asks of a `RuleView`."""

    def __init__(self, timestamp: int) -> None:
        self.timestamp = timestamp

    def storage(self, address: bytes, slot: int) -> int:
        """Of L1Block."""
        assert address == bytes.fromhex("4200000000000000000000000000000000000015")
        return SLOTS[slot]


class Encoded:
    """What it asks of a transaction."""

    def __init__(self, encoding: bytes) -> None:
        self._encoding = encoding

    def encode(self) -> bytes:
        """Its encoding."""
        return self._encoding


@pytest.mark.parametrize(
    ("data", "size"),
    [(b"", 0), (b"\1" * 1000, 21), (bytes(1000), 21), (EMPTY, 31), (CALL, 202)],
    ids=["nothing", "ones", "zeros", "empty transaction", "call"],
)
def test_the_compressed_size_is_the_clients(data: bytes, size: int) -> None:
    assert EXAMPLE["fastlz_size"](data) == size


@pytest.mark.parametrize(("timestamp", "fee"), [(0, 960_900), (10**6, 3_203_000)])
def test_the_fee_of_an_empty_transaction_is_the_clients(timestamp: int, fee: int) -> None:
    """Ecotone: 480 / 16 * (2 * 16 * 1000 + 3 * 10). Fjord: as of the least size, 100 bytes."""
    assert EXAMPLE["calldata_gas"](EMPTY) == 480
    assert EXAMPLE["l1_fee"](Encoded(EMPTY), View(timestamp)) == fee


def test_the_example_charges_what_the_formulas_say(capsys: pytest.CaptureFixture[str]) -> None:
    blocks: list[Any] = EXAMPLE["main"]()
    price = 16 * 10**9 * 2 + 10**7 * 3
    first, second = (block.transactions[2] for block in blocks)
    assert isinstance(first, Transaction)
    expected = EXAMPLE["calldata_gas"](first.encode()) * price // (16 * 10**6)
    expected += EXAMPLE["fjord_size"](second.encode()) * price // 10**12
    assert f"L1 fees: {expected} wei" in capsys.readouterr().out
    assert [[each.type for each in block.transactions] for block in blocks] == [[0x7E, 0x7E, 2]] * 2
    assert EXAMPLE["Deposit"].from_payload(blocks[0].transactions[1].payload()).mint == 10**18


def test_the_operator_is_paid_for_the_gas_that_is_used_from_isthmus_on() -> None:
    scalar, constant = 1_439_103_868, 1_256_417_826_609_331_460
    key = b"\x07" * 32
    sender, vault = address_of_key(key), EXAMPLE["OPERATOR_FEE_VAULT"]
    slots = {8: scalar << 64 | constant}
    state = AccountState(
        {EXAMPLE["L1_BLOCK"]: Account(storage=slots), sender: Account(2 * 10**18, nonce=0)}
    )
    genesis = parse_genesis({"gasLimit": hex(30_000_000), "baseFeePerGas": "0x7"}, chain=CHAIN)
    unsigned = Transaction(
        type=2, chain_id=901, nonce=0, gas=400_000, to=b"\x0f" * 20, value=0, data=b"",
        max_fee_per_gas=7, max_priority_fee_per_gas=0, v=0, r=0, s=0,
    )  # fmt: skip
    signed = sign(unsigned, key, 901, protected=True)
    for timestamp, fee in (
        (EXAMPLE["ISTHMUS_TIME"] - 1, 0),
        (EXAMPLE["ISTHMUS_TIME"], 21_000 * scalar // 10**6 + constant),
    ):
        built = EXAMPLE["next_block"](genesis.block.header, state, [signed], timestamp)
        after = state.copy()
        after.apply(built.executed.writes)
        paid = after.account(vault)
        assert (0 if paid is None else paid.balance) == fee
        left = after.account(sender)
        assert left is not None
        spent = 2 * 10**18 - left.balance - fee
        assert spent == 7 * 21_000  # without numbers of L1, its bytes cost nothing


@pytest.mark.parametrize("what", ["a system transaction", "a cut one"])
def test_what_is_no_deposit_of_the_chain_is_refused(what: str) -> None:
    from blockstm.errors import DecodeError
    from blockstm.ethereum import Block

    [block, _] = EXAMPLE["main"]()
    deposit = block.transactions[1].encode()
    # The flag stands before the data, of which there is none.
    wrong = deposit[:-2] + b"\x01\x80" if what == "a system transaction" else deposit[:-1] + b"\xc0"
    encoding = block.encode().replace(deposit, wrong)
    with pytest.raises(DecodeError, match="transactions"):
        Block.decode(encoding, rules=EXAMPLE["CHAIN"].rules)
