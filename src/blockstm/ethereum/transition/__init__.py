"""A block that is not there yet: transactions on a state, in an environment; the tools' ``t8n``.

Imports point down::

    outputs      what came of it as the tools write it: result, accounts, body
    transition   transactions run in an environment, those that do not fit left out
    witnessing   what a transition asks of the state, with its proof
    inputs       transactions and accounts as the tools write them
    environment  the block that is to be: what is given of it, what follows from its parent
    signing      a transaction signed by a secret key
    rejections   why a transaction does not fit, in go-ethereum's words
"""

from blockstm.ethereum.transition.environment import Environment, MissingMember
from blockstm.ethereum.transition.inputs import (
    GivenTransaction,
    accounts_from,
    transactions_from_json,
    transactions_from_rlp,
)
from blockstm.ethereum.transition.outputs import accounts_to_json, body_of, result_to_json
from blockstm.ethereum.transition.rejections import Rejection
from blockstm.ethereum.transition.transition import Transition, transition

__all__ = [
    "Environment",
    "GivenTransaction",
    "MissingMember",
    "Rejection",
    "Transition",
    "accounts_from",
    "accounts_to_json",
    "body_of",
    "result_to_json",
    "transactions_from_json",
    "transactions_from_rlp",
    "transition",
]
