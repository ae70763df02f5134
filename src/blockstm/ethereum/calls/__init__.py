"""Calls: messages that nobody signs, run on a state that they do not change.

Imports point down::

    estimation      `estimate_gas`
    access_lists    `create_access_list`
    calling         `call`, `call_many`
    session         `CallSession`
    results         what a call came to
    environment     the block that calls run in
    overrides       what calls find in place of what is there
    failures        why a call that began did not succeed
    revert_reasons  what a reverted call says
    unsigned        messages as transactions that nobody signed
    authorities     who signed the authorizations of messages
    message         what a call is made of
"""

from blockstm.ethereum.calls.access_lists import CreatedAccessList, create_access_list
from blockstm.ethereum.calls.calling import CallOptions, call, call_many
from blockstm.ethereum.calls.estimation import ERROR_RATIO, estimate_gas
from blockstm.ethereum.calls.failures import Failure
from blockstm.ethereum.calls.message import GAS_CAP, Message, message_of
from blockstm.ethereum.calls.overrides import AccountOverride, BlockOverrides
from blockstm.ethereum.calls.results import CallResult
from blockstm.ethereum.calls.revert_reasons import RevertReason
from blockstm.ethereum.calls.session import CallSession
from blockstm.ethereum.codecs.solidity import PANICS

__all__ = [
    "ERROR_RATIO",
    "GAS_CAP",
    "PANICS",
    "AccountOverride",
    "BlockOverrides",
    "CallOptions",
    "CallResult",
    "CallSession",
    "CreatedAccessList",
    "Failure",
    "Message",
    "RevertReason",
    "call",
    "call_many",
    "create_access_list",
    "estimate_gas",
    "message_of",
]
