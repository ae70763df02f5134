"""Blocks for the EVM to be measured with: what parallel chains are built for, what hurts.

Imports point down::

    once            real blocks, each met once in a fresh process
    pipeline        blocks verified from their bytes
    measurement     one row of the benchmark: the engine on some workers, and its baselines
    baselines       other EVMs on a workload, one transaction after another
    hinted          blocks with hints of each kind, right and hostile
    taught          generated blocks, and what others of their kind teach of them
    real_blocks     real blocks on the native EVM and on py-evm
    evm_loads       loads of `blockstm bench evm` as blocks, beside the newest revm
    revm            the newest revm on a workload, a program in Rust
    exported        a workload as bytes for other programs, and what it comes to
    own_pools       swaps in contracts of their own: what meeting code costs
    unmet_codes     calls to more codes than are kept
    signed_blocks   generated blocks as they travel: signed, encoded, with all their roots
    signing         keys and signatures for them
    workloads       generated blocks, by name
    market_traffic  jobs of a market of compute
    dex_traffic     swaps in pools whose fee a network sets
    agents_traffic  transactions of agents that see the signals of blocks
    perceptrons     small networks that contracts ask
    plots           speed-ups as a picture
    upstream_pyevm  a block's transactions on upstream py-evm
    fixture         people, tokens and pools, and the state they begin with
"""
