"""Which violation of a block is told: the first in the protocol's order, whatever the workers."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.made import SENDERS, block_of, sealed, signed, with_header

import blockstm
from blockstm.errors import InvalidBlock
from blockstm.ethereum import (
    Account,
    AccountState,
    Authorization,
    Block,
    Reason,
    Transaction,
    prepare,
)
from blockstm.ethereum.codecs.hashing import keccak

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
WORKERS = [1, 2]
VMS: list[Any] = ["evm", "py-evm"]
GOOD = signed(0, nonce=0)


def world() -> AccountState:
    return AccountState({sender: Account(10**18) for sender in SENDERS})


def refused(block: Block, workers: int, vm: Any = "evm", fork: str = "london") -> InvalidBlock:
    with pytest.raises(InvalidBlock) as caught:
        blockstm.execute_block(block, world(), vm, fork=fork, workers=workers)
    return caught.value


def violation(block: Block, workers: int, vm: Any = "evm", fork: str = "london") -> tuple[Any, Any]:
    error = refused(block, workers, vm, fork)
    return error.reason, error.index


UNSIGNED = {
    "belongs to no key": {"r": 5, "s": 1},
    "r is zero": {"r": 0},
    "r is the order": {"r": ORDER},
    "r is all ones": {"r": 2**256 - 1},
    "s is zero": {"s": 0},
    "s is the order": {"s": ORDER},
    "v is nothing": {"v": 26},
    "v is huge": {"v": 2**255},
    "v is of no chain": {"v": 34},
}


@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("changed", UNSIGNED.values(), ids=UNSIGNED)
def test_nobodys_signature_is_a_violation_of_its_transaction(
    changed: dict[str, int], workers: int, vm: Any
) -> None:
    nobodys = replace(signed(1, nonce=0), **changed)
    for fork in ("frontier", "london", "prague"):
        block = block_of((GOOD, nobodys, signed(2, nonce=0)), fork)
        assert violation(block, workers, vm, fork) == (Reason.SIGNATURE, 1)


def high_s(transaction: Transaction) -> Transaction:
    return replace(transaction, v=27 + 28 - transaction.v, s=ORDER - transaction.s)


@pytest.mark.parametrize("workers", WORKERS)
def test_a_high_s_is_a_violation_from_homestead_on(workers: int) -> None:
    block, state = block_of((GOOD, high_s(signed(1, nonce=0))), "frontier"), world()
    block = sealed(block, state, fork="frontier")
    done = blockstm.execute_block(block, state, "evm", fork="frontier", workers=workers)
    assert done.outcomes[1].succeeded
    block = block_of(block.transactions, "homestead")
    assert violation(block, workers, fork="homestead") == (Reason.SIGNATURE, 1)
    with pytest.raises(InvalidBlock) as caught:
        prepare(block, world(), fork="homestead")
    assert (caught.value.reason, caught.value.index) == (Reason.SIGNATURE, 1)


@pytest.mark.parametrize("vm", VMS)
def test_prepare_names_the_transaction_that_nobody_signed(vm: Any) -> None:
    block = block_of((GOOD, replace(GOOD, r=5, s=1)), "london")
    with pytest.raises(InvalidBlock) as caught:
        prepare(block, world(), vm, fork="london")
    assert (caught.value.reason, caught.value.index) == (Reason.SIGNATURE, 1)


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(("r", "s"), [(0, 0), (5, 1), (ORDER, 1), (1, ORDER - 1), (2**256 - 1, 1)])
@pytest.mark.parametrize("y_parity", [0, 1, 2, 255])
def test_an_authority_that_nobody_is_never_refuses(
    workers: int, r: int, s: int, y_parity: int
) -> None:
    authorization = Authorization(1, SENDERS[1], 0, y_parity, r, s)
    transaction = type_4(authorizations=(authorization,))
    block, state = block_of((transaction,), "prague"), prague_world()
    block = sealed(block, state, fork="prague")
    done = blockstm.execute_block(block, state, "evm", fork="prague", workers=workers)
    assert done.outcomes[0].succeeded


def prague_world() -> AccountState:
    """With contracts that answer nothing where the system's stand."""
    places = (
        "00000961ef480eb55e80d19ad83579a64c007002",
        "0000bbddc7ce488642fb579f8b00f3a590007251",
    )
    accounts: Any = {sender: Account(10**18) for sender in SENDERS}
    contract = Account(0, 1, b"\0", keccak(b"\0"))
    return AccountState(accounts | {bytes.fromhex(place): contract for place in places})


