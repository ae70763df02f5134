"""Calls mean what ``eth_call`` means, and do what a transaction with the same members does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.exchanges import data, exchanges, message_of_json, recorded
from tests.fixtures import mainnet_block

import blockstm
from blockstm import Executor, reference
from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.errors import CallError, ConfigError, InputError, StateError
from blockstm.ethereum import (
    Account,
    AccountOverride,
    AccountState,
    Authorization,
    BlockOverrides,
    Failure,
    Message,
    Reason,
    call,
    call_many,
    message_of,
    overlay,
    prepare_file,
)
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.files.block_files import read_block_file
from blockstm.ethereum.tracing import tracer_named
from blockstm.types import Address, BlockResult
from blockstm.vm.evm import BlockContext, Call, Evm, Inspector, Overrides, Unsigned

ALICE, BOB = Address(b"\xaa" * 20), Address(b"\xbb" * 20)
CONTRACT, OTHER = Address(b"\xc0" * 20), Address(b"\xc1" * 20)
FORKS = ["frontier", "byzantium", "berlin", "london", "shanghai", "cancun", "prague", "osaka"]
MAINNET = (46147, 1150000, 2463000, 4370000, 12300570, 13287210, 19426587, 23879620)
RETURNS = "0 MSTORE 32 0 RETURN"


def contract(source: str, storage: dict[int, int] | None = None, balance: int = 0) -> Account:
    code = assemble(source)
    return Account(balance, 1, code, keccak(code), storage or {})


def state_of(source: str = "STOP", **members: Any) -> AccountState:
    """Alice has some ether, and the contract its code."""
    return AccountState({ALICE: Account(10**18, nonce=7), CONTRACT: contract(source, **members)})


def word(result: Any) -> int:
    return int.from_bytes(result.checked().output, "big")


# ---- against others


@pytest.mark.parametrize("exchange", exchanges()["eth_call"], ids=lambda each: each.name)
def test_a_call_gives_what_another_client_has_given(exchange: Any) -> None:
    chain = recorded()
    result = call(chain.state, message_of_json(exchange.params[0]), **chain.at_head)
    error = exchange.answer.get("error")
    if error is None:
        assert result.checked().output == data(exchange.result)
    else:
        assert result.failure is Failure.REVERTED
        assert (result.error, result.output) == (error["message"], data(error["data"]))


@pytest.mark.parametrize("number", MAINNET)
def test_a_call_does_what_the_transaction_with_its_members_did(number: int) -> None:
    file = read_block_file(mainnet_block(number))
    prepared = prepare_file(file)
    with Executor(workers=1) as executor:
        receipts = prepared.run(executor.execute_block).receipts
        steps = list(prepared.writes_by_transaction(executor.execute_block))[1:]
        count = 0
        for (before, _), transaction, sender, receipt in zip(
            prepared.writes_by_transaction(executor.execute_block),
            [None, *file.block.transactions],
            [None, *prepared.senders],
            [None, *receipts],
            strict=True,
        ):
            if transaction is None or sender is None or receipt is None:
                continue
            result = call(
                before,
                message_of(transaction, sender),
                block=file.block.header,
                block_hashes=file.block_hashes,
                gas_cap=2**63 - 1,
            )
            assert (result.succeeded, result.gas_used) == (receipt.succeeded, receipt.gas_used)
            assert result.logs == receipt.logs
            assert result.created == receipt.contract_address
            count += 1
    assert count == len(steps) == len(file.block.transactions)


# ---- what is not asked of a call


def test_neither_nonce_nor_signature_nor_code_of_the_sender_matters() -> None:
    state = state_of(f"CALLER {RETURNS}")
    for sender in (ALICE, BOB, CONTRACT):
        for nonce in (None, 0, 99):
            message = Message(sender=sender, to=CONTRACT, nonce=nonce)
            assert word(call(state, message)) == int.from_bytes(sender, "big")


def test_without_a_price_there_is_no_base_fee() -> None:
    state = state_of(f"BASEFEE GASPRICE 1000 MUL ADD {RETURNS}")
    fees = BlockOverrides(base_fee_per_gas=7)
    free = Message(sender=ALICE, to=CONTRACT, gas=100_000)
    assert word(call(state, free, block_overrides=fees)) == 0
    priced = replace(free, max_fee_per_gas=20, max_priority_fee_per_gas=2)
    assert word(call(state, priced, block_overrides=fees)) == 9_007
    legacy = replace(free, gas_price=11)
    assert word(call(state, legacy, block_overrides=fees)) == 11_007


def test_blobs_without_a_price_cost_nothing() -> None:
    state = state_of(f"0 BLOBHASH BLOBBASEFEE ADD {RETURNS}")
    blobs = Message(sender=BOB, to=CONTRACT, blob_hashes=(b"\x01" + bytes(31),))
    costly = BlockOverrides(blob_base_fee=5)
    assert word(call(state, blobs, block_overrides=costly)) == 1 << 248
    cheap = replace(blobs, max_fee_per_blob_gas=4)
    assert call(state, cheap, block_overrides=costly).rejection.reason == (  # type: ignore[union-attr]  # it has one
        Reason.BLOB_FEE_CAP_BELOW_BASE_FEE
    )
    paid = replace(blobs, sender=ALICE, max_fee_per_blob_gas=6)
    assert word(call(state, paid, block_overrides=costly)) == (1 << 248) + 5


def test_a_call_may_have_more_gas_than_a_transaction_or_its_block() -> None:
    state = state_of(f"GAS {RETURNS}")
    block = BlockOverrides(gas_limit=30_000)
    assert 49_900_000 < word(call(state, Message(to=CONTRACT), block_overrides=block)) < 50_000_000
    assert word(call(state, Message(to=CONTRACT, gas=10**9))) < 50_000_000
    assert word(call(state, Message(to=CONTRACT, gas=10**9), gas_cap=10**9)) > 999_000_000


# ---- what a call cannot do


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"value": 10**18 + 1}, Reason.INSUFFICIENT_FUNDS),
        ({"value": 10**18, "gas_price": 7}, Reason.INSUFFICIENT_FUNDS),
        ({"gas": 20_999}, Reason.INTRINSIC_GAS),
        ({"gas": 35_000, "data": b"\x01" * 500}, Reason.FLOOR_GAS),
        ({"max_priority_fee_per_gas": 1}, Reason.PRIORITY_FEE_ABOVE_FEE_CAP),
        ({"max_fee_per_gas": 6}, Reason.FEE_CAP_BELOW_BASE_FEE),
        ({"to": None, "data": bytes(49_153)}, Reason.INITCODE_TOO_LARGE),
        ({"blob_hashes": ()}, Reason.NO_BLOBS),
        ({"blob_hashes": (b"\x01" * 32,), "to": None}, Reason.BLOB_TRANSACTION_CREATES),
        (
            {"authorizations": (Authorization(1, BOB, 0, 0, 1, 1),), "to": None},
            Reason.SET_CODE_TRANSACTION_CREATES,
        ),
        ({"blob_hashes": (bytes(32),)}, Reason.BLOB_HASH_VERSION),
        ({"authorizations": ()}, Reason.NO_AUTHORIZATIONS),
    ],
)
def test_what_cannot_begin_says_why(members: dict[str, Any], reason: Reason) -> None:
    message = Message(**{"sender": ALICE, "to": CONTRACT, "gas": 10**6, **members})
    result = call(
        state_of(), message, fork="prague", block_overrides=BlockOverrides(base_fee_per_gas=7)
    )
    assert result.rejection is not None
    assert result.rejection.reason == reason
    assert not result.succeeded
    assert (result.execution, result.failure, result.gas_used) == (None, None, 0)
    with pytest.raises(CallError, match=str(reason).replace("_", " ")) as raised:
        result.checked()
    assert raised.value.result is result


def test_in_amsterdam_what_is_charged_at_once_is_capped() -> None:
    """2**24 gas (EIP-7825, EIP-8037), of which data takes 64 a byte (EIP-7976)."""
    fits = (2**24 - 15_000) // 64
    for size, reason in ((fits, None), (fits + 1, Reason.GAS_ABOVE_CAP)):
        message = Message(sender=ALICE, to=CONTRACT, gas=2 * 10**7, data=bytes(size))
        result = call(state_of(), message, fork="amsterdam")
        assert (result.rejection and result.rejection.reason) == reason
    # Before it, nothing of a call was: its limit is no transaction's.
    dear = Message(sender=ALICE, to=CONTRACT, gas=2 * 10**7, data=b"\1" * (2**24 // 40))
    assert call(state_of(), dear, fork="osaka").gas_used > 2**24


def test_in_amsterdam_all_of_the_cap_may_be_charged_at_once() -> None:
    """15,000 for the call, 7,816 for each authorization, 4 for each of 1,178 zeros: 2**24."""
    elsewhere = Authorization(9, BOB, 0, 0, 1, 1)
    for size, reason in ((1_178, None), (1_179, Reason.GAS_ABOVE_CAP)):
        message = Message(
            sender=ALICE,
            to=CONTRACT,
            gas=2 * 10**7,
            data=bytes(size),
            authorizations=(elsewhere,) * 2_144,
        )
        result = call(state_of(), message, fork="amsterdam")
        assert (result.rejection and result.rejection.reason) == reason


def test_a_call_may_have_all_gas_that_can_be_counted() -> None:
    """2**63 - 1, as a block (EIP-1985)."""
    most = 2**63 - 1
    state = state_of(f"GAS {RETURNS}")
    told = word(call(state, Message(sender=ALICE, to=CONTRACT, gas=most), gas_cap=most))
    assert told == most - 21_000 - 2


def test_calls_and_creations_are_1024_deep() -> None:
    """As each frame keeps a 64th of its gas (EIP-150), that takes more than a block has.

    Each counts, calls itself, and creates where no deeper call succeeded.
    """
    source = """
        1 0 SLOAD ADD 0 SSTORE 0 0 0 0 0 ADDRESS GAS CALL @above JUMPI
        0 0 0 CREATE 1 ADD 1 SSTORE
        above: 0 SLOAD 0 MSTORE 1 SLOAD 32 MSTORE 64 0 RETURN
    """
    message = Message(sender=ALICE, to=CONTRACT, gas=10**14)
    for fork in ("tangerine_whistle", "berlin", "osaka"):
        done = call(state_of(source), message, fork=fork, gas_cap=10**14).checked()
        deep, created = done.output[:32], done.output[32:]
        assert (int.from_bytes(deep, "big"), int.from_bytes(created, "big")) == (1_025, 1)


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        ("0 0 REVERT", Failure.REVERTED),
        ("INVALID", Failure.INVALID_OPCODE),
        ("POP", Failure.STACK_UNDERFLOW),
        ("7 JUMP", Failure.INVALID_JUMP),
        ("again: @again JUMP", Failure.OUT_OF_GAS),
        ("1 0 0 RETURNDATACOPY", Failure.RETURN_DATA_OUT_OF_BOUNDS),
    ],
)
def test_what_fails_says_how(source: str, failure: Failure) -> None:
    result = call(state_of(source), Message(sender=ALICE, to=CONTRACT, gas=100_000))
    assert result.failure is failure
    assert result.rejection is None
    assert (result.gas_used == 100_000) is (failure is not Failure.REVERTED)


@pytest.mark.parametrize("fork", FORKS)
def test_gas_given_back_is_told_apart(fork: str) -> None:
    state = state_of("0 0 SSTORE 0 1 SSTORE", storage={0: 1, 1: 2})
    result = call(state, Message(sender=ALICE, to=CONTRACT), fork=fork).checked()
    assert result.gas_refunded > 0
    assert result.gas_before_refund == result.gas_used + result.gas_refunded


def test_a_creation_names_its_contract_and_leaves_no_trace() -> None:
    state = state_of()
    runtime = assemble("STOP")
    message = Message(sender=ALICE, data=initcode_of(runtime))
    result = call(state, message).checked()
    assert result.output == runtime
    assert result.created is not None
    assert state.account(result.created) is None
    account = AccountOverride(nonce=3)
    assert call(state, message, overrides={ALICE: account}).created != result.created


def test_a_call_changes_nothing() -> None:
    state = state_of("1 0 SSTORE", balance=5)
    before = dict(state.accounts())
    call(state, Message(sender=ALICE, to=CONTRACT, value=3)).checked()
    assert dict(state.accounts()) == before


def test_accounts_and_slots_that_were_touched_are_told() -> None:
    state = state_of(f"5 SLOAD POP 1 3 SSTORE 0x{OTHER.hex()} BALANCE POP")
    touched = dict(call(state, Message(sender=ALICE, to=CONTRACT)).checked().access_list)
    assert touched[CONTRACT] == (3, 5)
    assert touched[OTHER] == ()
    assert ALICE in touched


# ---- overrides


def test_balance_nonce_and_code_are_overridden() -> None:
    seen = f"0x{BOB.hex()} BALANCE 0x{CONTRACT.hex()} EXTCODESIZE 1000 MUL ADD {RETURNS}"
    overrides = {
        BOB: AccountOverride(balance=42),
        CONTRACT: AccountOverride(code=b""),
        OTHER: AccountOverride(code=assemble(seen), nonce=1),
    }
    state = state_of()
    assert word(call(state, Message(to=OTHER), overrides=overrides)) == 42
    del overrides[CONTRACT]
    assert word(call(state, Message(to=OTHER), overrides=overrides)) == 1_042
    assert word(call(state, Message(sender=BOB, to=OTHER, value=40), overrides=overrides)) == 1_002


def test_a_whole_storage_is_replaced_and_a_part_is_changed() -> None:
    state = state_of(f"0 SLOAD 1 SLOAD 100 MUL ADD {RETURNS}", storage={0: 5, 1: 7})
    message = Message(to=CONTRACT)

    def seen(override: AccountOverride) -> int:
        return word(call(state, message, overrides={CONTRACT: override}))

    assert seen(AccountOverride()) == 705
    assert seen(AccountOverride(state_diff={0: 6})) == 706
    assert seen(AccountOverride(state_diff={1: 0})) == 5
    assert seen(AccountOverride(state={0: 6})) == 6
    assert seen(AccountOverride(state={})) == 0


def test_a_precompile_is_moved() -> None:
    identity = Address(bytes(19) + b"\x04")
    moved = {identity: AccountOverride(move_precompile_to=BOB)}
    state = AccountState({})
    assert call(state, Message(to=BOB, data=b"abc"), overrides=moved).output == b"abc"
    assert call(state, Message(to=identity, data=b"abc"), overrides=moved).output == b""
    assert call(state, Message(to=identity, data=b"abc")).output == b"abc"
    for address, gas in ((BOB, 2_600), (identity, 100)):  # as in go-ethereum
        source = f"GAS 0x{address.hex()} BALANCE POP GAS SWAP1 SUB {RETURNS}"
        code = {CONTRACT: AccountOverride(code=assemble(source))}
        spent = word(call(state, Message(to=CONTRACT), overrides=moved | code))
        assert spent == gas + 3 + 2 + 2
    replaced = {identity: AccountOverride(code=assemble(f"7 {RETURNS}"))}
    assert word(call(state, Message(to=identity, data=b"abc"), overrides=replaced)) == 7


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({BOB: AccountOverride(move_precompile_to=ALICE)}, "is not a precompile"),
        (
            {
                Address(bytes(19) + b"\x01"): AccountOverride(move_precompile_to=BOB),
                BOB: AccountOverride(balance=1),
            },
            "is already overridden",
        ),
        ({BOB: AccountOverride(state={}, state_diff={})}, "has both 'state' and 'stateDiff'"),
        ({BOB: AccountOverride(balance=-1)}, "balance is an int from 0"),
        ({BOB: AccountOverride(state={0: 2**256})}, "state is a mapping of slots"),
        ({b"short": AccountOverride()}, "addresses of 20 bytes"),
        ({BOB: {"balance": 1}}, "is a blockstm.ethereum.AccountOverride"),
        ([BOB], "map addresses to accounts"),
    ],
)
def test_overrides_that_no_state_can_have_are_refused(overrides: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(state_of(), Message(to=BOB), overrides=overrides)


def test_the_block_is_overridden() -> None:
    source = "NUMBER TIMESTAMP 1000 MUL ADD COINBASE ADD GASLIMIT ADD PREVRANDAO ADD"
    state = state_of(f"{source} {RETURNS}")
    block = BlockOverrides(
        number=3,
        timestamp=5,
        coinbase=Address(bytes(18) + b"\x01\x00"),
        gas_limit=10**6,
        mix_hash=(10**9).to_bytes(32, "big"),  # type: ignore[arg-type]  # a hash is bytes
    )
    assert word(call(state, Message(to=CONTRACT), block_overrides=block)) == 1_001_005_259


def test_the_fork_follows_the_overridden_time() -> None:
    chain = recorded()
    push0 = {CONTRACT: AccountOverride(code=bytes.fromhex("5f5f5f5f00"))}
    message = Message(to=CONTRACT)
    at = {"block": chain.head, "chain": chain.chain, "overrides": push0}
    assert call(chain.state, message, **at).succeeded
    early = BlockOverrides(number=1, timestamp=1)
    assert call(chain.state, message, block_overrides=early, **at).failure is Failure.INVALID_OPCODE


# ---- many


def pool(count: int) -> list[Message]:
    """Calls that would be in each other's way if they saw each other."""
    return [
        Message(
            sender=ALICE,
            to=CONTRACT if index % 5 else OTHER,
            value=index if index % 7 else 10**19,
            data=index.to_bytes(32, "big"),
            gas=30_000 + index * 50,
            gas_price=index % 3 or None,
        )
        for index in range(count)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_many_calls_come_to_what_each_comes_to_alone(workers: int) -> None:
    source = f"0 CALLDATALOAD DUP1 0 SLOAD ADD 0 SSTORE 0 0 LOG0 0 SLOAD {RETURNS}"
    state = state_of(source, storage={0: 3})
    messages = pool(300)
    fees = BlockOverrides(base_fee_per_gas=1)
    together = call_many(state, messages, workers=workers, block_overrides=fees)
    assert len({result.succeeded for result in together}) == 2
    for message, result in zip(messages, together, strict=True):
        alone = call(state, message, block_overrides=fees)
        assert result.execution == alone.execution
        assert str(result.rejection) == str(alone.rejection)


def test_calls_on_a_state_of_python_come_to_the_same() -> None:
    state = state_of(f"0 SLOAD {RETURNS}", storage={0: 3})

    class Slow:
        """A reader that is neither native nor a mapping."""

        def get(self, key: Any) -> Any:
            return state.get(key)

    class Plain:
        """A `State` of one's own."""

        account = staticmethod(state.account)
        code = staticmethod(state.code)
        storage = staticmethod(state.storage)

    messages = pool(50)
    native = call_many(state, messages)
    for other in (Slow(), Plain(), overlay(state)):
        assert [each.execution for each in call_many(other, messages)] == [
            each.execution for each in native
        ]


def test_none_are_none() -> None:
    assert call_many(state_of(), []) == []


# ---- what goes wrong


def test_what_is_no_message_is_refused() -> None:
    for wrong in (None, {"to": BOB}, Message(sender=b"short"), Message(data="0x"), Message(gas=-1)):  # type: ignore[arg-type]  # on purpose
        with pytest.raises(InputError):
            call(state_of(), wrong)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(InputError, match=r"messages\[1\].value"):
        call_many(state_of(), [Message(to=BOB), Message(to=BOB, value=-1)])
    with pytest.raises(InputError, match="gas_price and fees"):
        call(state_of(), Message(to=BOB, gas_price=1, max_fee_per_gas=1))


def test_what_is_no_option_is_refused() -> None:
    with pytest.raises(ConfigError, match="no option 'blocks'"):
        call(state_of(), Message(to=BOB), blocks=None)  # type: ignore[call-arg]  # on purpose
    with pytest.raises(ConfigError, match="gas_cap"):
        call(state_of(), Message(to=BOB), gas_cap=0)
    with pytest.raises(ConfigError, match="no fork"):
        call(state_of(), Message(to=BOB), fork="florence")
    with pytest.raises(InputError, match="AccountState"):
        call(object(), Message(to=BOB))
    with pytest.raises(InputError, match="block is a"):
        call(state_of(), Message(to=BOB), block=5)  # type: ignore[arg-type]  # on purpose


def test_a_code_that_the_state_lacks_names_the_message() -> None:
    code_hash = keccak(b"elsewhere")
    state = AccountState({CONTRACT: Account(0, 1, None, code_hash)}, partial=True)
    with pytest.raises(StateError, match="only the hash") as raised:
        call_many(state, [Message(to=BOB), Message(to=CONTRACT)])
    assert raised.value.index == 1


def test_an_inspector_is_told_of_the_message() -> None:
    class Calls(Inspector):
        def __init__(self) -> None:
            self.told: list[Any] = []

        def transaction(self, index: int) -> None:
            self.told.append(index)

        def call(self, call: Call) -> None:
            self.told.append((call.caller, call.target))

    inspector = Calls()
    call(state_of(), Message(sender=ALICE, to=CONTRACT), inspector=inspector)
    assert inspector.told == [0, 1, (ALICE, CONTRACT)]


def test_the_reference_runs_calls_as_the_engine_does() -> None:
    state = state_of(f"0 SLOAD 1 ADD DUP1 0 SSTORE {RETURNS}", storage={0: 3})
    messages = [
        Unsigned(
            Message(sender=ALICE, to=CONTRACT, gas=100_000, nonce=0, value=value),
            keeps_changes=keeps,
        )
        for value, keeps in ((1, False), (2, True), (10**19, True), (3, True), (4, False))
    ]
    steps = [Overrides({(ALICE, "balance"): 10**10}), *messages]
    vm = Evm(
        "cancun",
        BlockContext(number=1, timestamp=1, coinbase=BOB, gas_limit=10**7),  # type: ignore[arg-type]  # a number is an int
    )

    def values(result: BlockResult) -> list[Any]:
        return [each.value for each in result.outcomes]

    expected = reference.execute_block(steps, state, vm, on_invalid="skip")
    for workers in (1, 2):
        with Executor(workers=workers) as executor:
            result = executor.execute_block(steps, state, vm, on_invalid="skip")
        assert result.writes == expected.writes
        assert [each.value for each in result.outcomes] == [
            each.value for each in expected.outcomes
        ]
    outputs = [
        each.value and int.from_bytes(each.value.output, "big") for each in expected.outcomes
    ]
    assert outputs == [None, 4, 4, None, 5, 6]


@pytest.mark.parametrize("name", ["callTracer", "prestateTracer", "4byteTracer", "structLogger"])
def test_a_call_is_traced_as_the_transaction_with_its_members(name: str) -> None:
    file = read_block_file(mainnet_block(19426587))
    tracer = tracer_named(name, {})
    block, hashes = file.block, file.block_hashes
    done = blockstm.execute_block(block, file.state(), vm="evm", block_hashes=hashes, tracer=tracer)
    prepared = prepare_file(file)
    count = 0
    with Executor(workers=1) as executor:
        states = prepared.writes_by_transaction(executor.execute_block)
        next(states)
        for index, (before, _) in enumerate(states):
            message = message_of(block.transactions[index], prepared.senders[index])
            result = call(before, message, block=block, block_hashes=hashes, tracer=tracer)
            assert result.trace == done.traces[index]
            count += 1
    assert count == len(block.transactions) > 30


def test_a_tracer_tells_of_a_block_and_goes_without_an_inspector() -> None:
    message, tracer = Message(to=BOB), tracer_named("callTracer", {})
    with pytest.raises(ConfigError, match="tells of a block"):
        call(state_of(), message, tracer=tracer)
    with pytest.raises(ConfigError, match="without an inspector"):
        call(state_of(), message, tracer=tracer, inspector=Inspector())
    with pytest.raises(InputError, match="a tracer is a"):
        call(state_of(), message, tracer=5)  # type: ignore[arg-type]  # on purpose
    poor = Message(sender=BOB, to=ALICE, value=1)
    at: Any = {"block": recorded().head, "chain": recorded().chain}
    assert call(state_of(), poor, tracer=tracer, **at).trace is None
