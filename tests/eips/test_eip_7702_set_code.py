"""EIP-7702 (Prague): transactions of type 4 have accounts run another account's code."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import call, gas, run, since, word
from tests.eips.whole_blocks import executed, signed
from tests.ethereum.builders import SENDERS as AUTHORITIES
from tests.ethereum.builders import authorize
from tests.evm.world_blocks import NOBODY, SENDERS, contract, transaction, words

from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account

FORKS = since("prague")
PRICED = since("prague", until="amsterdam")  # EIP-2780 and EIP-8037 have other prices
A, B = SENDERS[4], SENDERS[5]
COUNTER, OTHER = Address(b"\x0c" * 20), Address(b"\x0d" * 20)
COUNTS = "0 SLOAD 1 ADD 0 SSTORE"
MAX = 2**64 - 1
THERE = {COUNTER: contract(COUNTS), OTHER: contract("STOP")}
FUNDED = {A: Account(10**18), B: Account(10**18)}


def delegation(to: Address) -> bytes:
    """What the code of an account is that runs another's."""
    return b"\xef\x01\x00" + to


def allows(to: Address, nonce: int = 0, chain_id: int = 1) -> SimpleNamespace:
    return SimpleNamespace(chain_id=chain_id, address=to, nonce=nonce)


def sets(
    sender: int,
    to: Address,
    *allowed: tuple[Address | None, SimpleNamespace],
    **members: Any,
) -> Any:
    """A transaction of type 4 with authorizations and the authorities that signed them."""
    return transaction(
        sender,
        to,
        type=4,
        authorities=tuple(each for each, _ in allowed),
        authorizations=tuple(each for _, each in allowed),
        **members,
    )


@pytest.mark.parametrize("fork", FORKS)
def test_a_delegated_account_runs_that_code_on_its_own_storage(fork: str) -> None:
    block = [
        sets(0, NOBODY, (A, allows(COUNTER))),
        *(transaction(i, A, gas=200_000) for i in (1, 2, 3)),
        sets(1, NOBODY, (A, allows(OTHER, nonce=1)), nonce=1),
        transaction(2, A, nonce=1),  # counts no more
    ]
    ran = run(fork, block, {**THERE, **FUNDED})
    assert [e.succeeded for e in ran.executions] == [True] * 6
    account = ran.state.account(A)
    assert (account.code, account.nonce, account.storage) == (delegation(OTHER), 2, {0: 3})
    assert ran.state.account(COUNTER).storage == {}


# Authorizations that are skipped: authority, its account, what it signed.
SKIPPED = {
    "another chain": (A, Account(1), allows(COUNTER, chain_id=2)),
    "a nonce too high": (A, Account(1), allows(COUNTER, nonce=1)),
    "a nonce too low": (A, Account(1, 1), allows(COUNTER, nonce=0)),
    "the last nonce": (A, Account(1, MAX), allows(COUNTER, nonce=MAX)),
    "a contract": (A, contract("STOP", 1), allows(COUNTER, nonce=1)),
    "no signature": (None, Account(1), allows(COUNTER)),
}


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("name", SKIPPED)
def test_an_invalid_authorization_is_skipped(fork: str, name: str) -> None:
    authority, account, signed = SKIPPED[name]
    block = [sets(0, COUNTER, (authority, signed), (B, allows(OTHER)))]
    ran = run(fork, block, {**THERE, A: account, B: Account(1)})
    assert ran.state.account(A) == account
    assert ran.state.account(B).code == delegation(OTHER)  # the next one holds
    assert ran.state.account(COUNTER).storage == {0: 1}


@pytest.mark.parametrize("fork", FORKS)
def test_any_chain_and_any_order_of_one_authority(fork: str) -> None:
    block = [
        sets(
            0,
            NOBODY,
            (A, allows(COUNTER, chain_id=0)),
            (A, allows(OTHER, 1)),
            (A, allows(COUNTER, 1)),
        )
    ]
    ran = run(fork, block, {**THERE, **FUNDED})
    assert (ran.state.account(A).code, ran.state.account(A).nonce) == (delegation(OTHER), 2)


