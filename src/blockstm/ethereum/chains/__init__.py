"""Which fork a block is under, and whose chain it is.

Imports point down::

    chain      chains: forks at their places, and a name
    forks      the forks, and when mainnet changed; their rules' table is `blockstm.vm.forks`
    dao        the DAO fork's transfer
    amsterdam  what Amsterdam charges and allows, where no state is needed
"""

from blockstm.ethereum.chains.chain import (
    MAINNET,
    MAINNET_DEPOSIT_CONTRACT,
    Activation,
    Chain,
    chain_named,
)

__all__ = ["MAINNET", "MAINNET_DEPOSIT_CONTRACT", "Activation", "Chain", "chain_named"]
