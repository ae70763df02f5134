"""Files and messages that hold a block or what executing it reads, and what they hold.

Imports point down::

    block_files        a block with everything that executing it reads
    pre_state          the accounts that a block reads, as block files and nodes' tracers write them
    payloads           execution payloads: blocks as the engine API passes them
    access_list_files  access lists in files
"""