@pytest.mark.parametrize("fork", FORKS)
def test_the_zero_address_ends_it(fork: str) -> None:
    zero = Address(bytes(20))
    block = [
        sets(0, NOBODY, (A, allows(COUNTER))),
        transaction(1, A, gas=200_000),
        sets(2, NOBODY, (A, allows(zero, 1)), (B, allows(zero))),
        transaction(3, A),
    ]
    ran = run(fork, block, {**THERE, **FUNDED})
    assert ran.state.account(A) == Account(10**18, 2, b"", storage={0: 1})
    assert ran.state.account(B) == Account(10**18, 1)


@pytest.mark.parametrize("fork", FORKS)
def test_it_stays_where_the_transaction_fails(fork: str) -> None:
    fails = Address(b"\xfe" * 20)
    block = [sets(0, fails, (A, allows(COUNTER))), transaction(1, A, gas=200_000)]
    ran = run(fork, block, {**THERE, **FUNDED, fails: contract("0 0 REVERT")})
    assert [e.succeeded for e in ran.executions] == [False, True]
    assert ran.state.account(A) == Account(10**18, 1, delegation(COUNTER), storage={0: 1})


@pytest.mark.parametrize("fork", FORKS)
def test_the_sender_counts_its_own_nonce_first(fork: str) -> None:
    sender = SENDERS[0]
    block = [sets(0, sender, (sender, allows(COUNTER, 0)), (sender, allows(COUNTER, 1)))]
    ran = run(fork, block, {**THERE, sender: Account(10**18)})
    assert ran.state.account(sender).nonce == 2
    assert ran.state.account(sender).storage == {0: 1}


@pytest.mark.parametrize("fork", FORKS)
def test_only_one_step_is_followed(fork: str) -> None:
    accounts = {A: Account(1, 1, delegation(B)), B: Account(1, 1, delegation(COUNTER)), **THERE}
    loop = {A: Account(1, 1, delegation(A))}
    for there in (accounts, loop):
        ran = run(fork, [transaction(0, A, gas=100_000)], there)
        assert [e.error for e in ran.executions] == ["invalid opcode"]  # 0xef


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("number", [1, 5, 0x11])
def test_a_precompile_is_no_code(fork: str, number: int) -> None:
    there = {A: Account(1, 1, delegation(Address(number.to_bytes(20, "big"))))}
    at = f"0x{A.hex()}"
    for calls in (f"0 0 0 0 0 {at} GAS CALL", f"0 0 0 0 {at} GAS STATICCALL"):
        assert word(fork, calls, accounts=there) == 1
        assert word(fork, f"{calls} POP RETURNDATASIZE", accounts=there) == 0


@pytest.mark.parametrize("fork", FORKS)
def test_what_reads_code_sees_the_pointer(fork: str) -> None:
    code = "CODESIZE 0 MSTORE 32 0 RETURN"
    there = {A: Account(1, 1, delegation(COUNTER)), COUNTER: contract(code)}
    at = f"0x{A.hex()}"
    assert word(fork, f"{at} EXTCODESIZE", accounts=there) == 23
    assert word(fork, f"{at} EXTCODEHASH", accounts=there) == int.from_bytes(
        keccak(delegation(COUNTER)), "big"
    )
    copies = f"23 0 0 {at} EXTCODECOPY 23 0 RETURN"
    assert call(fork, copies, accounts=there).execution.output == delegation(COUNTER)
    inside = f"32 0 0 0 0 {at} GAS CALL POP 0 MLOAD"
    assert word(fork, inside, accounts=there) == len(there[COUNTER].code or b"")


