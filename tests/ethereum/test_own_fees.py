"""Fees of a chain's own, and what its blocks do by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.builders import COINBASE, NOBODY, SENDERS, contract, sign, state_of
from tests.ethereum.own_rules import TYPES, Deposit, balance, built, everywhere, site
from tests.ethereum.test_builders import RICH, pay

import blockstm
from blockstm.errors import BlockError, ConfigError, InputError, InvalidBlock, TransactionError
from blockstm.ethereum import (
    Account,
    AccountState,
    BlockCalls,
    Chain,
    Header,
    Message,
    Reason,
    Rules,
    RuleView,
    SystemCall,
    Transaction,
    TransactionFee,
    call,
    simulate,
)
from blockstm.ethereum.execution.checks import execute_in_order
from blockstm.types import Address
from blockstm.vm.evm.own_rules import OwnRules

FORKS = ["paris", "cancun", "prague", "amsterdam"]
VAULT, BASE_VAULT = Address(b"\xf1" * 20), Address(b"\xf2" * 20)
KEEPER = Address(b"\xbf" * 20)
# CALLDATASIZE, PUSH1 0, SSTORE, CALLER, PUSH1 1, SSTORE
KEEPER_CODE = bytes.fromhex("3660005533600155")
FAILS = Address(b"\xfa" * 20)
RUNS: list[Callable[..., Any]] = [execute_in_order, blockstm.execute_block]


def world() -> AccountState:
    accounts = {KEEPER: contract(KEEPER_CODE), FAILS: contract(b"\xfe")}
    return AccountState({**dict(RICH.accounts()), **accounts})


def per_byte(transaction: Transaction, view: RuleView) -> int:
    """Three wei a byte, and what a slot says."""
    return 3 * len(transaction.encode()) + view.storage(KEEPER, 0)


# ---- fees


@pytest.mark.parametrize("fork", FORKS)
def test_a_fee_goes_to_its_recipient_and_the_base_fee_to_its_own(fork: str) -> None:
    fees = (TransactionFee(VAULT, per_byte), TransactionFee(COINBASE, lambda *_: 5))
    where = site(fork, fees=fees, base_fee_recipient=BASE_VAULT)
    first, second = pay(0, 0, gas=250_000)[1], pay(1, 0, gas=100_000, to=FAILS, value=0)[1]
    state = world()
    made = built(where, [first, second, Deposit(sender=SENDERS[2], to=NOBODY)], state)
    done = everywhere(where, made, state)
    gas = [each.gas_used or 0 for each in done.receipts[:2]]
    own = [3 * len(each.encode()) for each in (first, second)]
    assert [each.succeeded for each in done.receipts] == [True, False, True]
    assert balance(state, done, VAULT) == sum(own)
    assert balance(state, done, BASE_VAULT) == 7 * sum(gas)
    assert balance(state, done, COINBASE) == sum(gas) + 2 * 5
    assert balance(state, done, SENDERS[0]) == 10**18 - 1 - 8 * gas[0] - own[0] - 5
    assert balance(state, done, SENDERS[1]) == 10**18 - 8 * gas[1] - own[1] - 5
    assert balance(state, done, SENDERS[2]) == 10**18


def test_a_fee_follows_what_transactions_before_it_wrote() -> None:
    """Each raises the slot that the next one's fee is read from."""
    where = site("cancun", fees=(TransactionFee(VAULT, lambda _, view: view.storage(KEEPER, 0)),))
    state = world()
    transactions = [
        pay(0, n, gas=75_000, to=KEEPER, value=0, data=bytes(n + 1))[1] for n in range(5)
    ]
    done = everywhere(where, built(where, transactions, state), state)
    assert balance(state, done, VAULT) == 0 + 1 + 2 + 3 + 4


