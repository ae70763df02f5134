"""A node to develop against: blocks as soon as there are transactions, and a state to edit.

Imports point down::

    table       the methods that only such a node has, or has in another way
    rewinding   blocks that are gone again, and others in their place
    sending     transactions of the node's own accounts, and of any that are impersonated
    editing     balances, code, nonces and slots as they are wanted
    dumping     the whole state as bytes, and back
    standing    what waits, and what the node says of itself
    stepping    blocks, time, snapshots
    node        `DevNode`
    mining      the blocks that the node builds
    beginning   how its chain begins
    wallet      accounts whose keys the node has
    typed_data  what is signed of structured data (EIP-712)
    mnemonic    keys from words (BIP-32, BIP-39)
"""

from blockstm.rpc.dev.beginning import dev_chain
from blockstm.rpc.dev.node import DevNode
from blockstm.rpc.dev.wallet import Wallet

__all__ = ["DevNode", "Wallet", "dev_chain"]
