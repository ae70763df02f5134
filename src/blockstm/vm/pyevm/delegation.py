"""Delegation of accounts to code (EIP-7702).

py-evm has this too, but it skips an authorization on any exception whatever. Here only what the
EIP names makes one invalid; a state that cannot be read is an error of the transaction.
"""

from __future__ import annotations

from typing import Any

import rlp
from eth._utils.state import code_is_delegation_designation
from eth.abc import SignedTransactionAPI
from eth.constants import ZERO_ADDRESS
from eth.vm.forks.prague.constants import (
    DELEGATION_DESIGNATION_PREFIX,
    MAGIC,
    PER_AUTH_BASE_COST,
    PER_EMPTY_ACCOUNT_BASE_COST,
)
from eth_keys import keys
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from blockstm.types import Address
from blockstm.vm.pyevm.stack_headroom import need_headroom

__all__ = ["delegate"]


def delegate(state: Any, transaction: SignedTransactionAPI) -> int:
    """Carry out a transaction's authorizations; returns the gas to refund for them.

    Raises:
        LookupError: the state has no code with the hash that an authority has.
        RecursionError: the interpreter has no room left to recover a signature.
    """
    refund = 0
    for authorization in transaction.authorization_list:
        authority = _authority_of(authorization, state.execution_context.chain_id)
        if authority is not None:
            refund += _delegate_account(state, authority, authorization)
    return refund


def _authority_of(authorization: Any, chain_id: int) -> Address | None:
    """The signer; None if the authorization is not for this chain or has no valid signature."""
    need_headroom()
    message = [authorization.chain_id, authorization.address, authorization.nonce]
    numbers = (authorization.y_parity, authorization.r, authorization.s)
    try:
        authorization.validate(chain_id)
        signature = keys.Signature(vrs=numbers)
        key = signature.recover_public_key_from_msg(MAGIC + rlp.encode(message))
    except (ValidationError, BadSignature):
        return None
    return Address(key.to_canonical_address())


def _delegate_account(state: Any, authority: Address, authorization: Any) -> int:
    state.mark_address_warm(authority)
    code = state.get_code(authority)
    if code and not code_is_delegation_designation(code):
        return 0
    existed = state.account_exists(authority)
    if state.get_nonce(authority) != authorization.nonce:
        return 0
    if authorization.address == ZERO_ADDRESS:
        state.delete_code(authority)
    else:
        state.set_code(authority, DELEGATION_DESIGNATION_PREFIX + authorization.address)
    state.increment_nonce(authority)
    return PER_EMPTY_ACCOUNT_BASE_COST - PER_AUTH_BASE_COST if existed else 0
