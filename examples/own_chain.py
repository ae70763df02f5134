"""A chain of one's own: a fork with one more precompiled contract, a base fee and a header rule.

The chain is under Cancun, and has beside it a contract that no fork has, which returns its input
backwards. Its base fee moves by 1/250 of itself from block to block, not by 1/8, and a block may
use 6 times its target, not twice. Headers name the chain in their extra data.

Run it: ``python examples/own_chain.py``.
"""

from __future__ import annotations

import blockstm
from blockstm.ethereum import (
    Account,
    AccountState,
    Activation,
    BlockAttributes,
    Chain,
    Header,
    Message,
    build_block,
    call,
    fork_named,
)
from blockstm.ethereum.genesis import parse_genesis
from blockstm.types import Address

BACKWARDS = Address(b"\x0f" * 20)
NAME = b"our own chain"
ELASTICITY, SLOWNESS = 6, 250
GENESIS = {"gasLimit": hex(30_000_000), "baseFeePerGas": hex(10**9)}


def backwards(data: bytes, gas: int) -> tuple[bytes, int]:
    """The precompiled contract: its output, and its price in gas."""
    return data[::-1], 15 + 3 * len(data)


def base_fee(parent: Header) -> int:
    """The base fee of the block after ``parent``, in wei per gas."""
    fee = parent.base_fee_per_gas or 0  # each has one: the chain begins after London
    target = parent.gas_limit // ELASTICITY
    return max(fee + fee * (parent.gas_used - target) // target // SLOWNESS, 1)


def header_rule(header: Header, parent: Header) -> str | None:
    """What is wrong with a header."""
    named = header.extra_data == NAME
    return None if named else f"its extra data is {header.extra_data!r}, not {NAME!r}"


CHAIN = Chain(
    1337,
    (Activation(fork_named("cancun"), block=0),),
    precompiles={BACKWARDS: backwards},
    base_fee=base_fee,
    header_rule=header_rule,
)


def main(blocks: int = 3) -> list[int]:
    """The base fees of some blocks."""
    parent = parse_genesis(GENESIS, chain=CHAIN).block.header
    state = AccountState({Address(b"\x01" * 20): Account(10**18)})
    fees = []
    for number in range(blocks):
        attributes = BlockAttributes(timestamp=2 * (number + 1), extra_data=NAME)
        block = build_block(parent, [], state, chain=CHAIN, attributes=attributes).block
        executed = blockstm.execute_block(block, state, vm="evm", chain=CHAIN, parent=parent)
        state.apply(executed.writes)
        parent = block.header
        fees.append(parent.base_fee_per_gas or 0)
        print(f"block {parent.number}: a base fee of {fees[-1]} wei")
    done = call(state, Message(to=BACKWARDS, data=b"abc"), block=parent, chain=CHAIN).checked()
    print(f"abc backwards is {done.output.decode()}")
    return fees


if __name__ == "__main__":
    main()
