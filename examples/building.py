"""A chain of one's own that lives in one process: pay, build, import, call.

Every few seconds there would be a block; here there are three. Transactions are signed with
eth-keys, which comes with ``pip install 'blockstm[pyevm]'``; any signer will do.

Run it: ``python examples/building.py``.
"""

from __future__ import annotations

from dataclasses import replace

from eth_keys.datatypes import PrivateKey

import blockstm
from blockstm.ethereum import (
    AccountState,
    BlockAttributes,
    BuiltBlock,
    Header,
    Message,
    Transaction,
    build_block,
    by_price,
    call,
    estimate_gas,
)
from blockstm.ethereum.genesis import parse_genesis
from blockstm.types import Address

CHAIN_ID = 1337
KEYS = [PrivateKey(bytes([number]) * 32) for number in range(1, 4)]
PEOPLE = [Address(key.public_key.to_canonical_address()) for key in KEYS]
MINER, COUNTER = Address(b"\xc0" * 20), Address(b"\xaa" * 20)
# With input it adds that to slot 0; without, it returns slot 0.
CODE = bytes.fromhex("36600c575f545f5260205ff35b5f355f54015f5500")
FORKS = "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin london"
GENESIS = {
    "config": {
        "chainId": CHAIN_ID,
        **{f"{fork}Block": 0 for fork in FORKS.split()},
        "terminalTotalDifficulty": 0,
        "shanghaiTime": 0,
        "cancunTime": 0,
    },
    "gasLimit": hex(30_000_000),
    "alloc": {
        **{person.hex(): {"balance": hex(10**18)} for person in PEOPLE},
        COUNTER.hex(): {"balance": "0x0", "code": "0x" + CODE.hex()},
    },
}


def signed(person: int, nonce: int, amount: int, tip: int) -> Transaction:
    """One of the people adds an amount to the counter."""
    unsigned = Transaction(
        type=2,
        chain_id=CHAIN_ID,
        nonce=nonce,
        gas=60_000,
        to=COUNTER,
        value=0,
        data=amount.to_bytes(32, "big"),
        max_fee_per_gas=2 * 10**9,
        max_priority_fee_per_gas=tip,
        v=0,
        r=0,
        s=0,
    )
    signature = KEYS[person].sign_msg_hash(unsigned.signing_hash)
    return replace(unsigned, v=signature.v, r=signature.r, s=signature.s)


def main(blocks: int = 3) -> tuple[int, list[BuiltBlock]]:
    """The counter after some blocks, and these."""
    genesis = parse_genesis(GENESIS)
    assert genesis.chain is not None
    state, parent = AccountState(genesis.accounts), genesis.block.header
    built = []
    for number in range(blocks):
        pool = [signed(person, number, person + 1, tip=person + 1) for person in range(len(KEYS))]
        pool.append(signed(0, number + 7, 100, tip=9))  # its nonce is too high: it is left out
        attributes = BlockAttributes(timestamp=12 * (number + 1), coinbase=MINER)
        done = build_block(
            parent, pool, state, chain=genesis.chain, attributes=attributes, order=by_price
        )
        executed = blockstm.execute_block(
            done.block, state, vm="evm", chain=genesis.chain, parent=parent
        )
        state.apply(executed.writes)
        parent = done.block.header
        built.append(done)
        tell(done, parent)
    reading = Message(to=COUNTER)
    gas = estimate_gas(state, reading, block=parent, chain=genesis.chain)
    value = call(state, reading, block=parent, chain=genesis.chain).checked().output
    print(f"the counter is {int.from_bytes(value, 'big')}; reading it takes up to {gas} gas")
    return int.from_bytes(value, "big"), built


def tell(done: BuiltBlock, header: Header) -> None:
    print(
        f"block {header.number}: {len(done.block.transactions)} transactions, "
        f"{header.gas_used} gas, {done.value} wei for its builder"
    )
    for each in done.rejected:
        print(f"  left out: transaction {each.index}, {each.detail}")


if __name__ == "__main__":
    main()