def type_4(**members: Any) -> Transaction:
    from tests.ethereum.made import KEYS

    unsigned = Transaction(
        type=4, nonce=0, gas=100_000, to=SENDERS[2], value=0, data=b"", v=0, r=0, s=0, chain_id=1,
        max_fee_per_gas=100, **members,
    )  # fmt: skip
    r, s, v = KEYS[0].sign(unsigned.signing_hash)
    return replace(unsigned, v=v, r=r, s=s)


NONCE_TOO_HIGH = signed(1, nonce=5)
NOBODYS = replace(signed(2, nonce=0), r=5, s=1)
TOO_LITTLE_GAS = signed(3, nonce=0, gas=20_000)
BY_THEMSELVES = {
    NONCE_TOO_HIGH: Reason.NONCE_TOO_HIGH,
    NOBODYS: Reason.SIGNATURE,
    TOO_LITTLE_GAS: Reason.INTRINSIC_GAS,
}


@pytest.mark.parametrize("vm", VMS)
@pytest.mark.parametrize("workers", WORKERS)
def test_the_first_transaction_with_a_violation_is_told(workers: int, vm: Any) -> None:
    """Whichever needs the state, a signature or nothing to be found."""
    for first in BY_THEMSELVES:
        for second in BY_THEMSELVES:
            error = refused(block_of((GOOD, first, second), "london"), workers, vm)
            reason = None if vm == "py-evm" and first is NONCE_TOO_HIGH else BY_THEMSELVES[first]
            assert (error.reason, error.index) == (reason, 1)
            assert error.prefix is not None
            assert [outcome.index for outcome in error.prefix.outcomes] == [0]


@pytest.mark.parametrize("workers", WORKERS)
def test_a_transaction_that_finds_no_gas_comes_before_a_later_violation(workers: int) -> None:
    big = signed(1, nonce=0, gas=2_990_000)
    block = block_of((GOOD, big, TOO_LITTLE_GAS), "london")
    assert violation(block, workers) == (Reason.GAS_ABOVE_BLOCK, 1)


@pytest.mark.parametrize("workers", WORKERS)
def test_nothing_is_executed_of_a_body_that_is_not_the_headers(workers: int) -> None:
    block = block_of((GOOD, NONCE_TOO_HIGH, TOO_LITTLE_GAS), "london")
    other = with_header(block, transactions_root=bytes(32))
    assert violation(other, workers) == (Reason.INTRINSIC_GAS, 2)
    sound = replace(other, transactions=block.transactions[:2])
    assert violation(sound, workers) == (Reason.TRANSACTIONS_ROOT, None)


@pytest.mark.parametrize("workers", WORKERS)
def test_the_prefix_of_a_refused_block_is_of_its_transactions(workers: int) -> None:
    block = block_of((GOOD, signed(1, nonce=0), NONCE_TOO_HIGH), "london")
    error = refused(replace(block, transactions=(*block.transactions[:2], signed(1, nonce=9))), 1)
    assert error.index is None  # the header is about other transactions
    error = refused(block_of((GOOD, signed(1, nonce=0), signed(1, nonce=9)), "london"), workers)
    assert (error.reason, error.index) == (Reason.NONCE_TOO_HIGH, 2)
    assert error.prefix is not None
    outcomes = error.prefix.outcomes
    assert [(each.index, each.gas_used) for each in outcomes] == [(0, 21_000), (1, 21_000)]
    assert error.executed is None


@pytest.mark.parametrize("workers", WORKERS)
def test_a_block_refused_for_its_results_says_what_it_did(workers: int) -> None:
    block, state = block_of((GOOD,), "london"), world()
    error = refused(block, workers)
    assert error.reason is Reason.GAS_USED
    assert error.executed is not None
    right = sealed(block, state, fork="london")
    done = blockstm.execute_block(right, state, "evm", fork="london")
    assert error.executed == replace(done, result=error.executed.result)
    sent = pickle.loads(pickle.dumps(error))
    assert sent.executed.gas_used == 21_000
    assert list(sent.executed.receipts) == list(done.receipts)


@pytest.mark.parametrize("ommers", [None, "header"])
@pytest.mark.parametrize("fork", ["paris", "osaka"])
def test_ommers_after_paris_are_refused(fork: str, ommers: Any) -> None:
    block = block_of((), fork)
    listed = None if ommers is None else (block.header,)
    for workers in WORKERS:
        named = replace(block, ommers=listed)
        assert violation(named, workers, fork=fork) == (Reason.OMMERS_AFTER_PARIS, None)
