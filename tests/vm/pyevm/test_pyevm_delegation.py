"""Authorizations count as in py-evm; none is skipped for a reason that EIP-7702 does not name."""

from __future__ import annotations

from typing import Any

import pytest
from eth.constants import SECPK1_N
from eth.vm.forks.prague.transactions import Authorization
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.vm.pyevm.blocks import (
    COINBASE,
    KEYS,
    SENDERS,
    authorize,
    context,
    contract,
    funded,
    run_on_pyevm,
    set_code,
)
from tests.vm.pyevm.contracts import assemble

from blockstm import reference
from blockstm.errors import TransactionError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import StateAfter
from blockstm.vm.pyevm import Account, AccountState, PyEvm

LOGGER_AT, NOBODY_AT = b"\xd1" * 20, bytes(20)
WORLD = funded({LOGGER_AT: contract(assemble("GAS 0 MSTORE 32 0 LOG0"))})
DESIGNATION = b"\xef\x01\x00" + b"\x66" * 20

authorities = st.sampled_from(
    [
        None,  # there is no such account
        Account(balance=5),
        Account(nonce=1),
        contract(b"\0"),
        contract(DESIGNATION),
    ]
)
changes = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries({"y_parity": st.sampled_from([0, 1, 2, 27, 255])}),
    st.fixed_dictionaries({"r": st.sampled_from([0, 1, 5, SECPK1_N - 1, SECPK1_N, 2**256 - 1])}),
    st.fixed_dictionaries({"s": st.sampled_from([0, 1, SECPK1_N // 2, SECPK1_N - 1, 2**256 - 1])}),
)
authorizations = st.builds(
    lambda key, to, nonce, chain_id, changes: authorize(key, to, nonce, chain_id, **changes),
    st.sampled_from(KEYS[:2]),
    st.sampled_from([LOGGER_AT, NOBODY_AT]),
    st.sampled_from([0, 0, 1, 1, 1, 2, 2**64 - 1]),
    st.sampled_from([0, 1, 1, 1, 2]),
    changes,
)


@settings(max_examples=300, deadline=None)
@given(authority=authorities, listed=st.lists(authorizations, min_size=1, max_size=4))
def test_authorizations_count_as_on_pyevm(
    authority: Account | None, listed: list[Authorization]
) -> None:
    world = dict(WORLD)
    del world[SENDERS[0]]
    if authority is not None:
        world[SENDERS[0]] = authority
    transactions = [set_code(*listed)]
    accounts = AccountState(world)
    result = reference.execute_block(transactions, accounts, PyEvm("prague", context("prague")))
    (computation,), oracle = run_on_pyevm("prague", world, transactions, COINBASE)
    value, state = result.outcomes[0].value, StateAfter(accounts, result.writes)
    assert value.succeeded == computation.is_success
    assert [log.data for log in value.logs] == [
        data for _, _, data in computation.get_log_entries()
    ]
    for address in SENDERS[:2]:
        code_hash = state.get((address, "code_hash"))
        assert (state.get((address, "balance")) or 0) == oracle.get_balance(address)
        assert (state.get((address, "nonce")) or 0) == oracle.get_nonce(address)
        code = state.get(("code", code_hash)) if code_hash else b""
        assert code == oracle.get_code(address)


def test_an_authorization_is_not_taken_for_invalid_where_code_is_missing() -> None:
    class Forgetful(AccountState):
        def get(self, key: Any) -> Any:
            return None if key[0] == "code" else super().get(key)

    state = Forgetful({**WORLD, SENDERS[0]: Account(1, 0, DESIGNATION, keccak(DESIGNATION))})
    with pytest.raises(TransactionError) as caught:
        reference.execute_block(
            [set_code(authorize(KEYS[0], LOGGER_AT))], state, PyEvm("prague", context("prague"))
        )
    assert isinstance(caught.value.__cause__, LookupError)
