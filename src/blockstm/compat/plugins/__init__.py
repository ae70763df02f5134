"""Plugins of pytest that put a drop-in in place of what a test suite imports.

Imports point down::

    pyrevm   ``-p blockstm.compat.plugins.pyrevm``: `import pyrevm` gives `blockstm.compat.pyrevm`
"""
