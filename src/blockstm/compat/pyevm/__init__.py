"""py-evm's chains, whose blocks run on this EVM: ``pip install 'blockstm[pyevm]'``.

Imports point down::

    chain    `Chain`, `MiningChain`: `import_block` runs here
    blocks   its blocks run, and what they did put into its database
    state    accounts as its database has them
"""

from blockstm.extras import need

need("pyevm", "blockstm.compat.pyevm")

from blockstm.compat.pyevm.chain import Chain, MiningChain

__all__ = ["Chain", "MiningChain"]
