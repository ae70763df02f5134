"""`blockstm.compat.pyevm`: chains of py-evm import through this EVM what py-evm has built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from eth import constants
from eth.chains.base import MiningChain as TheirMiningChain
from eth.consensus.noproof import NoProofConsensus
from eth.db.atomic import AtomicDB
from eth.vm import forks
from eth_keys import keys
from eth_utils import ValidationError

from blockstm.compat.plugins import pyevm as plugin
from blockstm.compat.pyevm import Chain, MiningChain
from blockstm.compat.pyevm.chain import import_block

# py-evm warns of SELFDESTRUCT from Shanghai on.
pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT:DeprecationWarning")

KEY = keys.PrivateKey(b"\x07" * 32)
OWNER = KEY.public_key.to_canonical_address()
COUNTER, DONE = b"\xee" * 20, b"\xdd" * 20
# Adds 1 to slot 0; keeps the hash of the block before the last in slot 1; logs.
CODE = bytes.fromhex("6000546001016000556002430340600155602a60005260016020600 0a1".replace(" ", ""))
DIES = bytes.fromhex("33ff")
VMS = ["FrontierVM", "SpuriousDragonVM", "ByzantiumVM", "BerlinVM", "LondonVM", "ShanghaiVM"]


def accounts() -> dict[bytes, dict[str, Any]]:
    return {
        OWNER: {"balance": 10**20, "nonce": 0, "code": b"", "storage": {}},
        COUNTER: {"balance": 3, "nonce": 1, "code": CODE, "storage": {0: 5, 9: 1}},
        DONE: {"balance": 9, "nonce": 1, "code": DIES, "storage": {1: 1}},
    }


def chain_of(kind: Any, name: str) -> Any:
    """A chain without proofs of work, at its genesis."""
    vm = getattr(forks, name).configure(consensus_class=NoProofConsensus)
    configured = kind.configure(
        __name__="Tested", vm_configuration=((constants.GENESIS_BLOCK_NUMBER, vm),), chain_id=1337
    )
    genesis = {"difficulty": 1, "gas_limit": 3_000_000, "timestamp": 5}
    if name == "ShanghaiVM":
        genesis["difficulty"] = 0
    return configured.from_genesis(AtomicDB(), genesis, accounts())


def transaction(chain: Any, nonce: int, to: bytes, data: bytes = b"") -> Any:
    unsigned = chain.create_unsigned_transaction(
        nonce=nonce, gas_price=10**10, gas=200_000, to=to, value=2, data=data
    )
    frontier = type(chain.get_vm()).__name__ == "FrontierVM"
    return unsigned.as_signed_transaction(KEY, **({} if frontier else {"chain_id": 1337}))


def built(name: str) -> list[Any]:
    """Blocks that py-evm has built: calls, creations, a contract that goes."""
    chain = chain_of(TheirMiningChain, name)
    initcode = bytes.fromhex("6001600c60003960016000f300")
    wanted = [
        [(COUNTER, b""), (DONE, b"")],
        [(b"\x99" * 20, b""), (b"", initcode), (COUNTER, b"")],
        [],
        [(COUNTER, b""), (b"\x04".rjust(20, b"\0"), b"abc")],
    ]
    blocks, nonce = [], 0
    for calls in wanted:
        signed = [transaction(chain, nonce + each, *call) for each, call in enumerate(calls)]
        nonce += len(calls)
        result, _, _ = chain.mine_all(signed)
        blocks.append(result.imported_block)
    return blocks


@pytest.mark.parametrize("kind", [Chain, MiningChain])
@pytest.mark.parametrize("name", VMS)
def test_blocks_are_imported_as_py_evm_has_built_them(kind: Any, name: str) -> None:
    chain = chain_of(kind, name)
    for block in built(name):
        result = chain.import_block(block)
        assert result.imported_block.hash == block.hash
        assert [each.hash for each in result.new_canonical_blocks] == [block.hash]
    head = chain.get_canonical_head()
    assert (head.hash, head.block_number) == (block.hash, 4)
    state = chain.get_vm().state
    assert (state.get_storage(COUNTER, 0), state.get_nonce(OWNER)) == (8, 7)
    assert state.get_storage(COUNTER, 1) != 0
    last = block.transactions[0].hash
    assert len(chain.get_transaction_receipt(last).logs) == 1
    assert chain.get_canonical_transaction(last) == block.transactions[0]


def wrong(block: Any) -> Iterator[tuple[str, Any]]:
    header = block.header
    yield "gas used", block.copy(header=header.copy(gas_used=header.gas_used + 1))
    yield "state root", block.copy(header=header.copy(state_root=b"\1" * 32))
    yield "receipts", block.copy(header=header.copy(receipt_root=b"\1" * 32))
    yield "transactions", block.copy(transactions=block.transactions[:1])
    yield "number", block.copy(header=header.copy(block_number=7))
    yield "parent", block.copy(header=header.copy(parent_hash=b"\1" * 32))
    yield "time", block.copy(header=header.copy(timestamp=1))


def test_a_wrong_block_is_refused_and_leaves_the_chain_as_it_is() -> None:
    first, second, *_ = built("LondonVM")
    chain = chain_of(Chain, "LondonVM")
    with pytest.raises(ValidationError, match="before its parent"):
        chain.import_block(second)
    for what, block in wrong(first):
        with pytest.raises(ValidationError):
            chain.import_block(block)
        assert chain.get_canonical_head().block_number == 0, what
    chain.import_block(first)
    chain.import_block(second)
    assert chain.get_canonical_head().hash == second.hash


def test_without_validation_py_evm_runs_a_block() -> None:
    [first, *_] = built("LondonVM")
    for kind in (Chain, MiningChain):
        chain = chain_of(kind, "LondonVM")
        changed = first.copy(header=first.header.copy(state_root=b"\1" * 32))
        result = chain.import_block(changed, perform_validation=False)
        assert result.imported_block.header.state_root == first.header.state_root


def test_a_witness_names_what_a_block_read() -> None:
    [first, *_] = built("LondonVM")
    witness = chain_of(Chain, "LondonVM").import_block(first).meta_witness
    assert {OWNER, COUNTER, DONE} <= witness.accounts_queried
    assert {0, 1} <= witness.get_slots_queried(COUNTER)


def test_a_plugin_puts_it_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eth.chains.base.Chain.import_block", import_block)  # and back afterwards
    plugin.pytest_load_initial_conftests()
    chain = chain_of(TheirMiningChain, "LondonVM")
    for block in built("LondonVM"):
        assert chain.import_block(block).imported_block.hash == block.hash
