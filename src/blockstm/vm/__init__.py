"""What runs one transaction.

Imports point down::

    evm       the native EVM
    evmc      EVMs from shared libraries, by EVMC
    pyevm     py-evm
    callable  any VM that is passed, bound to a block
    kernel    transactions that Numba compiles
    native    the protocol of native VMs
    context   what a transaction can learn about its block
    forks     what each fork of Ethereum changed about a block
"""
