"""A model deployed on a chain, asked in a block, and that block proved to somebody else.

Give it a quantised ONNX model (``pip install 'blockstm[ai]'``). The model's input is drawn. What is
written, a bundle and the chain's genesis, goes to another machine, which believes no more than the
parent's state root:

    python examples/proved_inference.py model.onnx
    blockstm verify inference.bundle --genesis genesis.json --ai --parent-root 0x...
    blockstm verify inference.bundle --genesis genesis.json --ai --transaction 0

Transactions are signed with eth-keys, which comes with ``pip install 'blockstm[pyevm]'``; any
signer will do.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_keys.datatypes import PrivateKey

from blockstm import ai
from blockstm.chain import Chain, prove_block
from blockstm.ethereum import BlockAttributes, Bundle, Message, Transaction, build_block, call
from blockstm.ethereum.genesis import parse_genesis
from blockstm.types import Address

CHAIN_ID = 1337
KEY = PrivateKey(b"\x01" * 32)
OWNER = Address(KEY.public_key.to_canonical_address())
GENESIS: dict[str, Any] = {
    "config": {
        "chainId": CHAIN_ID,
        "londonBlock": 0,
        "terminalTotalDifficulty": 0,
        "shanghaiTime": 0,
        "cancunTime": 0,
    },
    "gasLimit": hex(100_000_000),
    "baseFeePerGas": "0x7",
    "alloc": {f"0x{OWNER.hex()}": {"balance": hex(10**20)}},
}


def signed(nonce: int, to: Address | None, data: bytes, gas: int) -> Transaction:
    """A transaction of the owner's."""
    unsigned = Transaction(
        type=2, nonce=nonce, gas=gas, to=to, value=0, data=data, v=0, r=0, s=0,
        chain_id=CHAIN_ID, max_priority_fee_per_gas=1, max_fee_per_gas=10**9,
    )  # fmt: skip
    signature = KEY.sign_msg_hash(unsigned.signing_hash)
    return replace(unsigned, v=signature.v, r=signature.r, s=signature.s)


def mined(chain: Chain, transactions: Sequence[Transaction]) -> list[bool]:
    """The next block, of these transactions; which of them succeeded."""
    head = chain.head
    built = build_block(
        head.header,
        transactions,
        chain.state_at(head.number),
        chain=chain.spec,
        attributes=BlockAttributes(timestamp=head.header.timestamp + 12),
        on_unfit="raise",
    )
    chain.import_block(built.block)
    return [receipt.succeeded for receipt in built.executed.receipts]


def proved(model: ai.Model, given: bytes) -> Bundle:
    """Deploy the model in one block, ask it in the next; the bundle of that."""
    deployment = ai.Deployment(model, OWNER)
    genesis = parse_genesis(GENESIS)
    assert genesis.chain is not None  # it says when its forks are
    spec = replace(genesis.chain, precompiles=ai.precompiles())
    with Chain.in_memory(replace(genesis, chain=spec)) as chain:
        creations = [signed(step.nonce, None, step.initcode, step.gas) for step in deployment.steps]
        assert all(mined(chain, creations))
        answer = call(chain.state_at(1), Message(to=deployment.contract, data=given), chain=spec)
        assert answer.output == model.run(given)  # as off chain, bit for bit
        asked = signed(len(creations), deployment.contract, given, 10_000_000)
        assert all(mined(chain, [asked]))
        return prove_block(chain, 2)


def main(model: ai.Model, folder: Path = Path()) -> Bundle:
    """Write the bundle and the genesis to a folder."""
    bundle = proved(model, random.Random(1).randbytes(model.input.size))
    (folder / "inference.bundle").write_bytes(bundle.encode())
    (folder / "genesis.json").write_text(json.dumps(GENESIS, indent=1) + "\n")
    print(f"bundle 0x{bundle.hash.hex()}")
    print(f"parent's state root 0x{bundle.witness.parent_state_root.hex()}")
    return bundle


if __name__ == "__main__":
    from blockstm.ai.compiling import compile_onnx  # needs the extra `ai`

    main(compile_onnx(sys.argv[1]))
