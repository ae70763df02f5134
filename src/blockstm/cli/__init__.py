"""The command line: ``blockstm run``, ``bench``, the official tests, go-ethereum's tools. Calls the
layers below.

Imports point down::

    replay      ``blockstm replay``: blocks executed again, by many processes or on a cluster
    chains      ``blockstm import``, ``export``, ``state``, ``witness``, ``audit``, ...
    rpc         ``blockstm rpc``: a chain served as JSON-RPC
    ai          ``blockstm ai``: models compiled for a chain, inferences bundled and verified
    fetch       ``blockstm fetch``: a block of a node, with all that executing it reads
    rpctest     ``blockstm rpctest``: recorded exchanges with a node, run and compared
    transitions  ``blockstm t8n``, ``t8n-server``, ``b11r``
    runcode     ``blockstm run-code``: code run by itself
    simulating  ``blockstm simulate-cores``: blocks on more cores than there are
    insight     ``blockstm insight``: what blocks did, what was hot, what is out of the ordinary
    insight_blocks  the blocks that it tells of
    evmc        ``blockstm evmc``: this EVM as a shared library, and what others say of themselves
    bench       ``blockstm bench``
    statetest   ``blockstm statetest``: the official tests of one transaction on a state
    blocktest   ``blockstm blocktest``: the official tests of blocks on a chain
    run         ``blockstm run``: block files executed and compared with their headers
    chunks      ``blockstm chunks``: a bundle in chunks, each proved by itself
    verify      ``blockstm verify``: a block by its witness, without a state
    bal         ``blockstm bal``: block-level access lists, shown and compared
    fixtures    official tests: read, run, reported
    judging     what ``run`` says of a block
    blockstats  what ``run --stats`` says of a block
    verdict     a block of a file, and what is said about it
    blockpaths  which files and folders an argument names
    block_ranges  which numbers of blocks one names
    summaries   where what was written is told
    durations   spans of time as people read them
    commands    which commands there are, and how one is run
"""

from blockstm.cli.commands import main

__all__ = ["main"]
