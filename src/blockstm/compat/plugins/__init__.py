"""Plugins of pytest that put a drop-in in place of what a test suite imports.

Imports point down::

    boa         ``-p blockstm.compat.plugins.boa``: titanoboa runs on this EVM
    eth_tester  ``-p blockstm.compat.plugins.eth_tester``: `eth_tester.PyEVMBackend` is ours
    pyevm       ``-p blockstm.compat.plugins.pyevm``: py-evm's chains import blocks through us
    pyrevm      ``-p blockstm.compat.plugins.pyrevm``: `import pyrevm` gives ours
    freezing    what each of them does once all tests are found
"""
