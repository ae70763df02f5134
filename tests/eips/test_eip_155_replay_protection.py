"""EIP-155 (Spurious Dragon): a transaction may name the chain that it is for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.eips.rules import before, by_fork, refusal, since
from tests.ethereum.made import block_of, sealed, signed
from tests.ethereum.made import world as complete_state

import blockstm
from blockstm.ethereum import Account, Activation, Chain, Reason, Transaction, fork_named

# The EIP's example: key 0x4646…46, chain 1.
EXAMPLE = Transaction.decode(
    bytes.fromhex(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
        "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    )
)
SIGNER = bytes.fromhex("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f")
RECEIVER = bytes.fromhex("35" * 20)


def test_the_example_is_read_as_it_says() -> None:
    assert (EXAMPLE.nonce, EXAMPLE.gas_price, EXAMPLE.gas) == (9, 20 * 10**9, 21_000)
    assert (EXAMPLE.to, EXAMPLE.value, EXAMPLE.data) == (RECEIVER, 10**18, b"")
    assert (EXAMPLE.v, EXAMPLE.chain_id) == (37, 1)
    assert EXAMPLE.signing_hash.hex() == (
        "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"
    )


@pytest.mark.parametrize(("fork", "fits"), by_fork(frontier=False, spurious_dragon=True))
def test_the_example_is_executed_for_its_signer(fork: str, fits: bool) -> None:
    """Twenty gwei are enough for any base fee here; before it no chain was named."""
    state = complete_state({SIGNER: Account(2 * 10**18, 9)})
    block = block_of((signed(0, nonce=0), EXAMPLE, signed(0, nonce=1)), fork)
    if not fits:
        assert refusal(block, state, fork) is Reason.SIGNATURE
        return
    block = sealed(block, state, fork=fork)
    assert refusal(block, state, fork) is None
    executed = blockstm.execute_block(block, state, "evm", fork=fork)
    state.apply(executed.writes)
    assert state.account(SIGNER).nonce == 10


@pytest.mark.parametrize("fork", since("spurious_dragon"))
def test_a_transaction_for_another_chain_is_invalid(fork: str) -> None:
    state = complete_state()
    for chain_id, named, reason in (
        (1, 1, None),
        (1, None, None),  # 27 and 28 stay valid
        (1, 2, Reason.CHAIN_ID),
        (2, 1, Reason.CHAIN_ID),
        (2**32 - 1, 2**32 - 1, None),
        (61, 61, None),
    ):
        chain = Chain(chain_id, (Activation(fork_named(fork), block=0),))
        block = block_of((signed(1, nonce=0), signed(0, chain_id=named, nonce=0)), fork)
        if reason is None:
            block = sealed(block, state, fork=fork, chain=chain)
        assert refusal(block, state, fork, chain=chain) is reason, (chain_id, named)


@pytest.mark.parametrize("fork", since("spurious_dragon"))
def test_a_chain_that_was_not_signed_makes_another_sender(fork: str) -> None:
    """The same numbers under chain 2 are of somebody else, who owns nothing."""
    moved = replace(signed(0, chain_id=1, nonce=0), chain_id=2)
    moved = replace(moved, v=moved.v + 2)
    chain = Chain(2, (Activation(fork_named(fork), block=0),))
    reason = refusal(block_of((moved,), fork), complete_state(), fork, chain=chain)
    assert reason in (Reason.INSUFFICIENT_FUNDS, Reason.SIGNATURE)


@pytest.mark.parametrize("fork", before("spurious_dragon"))
def test_before_it_only_27_and_28_were_signatures(fork: str) -> None:
    state = complete_state()
    block = sealed(block_of((signed(0, nonce=0),), fork), state, fork=fork)
    assert refusal(block, state, fork) is None
    protected = block_of((signed(0, chain_id=1, nonce=0),), fork)
    assert refusal(protected, state, fork) is Reason.SIGNATURE
