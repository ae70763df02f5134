"""EIP-8282 (Amsterdam): two more contracts collect requests, of builders' deposits and exits."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.request_contracts import BUILDER_DEPOSITS, BUILDER_EXITS, outputs, run_to_the_end
from tests.eips.rules import refusal
from tests.eips.test_eip_7685_requests import gives, hash_of
from tests.eips.whole_blocks import block_with, executed, world
from tests.ethereum.builders import REQUEST_CONTRACTS
from tests.evm.world_blocks import NOBODY, contract, transaction

from blockstm.ethereum import Account

# The order of the calls, and the types of what they give.
TYPES = dict(zip(REQUEST_CONTRACTS, (1, 2, 3, 4), strict=True))


def test_their_addresses() -> None:
    assert BUILDER_DEPOSITS.hex() == "0000bff46984e3725691fa540a8c7589300d8282"
    assert BUILDER_EXITS.hex() == "000064d678505ad48f8ccb093bc65613800e8282"


@pytest.mark.parametrize("given", [(3,), (4,), (3, 4), (1, 4), (1, 2, 3, 4)])
def test_their_requests_have_the_types_3_and_4(given: tuple[int, ...]) -> None:
    accounts = {at: gives(bytes([kind]) * 9 * (kind in given)) for at, kind in TYPES.items()}
    done = executed("amsterdam", [], accounts)
    requests = tuple(bytes([kind]) + bytes([kind]) * 9 for kind in given)
    assert done.requests == requests
    state = world(accounts)
    block = block_with("amsterdam", [], state)
    assert block.header.requests_hash == hash_of(*requests)
    assert refusal(block, state, "amsterdam") is None


def test_they_see_the_block_and_each_other() -> None:
    # Each counts in its own slot, and gives out the sum; transactions count as well.
    counts = "0 SLOAD 1 ADD DUP1 0 SSTORE 0 MSTORE 32 0 RETURN"
    contracts = {at: contract(counts) for at in (BUILDER_DEPOSITS, BUILDER_EXITS)}
    block = [transaction(i, BUILDER_DEPOSITS, gas=300_000) for i in range(3)]
    given = outputs(run_to_the_end("amsterdam", block, contracts))
    assert int.from_bytes(given.builder_deposit_requests, "big") == 4
    assert int.from_bytes(given.builder_exit_requests, "big") == 1


@pytest.mark.parametrize("broken", [BUILDER_DEPOSITS, BUILDER_EXITS])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"", "system_contract_missing"),
        (b"\xfe", "system_call_failed"),
        (b"\x5f\x5f\xfd", "system_call_failed"),  # reverts
    ],
)
def test_without_them_a_block_is_invalid(broken: Address, code: bytes, reason: str) -> None:
    block = [transaction(0, NOBODY, value=1)]
    there = {broken: Account(1, 1, code)}
    assert run_to_the_end("amsterdam", block, there).reasons == (None, reason)
    assert run_to_the_end("osaka", block, there).reasons == (None, None)


def test_before_it_the_contract_was_not_called() -> None:
    contracts = {at: gives(b"x") for at in (BUILDER_DEPOSITS, BUILDER_EXITS)}
    assert executed("osaka", [], contracts).requests == ()


def test_the_system_calls_with_nothing_and_much_gas() -> None:
    code = "CALLER 0 SSTORE CALLDATASIZE 1 SSTORE CALLVALUE 2 SSTORE GAS 3 SSTORE"
    for at in (BUILDER_DEPOSITS, BUILDER_EXITS):
        ran = run_to_the_end("amsterdam", [], {at: contract(code, storage={1: 7, 2: 7})})
        storage = ran.state.account(at).storage
        assert storage.pop(3) > 29_900_000
        assert storage == {0: 2**160 - 2}
