"""Genesis files: how a chain begins and when its rules change, as clients write it.

Imports point down::

    genesis_files     the file as a whole: the first block, its state, its chain
    nethermind        Nethermind's chain specification, EIP by EIP
    geth              ``config``, as go-ethereum, Besu and Erigon write it
    chain_members     what both have in common
    system_contracts  the contracts that blocks call by themselves
"""

from blockstm.ethereum.genesis.genesis_files import (
    Genesis,
    parse_genesis,
    read_genesis,
)

__all__ = ["Genesis", "parse_genesis", "read_genesis"]
