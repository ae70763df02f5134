"""EIP-1344 (Istanbul): CHAINID."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, error, gas, run, since, word
from tests.evm.world_blocks import contract, transaction


@pytest.mark.parametrize("fork", since("istanbul"))
@pytest.mark.parametrize("chain_id", [1, 1337, 2**64 - 1])
def test_it_is_the_chains(fork: str, chain_id: int) -> None:
    assert word(fork, "CHAINID", changed={"chain_id": chain_id}) == chain_id
    assert gas(fork, "CHAINID") == 2


@pytest.mark.parametrize("fork", since("istanbul"))
def test_a_transaction_need_not_name_it(fork: str) -> None:
    """Whether it does makes no difference to what the opcode gives."""
    at = b"\x0a" * 20
    block = [transaction(0, at), transaction(1, at, chain_id=5), transaction(0, at, nonce=1)]
    code = contract("CHAINID 0 MSTORE 32 0 RETURN")
    for execution in run(fork, block, {at: code}, chain_id=5).executions:
        assert execution.output == bytes(31) + b"\x05"


@pytest.mark.parametrize("fork", before("istanbul"))
def test_there_was_no_chainid(fork: str) -> None:
    assert error(fork, "CHAINID") == "invalid opcode"
