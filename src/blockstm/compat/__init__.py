"""Drop-ins: other packages' names and signatures, run by this one's EVM.

Imports point down::

    plugins     plugins of pytest that put drop-ins in place
    pyevm       py-evm's chains, whose blocks run here
    boa         titanoboa's EVM: ``boa.env.evm``
    pyrevm      `pyrevm`, revm's EVM for Python
    checksums   addresses in mixed case
    eth_tester  `eth-tester`'s backend: ``blockstm.compat.eth_tester.Backend``
"""
