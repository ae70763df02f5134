"""Commands on a chain in a folder: import, export, rollback, state, witness, audit, chain.

Imports point down::

    importing  ``blockstm import``
    exporting  ``blockstm export``
    rollback   ``blockstm rollback``
    state      ``blockstm state``
    witness    ``blockstm witness``
    audit      ``blockstm audit``
    info       ``blockstm chain``
    progress   how far an import is, on a terminal
    options    what the commands have in common
"""