@pytest.mark.parametrize("fork", FORKS)
def test_what_a_refund_says_comes_back_to_the_sender(fork: str) -> None:
    """As of gas that was not used; of one that fails, too, and of one that takes all its gas."""

    def of_gas(gas: int) -> int:
        return gas * 3 // 2 + 11

    def amount(transaction: Transaction, view: RuleView) -> int:
        return of_gas(transaction.gas)

    def refund(transaction: Transaction, view: RuleView, gas_used: int) -> int:
        return of_gas(transaction.gas) - of_gas(gas_used)

    fees = (TransactionFee(VAULT, amount, refund), TransactionFee(COINBASE, lambda *_: 5))
    where = site(fork, fees=fees, base_fee_recipient=BASE_VAULT)
    transactions = [
        pay(0, 0, gas=250_000)[1],
        pay(1, 0, gas=100_000, to=FAILS, value=0)[1],
        pay(2, 0, gas=90_000, to=KEEPER, value=0, data=b"\1")[1],
        pay(2, 1, gas=90_000, to=KEEPER, value=0, data=b"\1")[1],
    ]
    state = world()
    done = everywhere(where, built(where, transactions, state), state)
    gas = [each.gas_used or 0 for each in done.receipts]
    assert balance(state, done, VAULT) == sum(map(of_gas, gas))
    assert balance(state, done, BASE_VAULT) == 7 * sum(gas)
    assert balance(state, done, SENDERS[0]) == 10**18 - 1 - 8 * gas[0] - of_gas(gas[0]) - 5
    assert balance(state, done, SENDERS[1]) == 10**18 - 8 * gas[1] - of_gas(gas[1]) - 5
    both = gas[2] + gas[3]
    assert balance(state, done, SENDERS[2]) == (
        10**18 - 8 * both - of_gas(gas[2]) - of_gas(gas[3]) - 2 * 5
    )


def test_a_refund_sees_the_state_after_its_transaction() -> None:
    """All of the first one's comes back: it raises the slot from which that is read."""

    def refund(transaction: Transaction, view: RuleView, gas_used: int) -> int:
        return view.storage(KEEPER, 0)

    where = site("cancun", fees=(TransactionFee(VAULT, lambda *_: 4, refund),))
    state = world()
    transactions = [
        pay(0, n, gas=75_000, to=KEEPER, value=0, data=bytes(size))[1]
        for n, size in enumerate((4, 1, 0))
    ]
    done = everywhere(where, built(where, transactions, state), state)
    assert balance(state, done, VAULT) == 0 + 3 + 4


class Unordered(int):
    """A number that says of itself that it is above no other."""

    def __gt__(self, other: object) -> bool:
        return False


