"""``blockstm bench``: one command for each kind of benchmark.

Imports point down::

    command    ``blockstm bench``: the engine on a named workload
    sharded    ``blockstm bench shards``: shards that send each other messages
    imports    ``blockstm bench imports``: a generated chain imported
    pipeline   ``blockstm bench pipeline``: from bytes to verified
    blocks     ``blockstm bench blocks``: real blocks
    once       ``blockstm bench once``: real blocks, each met once
    hinted     ``blockstm bench hints``: real blocks with hints, right and hostile
    workloads  ``blockstm bench workloads``: generated blocks
    evm        ``blockstm bench evm``: EVMs on the same bytecode
    rows       block files and lists among the arguments, rows printed as they are measured
"""