@pytest.mark.parametrize("fork", PRICED)
@pytest.mark.parametrize(
    "calls",
    [
        "0 0 0 0 0 {at} 0 CALL POP",
        "0 0 0 0 0 {at} 0 CALLCODE POP",
        "0 0 0 0 {at} 0 DELEGATECALL POP",
        "0 0 0 0 {at} 0 STATICCALL POP",
    ],
)
def test_a_call_pays_for_both_accounts(fork: str, calls: str) -> None:
    there = {A: Account(1, 1, delegation(OTHER)), **THERE}
    once = calls.format(at=f"0x{A.hex()}")
    pushes = 3 * once.split().index(once.split()[-2]) + 2
    assert gas(fork, once, accounts=there) == pushes + 2 * 2_600
    assert gas(fork, f"{once} {once}", accounts=there) == 2 * pushes + 2 * 2_600 + 2 * 100
    warmed = f"0x{OTHER.hex()} BALANCE POP {once}"
    assert gas(fork, warmed, accounts=there) == 5 + 2_600 + pushes + 2_600 + 100


@pytest.mark.parametrize("fork", PRICED)
def test_a_transaction_with_no_gas_to_run_with_runs_the_other(fork: str) -> None:
    """Which may end at once."""
    for code, succeeds in (("STOP", True), ("1", False)):
        there = {A: Account(1, 1, delegation(OTHER)), OTHER: contract(code)}
        [did] = run(fork, [transaction(0, A, gas=21_000)], there).executions
        assert did.succeeded is succeeds


@pytest.mark.parametrize("fork", PRICED)
def test_a_transaction_to_it_warms_the_other(fork: str) -> None:
    reads = f"GAS 0x{COUNTER.hex()} BALANCE POP GAS SWAP1 SUB 0 MSTORE 32 0 RETURN"
    there = {A: Account(1, 1, delegation(COUNTER)), COUNTER: contract(reads)}
    [did] = run(fork, [transaction(0, A)], there).executions
    assert int.from_bytes(did.output, "big") == 3 + 100 + 2 + 2
    assert did.gas_used == 21_000 + sum((2, 3, 100, 2, 2, 3, 3, 3, 3 + 3, 3, 3))


@pytest.mark.parametrize("fork", PRICED)
@pytest.mark.parametrize(
    ("new", "known", "refund"),
    # 25,000 for each; 12,500 come back for an account that is there, a fifth of all at most.
    [(1, 0, 0), (3, 0, 0), (0, 1, 9_200), (2, 1, 12_500), (0, 3, 19_200)],
)
def test_each_authorization_costs_25000(fork: str, new: int, known: int, refund: int) -> None:
    strangers = [Address(bytes([0xA0 + i]) * 20) for i in range(new)]
    friends = [Address(bytes([0xB0 + i]) * 20) for i in range(known)]
    accounts = {**THERE, **dict.fromkeys(friends, Account(1))}
    allowed = [(each, allows(OTHER)) for each in strangers + friends]
    [did] = run(fork, [sets(0, NOBODY, *allowed)], accounts).executions
    spent = 21_000 + 25_000 * (new + known)
    assert (did.gas_before_refund, did.gas_used) == (spent, spent - refund)
    short = sets(0, NOBODY, *allowed, gas=spent - 1)
    assert run(fork, [short], accounts).reasons == ("intrinsic_gas",)


@pytest.mark.parametrize("fork", PRICED)
def test_a_second_authorization_finds_the_account_of_the_first(fork: str) -> None:
    stranger = Address(b"\xa0" * 20)
    block = [sets(0, NOBODY, (stranger, allows(OTHER, 0)), (stranger, allows(COUNTER, 1)))]
    [did] = run(fork, block, THERE).executions
    assert (did.gas_before_refund, did.gas_used) == (71_000, 71_000 - 12_500)


