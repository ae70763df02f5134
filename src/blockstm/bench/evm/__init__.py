"""EVMs compared on the same bytecode, each call long inside one contract.

Imports point down::

    measurement   one row of the benchmark: a workload, one EVM, and its baselines
    instructions  how many instructions a workload executes, by opcode
    candidates    the EVMs that are timed
    state_tests   workloads from files in the format of the official state tests
    workloads     calls that run long inside one contract
    assembly      an assembler for the EVM
    published     what other EVMs took where this benchmark cannot run them
    artefacts     what the contracts of ``bench/contracts`` compile to
"""
