"""Plugins of pytest that put a drop-in in place of what a test suite imports.

Imports point down::

    eth_tester  `eth_tester.PyEVMBackend` is `blockstm.compat.eth_tester.Backend`
    pyrevm      `import pyrevm` gives `blockstm.compat.pyrevm`
"""
