"""A chain in memory with transactions, fees and steps of its own, and a node on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.builders import ATTRIBUTES, NOBODY, SENDERS
from tests.ethereum.own_rules import DEPOSIT, Deposit, site
from tests.ethereum.test_builders import pay
from tests.ethereum.test_own_fees import KEEPER, VAULT
from tests.ethereum.test_own_header_rules import genesis_of

from blockstm.chain import Chain
from blockstm.errors import ConfigError, DecodeError, InvalidBlock
from blockstm.ethereum import AccountState, Reason, SystemCall, TransactionFee, build_block
from blockstm.ethereum.genesis import Genesis
from blockstm.rpc import Node, dispatch

RULES: dict[str, Any] = {
    "fees": (TransactionFee(VAULT, lambda transaction, _: len(transaction.encode())),),
    "before": (SystemCall(KEEPER, b"ab"),),
}


def blocks_on(where: Any, genesis: Genesis, count: int) -> list[Any]:
    state, parent = AccountState(genesis.accounts), genesis.block.header
    made = []
    for number in range(count):
        transactions = [
            Deposit(sender=SENDERS[0], to=NOBODY, mint=5, value=3, mark=number),
            Deposit(sender=VAULT, to=None, mark=number, data=bytes.fromhex("60006000f3")),
            pay(1, number, max_fee_per_gas=100)[1],
        ]
        attributes = replace(ATTRIBUTES, timestamp=12 * (number + 1))
        options: Any = {"attributes": attributes, "chain": where.chain, "on_unfit": "raise"}
        done = build_block(parent, transactions, state, **options)
        state.apply(done.executed.writes)
        made.append(done)
        parent = done.block.header
    return made


def asked(node: Node, method: str, *params: Any) -> Any:
    answer: Any = dispatch(
        node, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    )
    return answer["result"]


@pytest.mark.parametrize("pipelined", [False, True])
@pytest.mark.parametrize("encoded", [False, True])
def test_blocks_are_imported_kept_and_shown(pipelined: bool, encoded: bool) -> None:
    where = site("cancun", **RULES)
    genesis = genesis_of(where)
    made = blocks_on(where, genesis, 3)
    blocks = [each.block.encode() if encoded else each.block for each in made]
    with Chain.in_memory(genesis, workers=2) as chain:
        assert len(list(chain.import_blocks(blocks, pipelined=pipelined))) == 3
        for number, each in enumerate(made, 1):
            kept = chain.block(number)
            assert kept.transactions == each.block.transactions
            assert kept.senders[:2] == (SENDERS[0], VAULT)
            assert list(chain.receipts(number)) == list(each.executed.receipts)
        node = Node(chain)
        shown = asked(node, "eth_getBlockByNumber", "0x2", True)["transactions"][0]
        assert (shown["type"], shown["mint"]) == ("0x7e", "0x5")
        assert shown["from"] == "0x" + SENDERS[0].hex()
        receipt = asked(node, "eth_getTransactionReceipt", shown["hash"])
        assert receipt["depositNonce"] == "0x1"
        assert receipt["status"] == "0x1"
        assert receipt["effectiveGasPrice"] == "0x0"
        rewards = asked(node, "eth_feeHistory", "0x3", "latest", [0, 100])["reward"]
        assert rewards == [["0x0", "0x1"]] * 3
        assert asked(node, "eth_getTransactionByHash", shown["hash"]) == shown


def test_the_same_chain_without_the_rules_takes_none_of_it() -> None:
    where, usual = site("cancun", **RULES), site("cancun", transaction_types=())
    genesis = genesis_of(where)
    [made] = blocks_on(where, genesis, 1)
    with Chain.in_memory(genesis_of(usual), workers=1) as chain:
        with pytest.raises(InvalidBlock) as caught:
            chain.import_block(made.block)
        assert caught.value.reason == Reason.TYPE_NOT_SUPPORTED
        with pytest.raises(DecodeError, match=f"no transaction type {DEPOSIT}"):
            chain.import_block(made.block.encode())
        assert chain.head.number == 0


@pytest.mark.parametrize("member", ["fees", "before", "transaction_types"])
def test_a_chain_on_disk_keeps_no_rules(member: str, tmp_path: Path) -> None:
    """It would be opened again without them, and take its own blocks for invalid."""
    pytest.importorskip("mdbx")
    where = site("cancun", **{"transaction_types": (), **RULES})
    kept = {"fees": (), "before": (), "transaction_types": ()}
    kept[member] = getattr(site("cancun", **RULES).chain.rules, member)
    chain = replace(where.chain, rules=replace(where.chain.rules, **kept))
    object.__setattr__(where, "chain", chain)
    with pytest.raises(ConfigError, match="cannot have rules of its own"):
        Chain.open(tmp_path / "chain", genesis=genesis_of(where)).close()