@pytest.mark.parametrize(
    ("refund", "words"),
    [
        (lambda *_: 6, "of a fee of 5 wei no 6 come back"),
        (lambda *_: Unordered(6), "of a fee of 5 wei no .* come back"),
        (lambda *_: -1, "what a fee's refund gives"),
        (lambda *_: "5", "what a fee's refund gives"),
        (lambda *_: 1 // 0, "ZeroDivisionError"),
        (lambda _, view, gas: view.credit(VAULT, 1), "only reads"),
    ],
)
def test_a_refund_that_cannot_be_ends_the_block(refund: Any, words: str) -> None:
    usual = site("cancun")
    made = built(usual, [pay(0, 0)[1]], RICH)
    where = site("cancun", fees=(TransactionFee(VAULT, lambda *_: 5, refund),))
    for run in RUNS:
        with pytest.raises(TransactionError, match=words) as caught:
            run(made.block, RICH, "evm", chain=where.chain, parent=where.parent)
        assert caught.value.index == 0
    with pytest.raises(ConfigError, match="refund is a function"):
        TransactionFee(VAULT, lambda *_: 5, 7)  # type: ignore[arg-type]  # that is what is tested


def test_who_cannot_pay_it_with_all_the_rest_is_refused() -> None:
    most = 21_000 * 10 + 1
    for fee, fits in ((4, True), (5, False), (2**256 - 1, False)):
        where = site("cancun", fees=(TransactionFee(VAULT, lambda *_, fee=fee: fee),))
        state = state_of([most + 4, 0, 0, 0])
        if fits:
            everywhere(where, built(where, [pay(0, 0)[1]], state), state)
            continue
        with pytest.raises(InvalidBlock) as caught:
            built(where, [pay(0, 0)[1]], state)
        assert caught.value.reason == Reason.INSUFFICIENT_FUNDS
        usual = site("cancun")
        block = built(usual, [pay(0, 0)[1]], state).block
        for run in RUNS:
            run(block, state, "evm", chain=usual.chain, parent=usual.parent)
            with pytest.raises(InvalidBlock) as caught:
                run(block, state, "evm", chain=where.chain, parent=where.parent)
            assert (caught.value.reason, caught.value.index) == (Reason.INSUFFICIENT_FUNDS, 0)


def test_fees_together_beyond_all_words_are_refused() -> None:
    fees = (TransactionFee(VAULT, lambda *_: 2**255),) * 3
    with pytest.raises(InvalidBlock, match="insufficient funds"):
        built(site("cancun", fees=fees), [pay(0, 0)[1]], RICH)


@pytest.mark.parametrize("amounts", [(2**255, 2**255), (2**256 - 1, 1), (2**256 - 1,) * 8])
def test_fees_beyond_all_words_are_refused_of_who_has_all_the_wei(amounts: tuple[int, ...]) -> None:
    """And pays for nothing else."""
    state = state_of([2**256 - 1, 0, 0, 0])
    free = pay(0, 0, value=0, max_fee_per_gas=0, max_priority_fee_per_gas=0)[1]
    usual = site("cancun", base_fee=lambda parent: 0)
    made = built(usual, [free], state)
    fees = tuple(TransactionFee(VAULT, lambda *_, each=each: each) for each in amounts)
    where = site("cancun", base_fee=lambda parent: 0, fees=fees)
    for run in RUNS:
        with pytest.raises(InvalidBlock) as caught:
            run(made.block, state, "evm", chain=where.chain, parent=where.parent)
        assert (caught.value.reason, caught.value.index) == (Reason.INSUFFICIENT_FUNDS, 0)


def test_all_the_wei_there_is_may_be_paid() -> None:
    state = state_of([2**256 - 1, 0, 0, 0])
    free = pay(0, 0, value=0, max_fee_per_gas=0, max_priority_fee_per_gas=0)[1]
    fees = tuple(TransactionFee(VAULT, lambda *_, each=each: each) for each in (2**255, 2**255 - 1))
    where = site("cancun", base_fee=lambda parent: 0, fees=fees)
    done = everywhere(where, built(where, [free], state), state)
    assert balance(state, done, SENDERS[0]) == 0
    assert balance(state, done, VAULT) == 2**256 - 1


def test_calls_and_simulated_blocks_pay_none() -> None:
    where = site("cancun", fees=(TransactionFee(VAULT, broken),))
    message = Message(sender=SENDERS[0], to=VAULT, value=1)
    call(RICH, message, block=where.parent, chain=where.chain).checked()
    [block] = simulate(where.parent, [BlockCalls(calls=[message])], RICH, chain=where.chain)
    assert block.receipts[0].succeeded


def broken(*given: Any) -> Any:
    raise LookupError("mine")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("amount", "error"),
    [
        (broken, LookupError),
        (lambda *_: -1, InputError),
        (lambda *_: 2**256, InputError),
        (lambda *_: None, InputError),
        (lambda *_: True, InputError),
        (lambda _, view: view.set_storage(KEEPER, 0, 1), InputError),
        (lambda _, view: view.credit(VAULT, 1), InputError),
        (lambda _, view: view.balance(b"short"), InputError),
        (lambda _, view: view.storage(KEEPER, -1), InputError),
        (lambda _, view: view.storage(KEEPER, "0"), InputError),
        (lambda: 1, TypeError),
    ],
)
def test_what_a_fee_raises_ends_the_block_there(amount: Any, error: type, workers: int) -> None:
    where = site("cancun", fees=(TransactionFee(VAULT, amount),))
    block = built(site("cancun"), [Deposit(sender=SENDERS[0], to=NOBODY), pay(1, 0)[1]], RICH).block
    options: Any = {"chain": where.chain, "parent": where.parent, "workers": workers}
    with pytest.raises(TransactionError, match="in transaction 1") as raised:
        blockstm.execute_block(block, RICH, "evm", **options)
    assert raised.value.index == 1
    assert isinstance(raised.value.__cause__, error)