@pytest.mark.parametrize("fork", FORKS)
def test_an_authority_is_warm(fork: str) -> None:
    reads = f"GAS 0x{A.hex()} BALANCE POP GAS SWAP1 SUB 0 MSTORE 32 0 RETURN"
    accounts = {**FUNDED, OTHER: contract(reads)}
    wrong = sets(1, OTHER, (A, allows(COUNTER, nonce=9)))  # recovered, then skipped
    other_chain = sets(2, OTHER, (A, allows(COUNTER, chain_id=9)))  # skipped at once
    cold = {"amsterdam": 3_000}.get(fork, 2_600)
    ran = run(fork, [wrong, other_chain], accounts)
    seen = [int.from_bytes(e.output, "big") for e in ran.executions]
    assert seen == [3 + 100 + 2 + 2, 3 + cold + 2 + 2]


@pytest.mark.parametrize("fork", FORKS)
def test_what_may_not_be_a_transaction_of_type_4(fork: str) -> None:
    creates = transaction(1, None, type=4, authorizations=(allows(COUNTER),), authorities=(A,))
    ran = run(fork, [sets(0, NOBODY), creates, sets(2, NOBODY, (A, allows(OTHER)))], FUNDED)
    assert ran.reasons == ("no_authorizations", "set_code_transaction_creates", None)


@pytest.mark.parametrize("fork", ["berlin", "cancun"])
def test_there_was_no_type_4_and_the_pointer_was_bad_code(fork: str) -> None:
    ran = run(fork, [sets(0, NOBODY, (A, allows(COUNTER))), transaction(1, NOBODY)])
    assert ran.reasons == ("type_not_supported", None)
    there = {A: Account(1, 1, delegation(COUNTER)), **THERE}
    assert [e.error for e in run(fork, [transaction(0, A)], there).executions] == ["invalid opcode"]


@pytest.mark.parametrize("fork", FORKS)
def test_a_delegation_that_changes_within_a_block(fork: str) -> None:
    # The delegation of A changes between calls: each call must see the one of its place.
    tells = {
        COUNTER: contract("1 0 MSTORE 32 0 RETURN"),
        OTHER: contract("2 0 MSTORE 32 0 RETURN"),
    }
    block: list[Any] = []
    for turn in range(6):
        to = (COUNTER, OTHER)[turn % 2]
        block.append(sets(0, NOBODY, (A, allows(to, nonce=turn)), nonce=turn))
        block += [transaction(sender, A, nonce=turn) for sender in (1, 2)]
    ran = run(fork, block, {**tells, A: Account(1)})
    assert [e.output for e in ran.executions] == [
        output for turn in range(6) for output in (b"", *[words(1 + turn % 2)] * 2)
    ]


HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.mark.parametrize("fork", FORKS)
def test_signatures(fork: str) -> None:
    # 0x05 and the RLP of chain, address and nonce are signed; s stays in the lower half.
    good = authorize(0, 1, 0, COUNTER)
    assert good.s <= HALF_ORDER
    high = replace(good, y_parity=1 - good.y_parity, s=ORDER - good.s)
    wrong = [high, replace(good, y_parity=good.y_parity + 2), replace(good, r=0)]
    wrong += [replace(good, s=0), replace(good, r=ORDER)]
    for signature, code in [*((each, b"") for each in wrong), (good, delegation(COUNTER))]:
        sent = signed(0, 4, authorizations=(signature,), gas=500_000)
        accounts = {AUTHORITIES[0]: Account(1), COUNTER: contract(COUNTS)}
        change = executed(fork, [sent], accounts).writes.get(AUTHORITIES[0])
        assert (change.code if change else b"") == code


@pytest.mark.parametrize("fork", FORKS)
def test_another_signature_delegates_another_account(fork: str) -> None:
    # What recovers to a stranger is a stranger's, whose nonce is zero.
    changed = replace(authorize(0, 1, 0, COUNTER), address=OTHER)
    sent = signed(0, 4, authorizations=(changed,), gas=500_000)
    writes = executed(fork, [sent], {AUTHORITIES[0]: Account(1)}).writes
    assert AUTHORITIES[0] not in writes
    assert delegation(OTHER) in [change.code for change in writes.values()]
