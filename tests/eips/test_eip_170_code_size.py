"""EIP-170 (Spurious Dragon): code of more than 24,576 bytes is not deployed."""

from __future__ import annotations

import pytest
from tests.eips.rules import TARGET, before, call, created_by, run, since
from tests.evm.world_blocks import SENDERS, transaction

from blockstm.bench.evm.assembly import assemble

MAX = 0x6000
GAS = 6_000_000  # 200 for each byte of code, and the memory
# EIP-7954 gives Amsterdam more.
LIMITED = since("spurious_dragon", until="amsterdam")


def returns(size: int) -> bytes:
    """Initcode of zeros."""
    return assemble(f"{size} 0 RETURN")


@pytest.mark.parametrize("fork", LIMITED)
def test_a_creation_by_transaction(fork: str) -> None:
    block = [
        transaction(sender, None, gas=GAS, data=returns(size))
        for sender, size in enumerate((MAX, MAX + 1, 0))
    ]
    ran = run(fork, block)
    fits, too_large, nothing = ran.executions
    assert (fits.succeeded, too_large.succeeded, nothing.succeeded) == (True, False, True)
    assert (too_large.error, too_large.gas_used) == ("code too large", GAS)
    sizes = [ran.state.account(created_by(SENDERS[place], 0)) for place in range(3)]
    assert [account and len(account.code) for account in sizes] == [MAX, None, 0]


@pytest.mark.parametrize("fork", LIMITED)
def test_a_creation_by_contract(fork: str) -> None:
    """CREATE leaves 0, and takes all gas that it gave away."""
    for size, is_made in ((MAX, True), (MAX + 1, False)):
        initcode = int.from_bytes(returns(size), "big")
        source = f"{initcode} 0 MSTORE 6 26 0 CREATE 0 MSTORE 32 0 RETURN"
        called = call(fork, source, gas=GAS)
        created = created_by(TARGET, 1)
        assert called.word == (int.from_bytes(created, "big") if is_made else 0)
        assert (called.state.account(created) is not None) is is_made
        if not is_made:
            assert called.execution.gas_used > GAS - GAS // 60


@pytest.mark.parametrize("fork", before("spurious_dragon"))
def test_there_was_no_limit(fork: str) -> None:
    ran = run(fork, [transaction(0, None, gas=GAS, data=returns(MAX + 1))])
    assert len(ran.state.account(created_by(SENDERS[0], 0)).code) == MAX + 1
