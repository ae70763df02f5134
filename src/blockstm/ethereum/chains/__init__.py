"""Which fork a block is under, and whose chain it is.

Imports point down::

    chain        chains: forks at their places, and a name
    rules        what a chain has beside its forks
    activations  where a fork begins
    forks        the earlier path of `blockstm.vm.forks` and of mainnet's schedule
    mainnet      when mainnet changed
    dao          the DAO fork's transfer
    amsterdam    what Amsterdam charges and allows, where no state is needed
"""

from blockstm.ethereum.chains.chain import (
    MAINNET,
    MAINNET_DEPOSIT_CONTRACT,
    Activation,
    Chain,
    chain_named,
)
from blockstm.ethereum.chains.rules import OwnTransactionType, Rules

__all__ = [
    "MAINNET",
    "MAINNET_DEPOSIT_CONTRACT",
    "Activation",
    "Chain",
    "OwnTransactionType",
    "Rules",
    "chain_named",
]
