"""A chain in memory with transactions, fees and steps of its own, and a node on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.builders import ATTRIBUTES, NOBODY, SENDERS
from tests.ethereum.own_rules import DEPOSIT, Deposit, site
from tests.ethereum.test_builders import pay
from tests.ethereum.test_own_fees import KEEPER, VAULT
from tests.ethereum.test_own_header_rules import genesis_of

from blockstm.chain import Chain
from blockstm.errors import ConfigError, DecodeError, InvalidBlock, StoreMismatch
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


# ---- on disk


def length_of(transaction: Any, _: Any) -> int:
    return len(transaction.encode())


def twice_that(transaction: Any, _: Any) -> int:
    return 2 * len(transaction.encode())


LASTING: dict[str, Any] = {
    "fees": (TransactionFee(VAULT, length_of),),
    "before": (SystemCall(KEEPER, b"ab"),),
}


def kept_in(folder: Path, count: int = 2) -> tuple[Any, list[Any]]:
    """A chain on disk with some blocks, closed; where it is of, and these and one more."""
    pytest.importorskip("mdbx")
    where = site("cancun", **LASTING)
    made = blocks_on(where, genesis_of(where), count + 1)
    with Chain.open(folder, genesis=genesis_of(where), spec=where.chain) as chain:
        for each in made[:count]:
            chain.import_block(each.block.encode())
    return where, made


def test_a_chain_on_disk_goes_on_with_its_rules(tmp_path: Path) -> None:
    where, made = kept_in(tmp_path / "chain")
    for read_only in (True, False):
        with Chain.open(tmp_path / "chain", spec=where.chain, read_only=read_only) as chain:
            assert chain.block(2).transactions == made[1].block.transactions
            assert list(chain.receipts(2)) == list(made[1].executed.receipts)
    with Chain.open(tmp_path / "chain", spec=where.chain) as chain:
        assert chain.audit().is_sound
        assert chain.import_block(made[2].block).number == 3
        assert chain.state_at(3).root == made[2].block.header.state_root
        chain.set_head(chain.block_hash(1))
        assert chain.state_at(1).root == made[0].block.header.state_root


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"fees": ()}, "fees"),
        ({"fees": (TransactionFee(KEEPER, length_of),)}, "fees"),
        ({"fees": (TransactionFee(VAULT, twice_that),)}, "fees"),
        ({"before": ()}, "steps before transactions"),
        ({"before": (SystemCall(KEEPER, b"ac"),)}, "steps before transactions"),
        ({"after": (SystemCall(KEEPER, b"ab"),)}, "steps after transactions"),
        ({"transaction_types": ()}, "transaction types"),
        ({"base_fee_recipient": VAULT}, "recipient of the base fee"),
        ({"contracts_may_send": True}, "contracts that send"),
        ({"base_fee": lambda parent: 7}, "base fee"),
        ({"header_rule": lambda header, parent: None}, "rule of headers"),
        ({"precompiles": {VAULT: lambda data: (data, 0)}}, "precompiles"),
    ],
)
def test_a_chain_on_disk_is_not_opened_with_other_rules(
    changed: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    where, _ = kept_in(tmp_path / "chain", 1)
    other = replace(where.chain, rules=replace(where.chain.rules, **changed))
    with pytest.raises(StoreMismatch, match=f"rules of its own.*{kind}"):
        Chain.open(tmp_path / "chain", spec=other)
    with Chain.open(tmp_path / "chain", spec=where.chain) as chain:  # it is as it was
        assert chain.head.number == 1


@pytest.mark.parametrize("read_only", [False, True])
def test_a_chain_with_rules_is_not_opened_without_any(read_only: bool, tmp_path: Path) -> None:
    where, _ = kept_in(tmp_path / "chain", 1)
    usual = site("cancun", transaction_types=())
    with pytest.raises(StoreMismatch, match="has rules of its own"):
        Chain.open(tmp_path / "chain", read_only=read_only)
    with pytest.raises(StoreMismatch, match="has rules of its own"):
        Chain.open(tmp_path / "chain", spec=usual.chain, read_only=read_only)
    with Chain.open(tmp_path / "usual", genesis=genesis_of(usual), spec=usual.chain):
        pass
    with pytest.raises(StoreMismatch, match="has no rules of its own"):
        Chain.open(tmp_path / "usual", spec=where.chain, read_only=read_only)


def test_rules_with_a_name_are_known_by_it(tmp_path: Path) -> None:
    """Its functions may be called otherwise then: a name says which they are."""
    pytest.importorskip("mdbx")
    where = site("cancun", **LASTING)
    named = replace(where.chain, rules=replace(where.chain.rules, name="toll 1"))
    Chain.open(tmp_path / "chain", genesis=genesis_of(where), spec=named).close()
    renamed = (TransactionFee(VAULT, lambda transaction, _: len(transaction.encode())),)
    same = replace(named, rules=replace(named.rules, fees=renamed))
    Chain.open(tmp_path / "chain", spec=same).close()
    other = replace(named, rules=replace(named.rules, name="toll 2"))
    with pytest.raises(StoreMismatch, match="name differ"):
        Chain.open(tmp_path / "chain", spec=other)
    with pytest.raises(ConfigError, match="name of Rules"):
        replace(named.rules, name=5)


# ---- functions that hold values


def times(rate: int, transaction: Any, _: Any, *, least: int = 0) -> int:
    return max(rate * len(transaction.encode()), least)


def in_closure(rate: int) -> Any:
    return lambda transaction, _: rate * len(transaction.encode())


def by_default(rate: int) -> Any:
    def fee(transaction: Any, _: Any, rate: int = rate) -> int:
        return rate * len(transaction.encode())

    return fee


def calling_itself(rate: int) -> Any:
    def fee(transaction: Any, _: Any) -> int:
        return rate if transaction.data else fee(transaction, _)

    return fee


@dataclass(frozen=True)
class Toll:
    rate: int

    def __call__(self, transaction: Any, _: Any) -> int:
        return self.rate * len(transaction.encode())

    def half(self, transaction: Any, _: Any) -> int:
        return self.rate * len(transaction.encode()) // 2


class Slotted:
    __slots__ = ("rate",)

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def __call__(self, transaction: Any, _: Any) -> int:
        return self.rate


class Changing:
    def __init__(self, rate: int) -> None:
        self.rate = rate

    def __call__(self, transaction: Any, _: Any) -> int:
        return self.rate


class Bare:
    def __call__(self, transaction: Any, _: Any) -> int:
        return 1


class OtherBare(Bare):
    pass


def with_fee(fee: Any, name: str = "") -> Any:
    return site("cancun", fees=(TransactionFee(VAULT, fee),), name=name)


@pytest.mark.parametrize(
    ("begun", "others"),
    [
        (lambda: partial(times, 5), [partial(times, 7), times, partial(times, 5, least=1)]),
        (lambda: partial(times, 5, least=1), [partial(times, 5, least=2), partial(times, 5)]),
        (lambda: partial(Toll(5)), [partial(Toll(7)), Toll(5)]),
        (lambda: in_closure(5), [in_closure(7), by_default(5)]),
        (lambda: in_closure((5, b"a")), [in_closure((5, b"b"))]),
        (lambda: in_closure(times), [in_closure(length_of), in_closure(Toll)]),
        (lambda: in_closure(frozenset("abc")), [in_closure(frozenset("abd"))]),
        (lambda: by_default(5), [by_default(7)]),
        (lambda: calling_itself(5), [calling_itself(7)]),
        (lambda: Toll(5), [Toll(7), Toll(5).half]),
        (lambda: Toll(5).half, [Toll(7).half]),
        (lambda: Bare(), [OtherBare()]),
    ],
)
def test_functions_are_known_by_what_they_hold(begun: Any, others: Any, tmp_path: Path) -> None:
    pytest.importorskip("mdbx")
    where = with_fee(begun())
    Chain.open(tmp_path / "chain", genesis=genesis_of(where), spec=where.chain).close()
    for other in others:
        with pytest.raises(StoreMismatch, match="fees differ"):
            Chain.open(tmp_path / "chain", spec=with_fee(other).chain)
    Chain.open(tmp_path / "chain", spec=with_fee(begun()).chain).close()


@pytest.mark.parametrize(
    "fee",
    [
        Slotted(5),
        Changing(5),
        Changing(5).__call__,
        partial(Changing(5)),
        partial(times, [5]),
        in_closure({"rate": 5}),
        by_default(bytearray(5)),  # type: ignore[arg-type]  # that is what is tested
    ],
)
def test_functions_without_a_name_are_refused_unless_the_rules_have_one(
    fee: Any, tmp_path: Path
) -> None:
    pytest.importorskip("mdbx")
    folder, where = tmp_path / "chain", with_fee(fee, "toll 1")
    genesis = genesis_of(where)
    with pytest.raises(ConfigError, match=r"Rules\(name="):
        Chain.open(folder, genesis=genesis, spec=with_fee(fee).chain)
    Chain.open(folder, genesis=genesis, spec=where.chain).close()
    Chain.open(folder, spec=with_fee(Changing(7), "toll 1").chain).close()
    with pytest.raises(StoreMismatch, match="name differ"):
        Chain.open(folder, spec=with_fee(fee, "toll 2").chain)
    with pytest.raises(ConfigError, match=r"Rules\(name="):
        Chain.open(folder, spec=with_fee(fee).chain)
