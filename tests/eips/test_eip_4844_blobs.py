"""EIP-4844 (Cancun): transactions of type 3 carry blobs, paid for in a gas of their own."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from eth_typing import Address
from tests.eips.precompiles import exact_answer
from tests.eips.rules import before, error, gas, refusal, refusal_after, run, since
from tests.eips.whole_blocks import blob_hash, block_with, executed, signed, with_header, world
from tests.evm.world_blocks import COINBASE, NOBODY, SENDERS, contract, transaction, words

from blockstm.ethereum import Reason
from blockstm.state.accounts import Account

FORKS = since("cancun")
BLOB_GAS = 131_072
TARGET = 3 * BLOB_GAS
FRACTION = 3_338_477
READER = Address(b"\x0f" * 20)
MODULUS = 52435875175126190479447740508185965837690552500527637822603658699938581184513


def fake_exponential(factor: int, numerator: int, denominator: int) -> int:
    """The EIP's program."""
    i, output, accumulated = 1, 0, factor * denominator
    while accumulated > 0:
        output += accumulated
        accumulated = (accumulated * numerator) // (denominator * i)
        i += 1
    return output // denominator


def carries(sender: int, count: int, to: Address | None = NOBODY, **members: Any) -> Any:
    """A transaction with so many blobs."""
    given = {"max_fee_per_blob_gas": 100, "blob_hashes": tuple(map(blob_hash, range(count)))}
    return transaction(sender, to, type=3, **{**given, **members})


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(("fee", "count"), [(1, 1), (7, 2), (100, 6)])
def test_a_transaction_pays_for_each_blob(fork: str, fee: int, count: int) -> None:
    block = [carries(0, count), transaction(0, NOBODY, nonce=1)]
    ran = run(fork, block, {SENDERS[0]: Account(10**9)}, blob_base_fee=fee, blobs_max=6)
    spent = sum(execution.gas_used for execution in ran.executions)
    blobs = count * BLOB_GAS * fee
    assert ran.state.account(SENDERS[0]).balance == 10**9 - 10 * spent - blobs
    # Blob fees are burnt.
    assert ran.state.account(COINBASE).balance == 3 * spent


@pytest.mark.parametrize("fork", FORKS)
def test_a_failure_gives_no_blob_fee_back(fork: str) -> None:
    fails = Address(b"\xfe" * 20)
    accounts = {SENDERS[0]: Account(10**9), fails: contract("INVALID")}
    ran = run(fork, [carries(0, 2, fails)], accounts, blob_base_fee=9)
    [execution] = ran.executions
    assert (execution.succeeded, execution.gas_used) == (False, 400_000)
    assert ran.state.account(SENDERS[0]).balance == 10**9 - 4_000_000 - 2 * BLOB_GAS * 9


@pytest.mark.parametrize("fork", FORKS)
def test_a_sender_must_own_what_it_offers_at_most(fork: str) -> None:
    price = 21_000 * 10 + BLOB_GAS * 100  # the fee is 1
    for short, reason in [(0, None), (1, "insufficient_funds")]:
        accounts = {SENDERS[0]: Account(price - short)}
        block = [carries(0, 1, gas=21_000), transaction(1, NOBODY, value=1)]
        assert run(fork, block, accounts).reasons == (reason, None)


@pytest.mark.parametrize("fork", FORKS)
def test_rules_of_the_type(fork: str) -> None:
    bad = bytes(32), b"\x02" + bytes(31)
    block = [
        carries(0, 0),
        carries(1, 1, to=None),
        carries(2, 1, blob_hashes=(blob_hash(1), bad[0])),
        carries(3, 1, blob_hashes=bad[1:]),
        carries(4, 1, max_fee_per_blob_gas=4),
        carries(5, 1, max_fee_per_blob_gas=5),
    ]
    assert run(fork, block, blob_base_fee=5).reasons == (
        "no_blobs",
        "blob_transaction_creates",
        "blob_hash_version",
        "blob_hash_version",
        "blob_fee_cap_below_base_fee",
        None,
    )


def test_a_block_has_six_blobs() -> None:
    block = [carries(0, 4), carries(1, 3), carries(2, 2), carries(3, 1), transaction(4, NOBODY)]
    reasons = run("cancun", block).reasons
    assert reasons == (None, "blob_gas_above_block", None, "blob_gas_above_block", None)
    assert run("cancun", [carries(0, 7)]).reasons == ("blob_gas_above_block",)


@pytest.mark.parametrize("fork", FORKS)
def test_blobhash(fork: str) -> None:
    accounts = {READER: contract("0 CALLDATALOAD BLOBHASH 0 MSTORE 32 0 RETURN")}
    block = [carries(i, 2, READER, data=words(n)) for i, n in enumerate((0, 1, 2))]
    block += [transaction(3, READER, data=words(0)), carries(4, 1, READER, data=words(2**256 - 1))]
    ran = run(fork, block, accounts, blobs_max=7)
    outputs = [e.output for e in ran.executions]
    assert outputs == [blob_hash(0), blob_hash(1), bytes(32), bytes(32), bytes(32)]
    assert gas(fork, "0 BLOBHASH") == 3 + 3


