"""Commands on a chain in a folder: import, export, rollback, state, witness, prove, audit, chain.

Imports point down::

    importing  ``blockstm import``
    exporting  ``blockstm export``
    rollback   ``blockstm rollback``
    state      ``blockstm state``
    witness    ``blockstm witness``
    prove      ``blockstm prove``
    audit      ``blockstm audit``
    info       ``blockstm chain``
    progress   how far an import is, on a terminal
    options    what the commands have in common
"""