def test_a_view_is_of_its_function_alone() -> None:
    kept: list[RuleView] = []
    where = site("cancun", fees=(TransactionFee(VAULT, lambda _, view: kept.append(view) or 0),))
    built(where, [pay(0, 0)[1]], RICH)
    with pytest.raises(InputError, match="a function's that has returned"):
        kept[0].balance(VAULT)


def test_a_fee_may_run_a_block_itself() -> None:
    """It is called in the middle of a run, on a thread that has a machine in use."""
    inner = site("cancun")
    inner_block = built(inner, [pay(2, 0)[1]], RICH).block

    def amount(transaction: Transaction, view: RuleView) -> int:
        options: Any = {"chain": inner.chain, "parent": inner.parent}
        return execute_in_order(inner_block, RICH, "evm", **options).gas_used

    where = site("cancun", fees=(TransactionFee(VAULT, amount),))
    made = built(where, [pay(0, 0)[1]], RICH)
    assert balance(RICH, made.executed, VAULT) == 21_000


# ---- what blocks do by themselves


@pytest.mark.parametrize("fork", ["berlin", *FORKS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_block_makes_a_call(fork: str, when: str) -> None:
    step = SystemCall(KEEPER, b"abc", sender=NOBODY, must_succeed=True)
    state = world()
    where = site(fork, **{when: (step,)})
    # It stores the size of its call data, too: the later of the two remains.
    members = {"type": 0, "gas_price": 10} if fork == "berlin" else {}
    given: dict[str, Any] = {"gas": 300_000, "to": KEEPER, "value": 0, "data": b"\1"}
    if fork == "berlin":
        from tests.ethereum.builders import CHAIN_ID

        sent = sign(0, nonce=0, chain_id=CHAIN_ID, **members, **given)
    else:
        sent = pay(0, 0, **given)[1]
    done = everywhere(where, built(where, [sent], state), state)
    sender = NOBODY if when == "after" else SENDERS[0]
    size = 3 if when == "after" else 1
    assert done.writes[KEEPER].storage == {0: size, 1: int.from_bytes(sender, "big")}
    if fork != "amsterdam":  # which counts two kinds of gas apart
        assert done.receipts[0].gas_used == done.gas_used  # none of it is a block's gas


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("target", [KEEPER, FAILS])
def test_a_call_may_have_all_the_gas_there_is(fork: str, target: Address) -> None:
    where = site(fork, before=(SystemCall(target, gas=2**63 - 1),))
    done = everywhere(where, built(where, [pay(0, 0)[1]], world()), world())
    assert (KEEPER in done.writes) == (target == KEEPER)


def test_a_calls_input_may_follow_from_the_header() -> None:
    def shown(header: Header) -> bytes:
        return bytes(header.number)

    where = site("cancun", before=(SystemCall(KEEPER, shown),))
    done = everywhere(where, built(where, [], world()), world())
    assert done.writes[KEEPER].storage[0] == where.parent.number + 1
    for wrong, error in ((lambda header: "text", ConfigError), (broken, LookupError)):
        with pytest.raises(error):
            built(site("cancun", before=(SystemCall(KEEPER, wrong),)), [], world())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("target", "reason"),
    [(NOBODY, Reason.SYSTEM_CONTRACT_MISSING), (FAILS, Reason.SYSTEM_CALL_FAILED)],
)
def test_a_call_that_must_succeed_makes_the_block_invalid(
    when: str, target: Address, reason: Reason
) -> None:
    may, must = (
        site("cancun", **{when: (SystemCall(target, must_succeed=each),)}) for each in (False, True)
    )
    made = built(may, [pay(0, 0)[1]], world())
    everywhere(may, made, world())
    for run in RUNS:
        with pytest.raises(InvalidBlock) as caught:
            run(made.block, world(), "evm", chain=must.chain, parent=must.parent)
        assert (caught.value.reason, caught.value.index) == (reason, None)
    with pytest.raises(InvalidBlock) as caught:
        built(must, [pay(0, 0)[1]], world())
    assert caught.value.reason == reason


def moving(view: RuleView) -> None:
    """Reads and writes one of everything."""
    assert view.balance(SENDERS[0]) >= 10
    assert view.debit(SENDERS[0], 10)
    assert not view.debit(NOBODY, 2**200)
    view.credit(VAULT, 10)
    view.set_storage(KEEPER, 5, view.storage(KEEPER, 5) + view.number)
    view.set_code(BASE_VAULT, view.code(KEEPER))
    view.set_nonce(BASE_VAULT, view.nonce(KEEPER) + 1)


@pytest.mark.parametrize("fork", ["berlin", *FORKS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_function_changes_the_state(fork: str, when: str) -> None:
    where = site(fork, **{when: (moving, SystemCall(BASE_VAULT, b"xy"))})
    done = everywhere(where, built(where, [], world()), world())
    assert balance(world(), done, VAULT) == 10
    assert done.writes[KEEPER].storage == {5: where.parent.number + 1}
    made = done.writes[BASE_VAULT]
    assert (made.nonce, made.storage[0]) == (2, 2)  # its new code ran


def test_a_function_after_sees_what_transactions_did() -> None:
    def after(view: RuleView) -> None:
        view.set_storage(KEEPER, 7, view.balance(NOBODY))

    where = site("cancun", after=(after,))
    transactions = [pay(key, 0, value=key + 1)[1] for key in range(4)]
    done = everywhere(where, built(where, transactions, world()), world())
    assert done.writes[KEEPER].storage == {7: 1 + 2 + 3 + 4}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_function_raises_ends_the_block(when: str, workers: int) -> None:
    where = site("cancun", **{when: (broken,)})
    block = built(site("cancun"), [pay(1, 0)[1]], RICH).block
    options: Any = {"chain": where.chain, "parent": where.parent, "workers": workers}
    with pytest.raises(BlockError, match="around the transactions") as raised:
        blockstm.execute_block(block, RICH, "evm", **options)
    assert isinstance(raised.value.__cause__, LookupError)
    with pytest.raises(BlockError):
        built(where, [], RICH)


# ---- the rules as one object


@pytest.mark.parametrize(
    "wrong",
    [
        {"fees": (7,)},
        {"fees": 7},
        {"fees": (TransactionFee(VAULT, per_byte),) * 9},
        {"base_fee_recipient": b"short"},
        {"before": (7,)},
        {"after": "text"},
        {"transaction_types": (7,)},
        {"transaction_types": 7},
        {"transaction_types": {TYPES[0]: 1}},
        {"activations": 5},
        {"activations": (5,)},
        {"precompiles": [1]},
        {"opcodes": [1]},
        {"base_fee": 7},
        {"header_rule": 7},
    ],
)
def test_rules_of_the_wrong_kind_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Rules(**wrong)


def test_what_rules_were_made_from_may_change() -> None:
    fees = [TransactionFee(VAULT, per_byte)]
    types, own_types = list(TYPES), {5: True}
    rules, of_evm = Rules(fees=fees, transaction_types=types), OwnRules(fees, None, own_types)
    fees *= 100
    types.clear()
    own_types["text"] = 7
    assert rules == Rules(fees=tuple(fees[:1]), transaction_types=TYPES)
    assert hash(rules) == hash(Rules(fees=tuple(fees[:1]), transaction_types=TYPES))
    assert of_evm == OwnRules(tuple(fees[:1]), None, {5: True})


@pytest.mark.parametrize("own_types", [5, [5], {"5": True}, {5: 1}, {True: True}])
def test_own_types_of_the_wrong_kind_are_refused(own_types: Any) -> None:
    with pytest.raises(ConfigError, match="own_types"):
        OwnRules(own_types=own_types)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TransactionFee(b"short", per_byte),
        lambda: TransactionFee(VAULT, 7),
        lambda: SystemCall(b"short"),
        lambda: SystemCall(VAULT, "text"),
        lambda: SystemCall(VAULT, sender=b"short"),
        lambda: SystemCall(VAULT, gas=-1),
        lambda: SystemCall(VAULT, gas=2**63),
        lambda: SystemCall(VAULT, gas=True),
        lambda: SystemCall(VAULT, must_succeed=1),
        lambda: Chain(1, rules=7),
    ],
)
def test_parts_of_the_wrong_kind_are_refused(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()


def test_a_chain_takes_from_its_rules_what_was_a_keyword() -> None:
    def fee(parent: Header) -> int:
        return 9

    precompiles: Any = {VAULT: lambda data, gas: (data, 0)}
    activations = site("cancun").chain.activations
    rules = Rules(activations=activations, precompiles=precompiles, base_fee=fee)
    chain = Chain(1337, rules=rules)
    assert (chain.activations, chain.precompiles, chain.base_fee) == (activations, precompiles, fee)
    assert replace(chain, chain_id=7).base_fee is fee
    assert chain.under("prague").rules == rules
    assert hash(chain) == hash(Chain(1337, activations))
    assert chain != Chain(1337, activations)
    with pytest.raises(ConfigError, match="its base_fee by itself or in its rules"):
        Chain(1337, rules=rules, base_fee=lambda parent: 1)
    with pytest.raises(ConfigError, match="its activations by itself or in its rules"):
        Chain(1337, site("prague").chain.activations, rules=rules)
    with pytest.raises(ConfigError, match="one or more"):
        Chain(1337)


def test_py_evm_has_no_rules_of_a_chain() -> None:
    pytest.importorskip("eth")
    where = site("cancun", transaction_types=TYPES)
    with pytest.raises(ConfigError, match="for the native EVM"):
        blockstm.execute_block(
            built(where, [], RICH).block, RICH, "py-evm", chain=where.chain, parent=where.parent
        )


@pytest.mark.parametrize("fork", ["london", "prague", "amsterdam"])
def test_contracts_may_send_where_a_rule_says_so(fork: str) -> None:
    may, usual = site(fork, contracts_may_send=True), site(fork)
    state = AccountState({**dict(RICH.accounts()), SENDERS[0]: contract(b"\0", 10**18)})
    sent = pay(0, 1, gas=250_000)[1]  # its nonce is 1, as a contract's
    made = built(may, [sent], state)
    assert everywhere(may, made, state).receipts[0].succeeded
    for run in RUNS:
        with pytest.raises(InvalidBlock) as caught:
            run(made.block, state, "evm", chain=usual.chain, parent=usual.parent)
        assert (caught.value.reason, caught.value.index) == (Reason.SENDER_HAS_CODE, 0)
    with pytest.raises(ConfigError):
        Rules(contracts_may_send=1)  # type: ignore[arg-type]  # what is tested


def test_an_account_that_pays_a_fee_of_nothing_touches_nobody() -> None:
    """An empty recipient is neither made nor deleted (EIP-161)."""
    where = site("cancun", fees=(TransactionFee(VAULT, lambda *_: 0),))
    state = AccountState({**dict(RICH.accounts()), BASE_VAULT: Account(1)})
    done = everywhere(where, built(where, [pay(0, 0)[1]], state), state)
    assert VAULT not in done.writes