@pytest.mark.parametrize("fork", before("cancun"))
def test_blobhash_was_not_there(fork: str) -> None:
    assert error(fork, "0 BLOBHASH") == "invalid opcode"


@pytest.mark.parametrize(
    ("used", "excess", "after"),
    [
        (0, 0, 0),
        (2 * BLOB_GAS, 0, 0),
        (TARGET, 0, 0),
        (4 * BLOB_GAS, 0, BLOB_GAS),
        (6 * BLOB_GAS, BLOB_GAS, 4 * BLOB_GAS),
        (0, TARGET - 1, 0),
        (0, TARGET, 0),
        (0, TARGET + 1, 1),
        (0, 10 * TARGET, 9 * TARGET),
    ],
)
def test_the_excess_follows_what_was_used(used: int, excess: int, after: int) -> None:
    parent = {"gas_used": 1_500_000, "blob_gas_used": used, "excess_blob_gas": excess}
    assert refusal_after("cancun", parent, excess_blob_gas=after) is None
    assert refusal_after("cancun", parent, excess_blob_gas=after + 1) is Reason.EXCESS_BLOB_GAS


@pytest.mark.parametrize(
    ("excess", "fee"),
    [(0, 1), (2_314_057, 1), (2_314_058, 2), (10 * 2**20, 23), (TARGET * 1_000, None)],
)
def test_the_fee_grows_with_the_excess(excess: int, fee: int | None) -> None:
    expected = fake_exponential(1, excess, FRACTION)
    assert fee in (expected, None)
    accounts = {READER: Account(0, 1, contract("BLOBBASEFEE 0 SSTORE").code)}
    done = executed("cancun", [signed(0, to=READER)], accounts, excess_blob_gas=excess)
    assert done.writes[READER].storage == {0: expected}


def test_the_header_says_how_much_blob_gas_is_used() -> None:
    carried = {"blob_hashes": (blob_hash(1), blob_hash(2)), "max_fee_per_blob_gas": 1}
    state = world()
    block = block_with("cancun", [signed(0, 3, **carried), signed(1)], state)
    assert block.header.blob_gas_used == 2 * BLOB_GAS
    assert refusal(block, state, "cancun") is None
    for used in (0, BLOB_GAS, 3 * BLOB_GAS, 2 * BLOB_GAS + 1):
        wrong = with_header(block, blob_gas_used=used)
        assert refusal(wrong, state, "cancun") is Reason.BLOB_GAS_USED
    assert refusal(block, state, "shanghai") is Reason.HEADER_MEMBERS


# ------------------------------------------------------------------- point evaluation

POINT_EVALUATION = 10
INFINITY = b"\xc0" + bytes(47)  # the commitment to the polynomial 0, and the proof of its values
HASH = b"\x01" + sha256(INFINITY).digest()[1:]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("z", [0, 1, MODULUS - 1])
def test_a_point_of_a_polynomial(fork: str, z: int) -> None:
    data = HASH + words(z, 0) + INFINITY + INFINITY
    answer = exact_answer(fork, POINT_EVALUATION, data)
    assert (answer.succeeded, answer.gas) == (True, 50_000)
    assert answer.output == words(4_096, MODULUS)
    assert not exact_answer(fork, POINT_EVALUATION, data, given=49_999).succeeded


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    "data",
    [
        HASH + words(0, 1) + INFINITY + INFINITY,  # another value
        HASH + words(MODULUS, 0) + INFINITY + INFINITY,  # not in the field
        HASH + words(0, MODULUS) + INFINITY + INFINITY,
        b"\x02" + HASH[1:] + words(0, 0) + INFINITY + INFINITY,
        HASH[:-1] + b"\0" + words(0, 0) + INFINITY + INFINITY,
        HASH + words(0, 0) + INFINITY + INFINITY[:-1],
        HASH + words(0, 0) + INFINITY + INFINITY + b"\0",
        HASH + words(0, 0) + INFINITY + bytes(48),  # no point
        b"",
    ],
)
def test_what_is_no_proof_takes_all_gas(fork: str, data: bytes) -> None:
    answer = exact_answer(fork, POINT_EVALUATION, data, given=60_000)
    assert (answer.succeeded, answer.gas, answer.output) == (False, 60_000, b"")


def test_before_it_the_address_was_an_empty_account() -> None:
    answer = exact_answer("shanghai", POINT_EVALUATION, HASH)
    assert (answer.succeeded, answer.gas, answer.output) == (True, 2_500, b"")
