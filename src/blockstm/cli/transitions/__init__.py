"""Transitions: blocks made of transactions on a state, for tools that speak go-ethereum's ``t8n``.

Imports point down::

    entry      ``blockstm-t8n``: answers tools as go-ethereum's ``evm`` does
    command    ``blockstm t8n``: one transition, from and to files and streams
    server     ``blockstm t8n-server``: transitions over HTTP
    tracefiles  what transactions did inside, in files
    blockbuilder  ``blockstm b11r``: a block put together of its parts
    consumers  official tests, reported as go-ethereum's ``evm`` reports them
    request    one transition from JSON to JSON
    ownrules   a chain's own rules, by the name of a module
    files      where input comes from, and where output goes
    failures   what ends a transition, with go-ethereum's exit status
"""
