"""The rules of a block that need no execution, and the figures that follow from its header.

Imports point down::

    block_rules        whether a block may follow its parent
    ommers             the headers of side blocks
    transaction_rules  a transaction by itself and in its block
    empty_header       the header of a block before its transactions
    header_rules       a header after its parent's
    proof_of_work      the work that a header before Paris proves
    difficulty         the difficulty of a block before Paris
    fees               what gas and blob gas cost, from the parent
    intrinsic_gas      what a transaction costs before its code runs
    requests           what a block asks of the beacon chain (EIP-7685)
    rewards            what a block pays to its miner
    reasons            one stable word for each rule that a block can break
"""
