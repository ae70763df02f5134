"""Tracers: what they say of transactions, the same on any number of workers."""

from __future__ import annotations

import json
import tarfile
from typing import Any

import pytest
from tests.ethereum.test_chain_imports import chain_of
from tests.fixtures import DATA, fixtures, mainnet_block

import blockstm
from blockstm.errors import ConfigError, InputError
from blockstm.ethereum import (
    Account,
    AccountState,
    Activation,
    Block,
    BlockFile,
    Chain,
    Message,
    call,
    fork_named,
    read_block_file,
)
from blockstm.ethereum.execution.senders import address_of_key
from blockstm.ethereum.genesis import Genesis, parse_genesis
from blockstm.ethereum.results.outcomes import TransactionOutcomes
from blockstm.ethereum.tracing import (
    CallTracer,
    FlatCallTracer,
    FourByteTracer,
    JsonLogger,
    NoopTracer,
    PrestateTracer,
    StructLogger,
    Tracer,
    tracer_named,
)
from blockstm.ethereum.transition import (
    Environment,
    Transition,
    transactions_from_json,
    transition,
)
from blockstm.types import Address
from blockstm.vm.evm import CodePrecompile, Codes

TRACERS: list[Tracer] = [
    CallTracer(),
    CallTracer(with_log=True, only_top_call=True),
    FlatCallTracer(),
    FourByteTracer(),
    PrestateTracer(),
    PrestateTracer(diff_mode=True),
    NoopTracer(),
]
BLOCKS = [12300570, 19426587]


def executed(file: BlockFile, **options: Any) -> Any:
    return blockstm.execute_block(
        file.block, file.state(), "evm", block_hashes=file.block_hashes, **options
    )


@pytest.mark.parametrize("number", BLOCKS)
@pytest.mark.parametrize("tracer", TRACERS, ids=lambda tracer: type(tracer).__name__)
def test_traces_are_the_same_on_any_number_of_workers(number: int, tracer: Tracer) -> None:
    file = read_block_file(mainnet_block(number))
    alone = executed(file, workers=1, tracer=tracer)
    plain = executed(file, workers=1)
    assert alone.receipts == plain.receipts
    assert alone.writes == plain.writes
    assert len(alone.traces) == len(file.block.transactions)
    expected = list(alone.traces)
    json.dumps(expected)  # they are JSON values
    for workers in (2, 4):
        assert list(executed(file, workers=workers, tracer=tracer).traces) == expected


def test_outcomes_become_objects_for_tracers_in_python_alone_and_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of them take longer than a block that ran before."""
    read: list[int] = []
    right = TransactionOutcomes.__getitem__

    def noted(outcomes: TransactionOutcomes, place: int) -> Any:
        read.append(place)
        return right(outcomes, place)

    monkeypatch.setattr(TransactionOutcomes, "__getitem__", noted)
    file = read_block_file(mainnet_block(BLOCKS[0]))
    done = executed(file, tracer=CallTracer())
    assert (len(done.traces), read) == (len(file.block.transactions), [])
    assert done.traces[3]["type"] == "CALL"
    assert len(list(done.traces)) == len(file.block.transactions)
    assert read == []
    done = executed(file, tracer=NoopTracer())
    assert (len(done.traces), read) == (len(file.block.transactions), [])
    assert done.traces[3] == {}
    assert 3 in read


@pytest.mark.parametrize("number", BLOCKS)
def test_calls_agree_with_receipts(number: int) -> None:
    file = read_block_file(mainnet_block(number))
    done = executed(file, tracer=CallTracer(with_log=True))
    logs = 0
    for receipt, trace, transaction in zip(
        done.receipts, done.traces, file.block.transactions, strict=True
    ):
        assert trace["gasUsed"] == hex(receipt.gas_used)
        assert trace["gas"] == hex(transaction.gas)
        assert ("error" in trace) != receipt.succeeded
        assert [each["topics"] for each in in_order(trace)] == [
            [f"0x{topic.hex()}" for topic in topics] for _, topics, _ in receipt.logs
        ]
        for log in in_order(trace):
            assert log["index"] == hex(logs)
            logs += 1


def in_order(call: dict[str, Any]) -> list[dict[str, Any]]:
    """The logs of a call and of those within it, as they were left."""
    return sorted(all_logs(call), key=lambda log: int(log["index"], 16))


def all_logs(call: dict[str, Any]) -> list[dict[str, Any]]:
    within = [log for each in call.get("calls", ()) for log in all_logs(each)]
    return [*call.get("logs", ()), *within]


@pytest.mark.parametrize("number", BLOCKS)
def test_differences_are_the_changes_of_the_block(number: int) -> None:
    """Put one on top of the other, they lead from the state before the block to the one after."""
    file = read_block_file(mainnet_block(number))
    done = executed(file, workers=2, tracer=PrestateTracer(diff_mode=True))
    seen: dict[str, dict[str, Any]] = {}
    for trace in done.traces:
        for address, before in trace["pre"].items():
            known = seen.setdefault(address, {})
            assert known.get("balance", before["balance"]) == before["balance"]
            known["balance"] = before["balance"]
        for address, after in trace["post"].items():
            seen.setdefault(address, {}).update(after)
    coinbase = f"0x{file.block.header.coinbase.hex()}"
    withdrawn = {f"0x{each.address.hex()}" for each in file.block.withdrawals or ()}
    changed = {f"0x{address.hex()}": change for address, change in done.writes.items()}
    for address, after in seen.items():
        if address in changed and "balance" in after and address not in withdrawn | {coinbase}:
            assert changed[address].balance in (None, int(after["balance"], 16))


def test_pre_states_are_what_the_block_file_has() -> None:
    """The first transaction's is a part of the state that the file has."""
    file = read_block_file(mainnet_block(19426587))
    state = file.state()
    first = executed(file, tracer=PrestateTracer()).traces[0]
    for address, members in first.items():
        account = state.account(bytes.fromhex(address[2:]))
        assert account is not None
        assert members["balance"] == hex(account.balance)
        assert members.get("nonce", 0) == account.nonce
        for slot, value in members.get("storage", {}).items():
            assert account.storage.get(int(slot, 16), 0) == int(value, 16)


def test_lines_and_struct_logs_are_of_the_same_instructions() -> None:
    file = read_block_file(mainnet_block(12300570))
    logs = executed(file, workers=2, tracer=StructLogger(disable_storage=True)).traces
    lines = executed(file, workers=2, tracer=JsonLogger()).traces
    for place in range(0, 687, 97):
        steps = [json.loads(line) for line in lines[place].splitlines()]
        steps = [step for step in steps if "pc" in step and "error" not in step]
        told = [step for step in logs[place]["structLogs"] if "error" not in step]
        assert [(s["pc"], s["opName"], int(s["gas"], 16), s["stack"]) for s in steps] == [
            (s["pc"], s["op"], s["gas"], s["stack"]) for s in told
        ]


# ---- what go-ethereum recorded


def recorded() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Requests of execution-apis for traces of instructions, and what go-ethereum answered."""
    found = []
    with tarfile.open(fixtures() / "execution-apis.tar.xz") as files:
        for member in files:
            if "/debug_trace" not in member.name or not member.name.endswith(".io"):
                continue
            content = files.extractfile(member)
            assert content is not None
            lines = content.read().decode().splitlines()
            asked = [json.loads(line[3:]) for line in lines if line.startswith(">>")]
            told = [json.loads(line[3:]) for line in lines if line.startswith("<<")]
            found += [(member.name, *each) for each in zip(asked, told, strict=True)]
    return found


def test_struct_logs_are_those_that_go_ethereum_recorded() -> None:
    genesis, blocks = chain_of("execution-apis")
    chain = list(blocks)
    names = {
        "enableMemory": "enable_memory",
        "disableStack": "disable_stack",
        "disableStorage": "disable_storage",
        "enableReturnData": "enable_return_data",
    }
    compared = 0
    for name, asked, told in recorded():
        if "result" not in told:
            continue
        given = asked["params"][1] if len(asked["params"]) > 1 else {}
        tracer = StructLogger(**{names[option]: value for option, value in given.items()})
        result = told["result"]
        listed = result if isinstance(result, list) else [{"result": result, "txHash": None}]
        if not isinstance(result, list):
            listed[0]["txHash"] = asked["params"][0]
        traces = traces_of(genesis, chain, tracer, {each["txHash"] for each in listed})
        for each in listed:
            assert traces[each["txHash"]] == each["result"], name
            compared += 1
    assert compared >= 7


def traces_of(
    genesis: Genesis, blocks: list[Block], tracer: Tracer, wanted: set[str]
) -> dict[str, Any]:
    """The traces of the transactions of these hashes, and of others of their blocks."""
    state = AccountState(genesis.accounts)
    hashes: dict[int, Any] = {}
    found: dict[str, Any] = {}
    for block in blocks:
        names = [f"0x{each.hash.hex()}" for each in block.transactions]
        options: dict[str, Any] = {"tracer": tracer} if wanted & set(names) else {}
        done = blockstm.execute_block(
            block, state, "evm", chain=genesis.chain, block_hashes=hashes, **options
        )
        for name, trace in zip(names, done.traces, strict=False):
            found[name] = trace
        state.apply(done.writes)
        hashes = {**hashes, block.header.number: block.hash}
        if wanted <= set(found):
            break
    return found


# ---- mistakes


def test_names_and_options() -> None:
    assert isinstance(tracer_named("prestateTracer", {"diffMode": True}), PrestateTracer)
    assert isinstance(tracer_named("structLogger", {"limit": 3, "unknown": 1}), StructLogger)
    with pytest.raises(ConfigError, match=r"callTracer, .* not 'calltracer'"):
        tracer_named("calltracer")
    with pytest.raises(ConfigError, match="withLog of callTracer cannot be 1"):
        tracer_named("callTracer", {"withLog": 1})
    with pytest.raises(ConfigError, match="limit of structLogger cannot be True"):
        tracer_named("structLogger", {"limit": True})
    with pytest.raises(ConfigError, match="diffMode with includeEmpty"):
        tracer_named("prestateTracer", {"diffMode": True, "includeEmpty": True})


@pytest.mark.parametrize("limit", [True, -1, 1 << 64, "0x2", 1.5, None, [], {}])
def test_a_limit_that_is_no_number_of_instructions_is_refused(limit: Any) -> None:
    with pytest.raises(ConfigError, match="limit"):
        tracer_named("structLogger", {"limit": limit})
    with pytest.raises(ConfigError, match="limit"):
        StructLogger(limit=limit)


@pytest.mark.parametrize("value", [1, 0, -1, "true", 1.5, None, [], {}])
@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("callTracer", "withLog"),
        ("callTracer", "onlyTopCall"),
        ("flatCallTracer", "convertParityErrors"),
        ("prestateTracer", "diffMode"),
        ("structLogger", "enableMemory"),
    ],
)
def test_an_option_that_is_no_boolean_is_refused(name: str, option: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{option} of {name} cannot be"):
        tracer_named(name, {option: value})


def test_a_tracer_where_there_can_be_none() -> None:
    file = read_block_file(DATA / "mainnet" / "12300570.json.xz")
    with pytest.raises(InputError, match="a tracer is a"):
        executed(file, tracer="callTracer")
    with pytest.raises(ConfigError, match="without an inspector"):
        executed(file, tracer=CallTracer(), inspector=blockstm.vm.evm.Inspector())


# ---- why a call failed

GAS = 100_000


@pytest.mark.parametrize(
    ("number", "data", "gas", "words"),
    [
        (6, bytes(31) + b"\x01" + bytes(32), GAS, "point is not on curve"),
        (6, b"\xff" * 64, GAS, "invalid fp.Element encoding"),
        (6, b"\xff" * 64, 149, "out of gas"),
        (8, bytes(191), GAS, "bad elliptic curve pairing size"),
        (9, bytes(212), GAS, "invalid input length"),
        (9, bytes(212) + b"\x02", GAS, "invalid final flag"),
        (9, b"\xff" * 212 + b"\x01", GAS, "out of gas"),
        (10, bytes(191), GAS, "invalid input length"),
        (2, bytes(191), 10, "out of gas"),
    ],
)
def test_why_a_precompiled_contract_failed(number: int, data: bytes, gas: int, words: str) -> None:
    """In the words that go-ethereum has for it."""
    assert failed_call(number.to_bytes(20, "big"), data, gas) == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("fe", "invalid opcode: INVALID"),
        ("0c", "invalid opcode: opcode 0xc not defined"),
        ("01", "stack underflow (0 <=> 2)"),
        ("5b5f600056", "stack limit reached 1024 (1023)"),
        ("600056", "invalid jump destination"),
        ("5f5fa0", "write protection"),
        ("5f5f55", "out of gas: write protection"),
        ("60015f5f3e", "return data out of bounds"),
        ("5b600056", "out of gas"),
    ],
)
def test_why_an_instruction_failed(code: str, words: str) -> None:
    """Called statically; where only the instruction tells, it is followed."""
    assert failed_call(bytes.fromhex("c0de".rjust(40, "0")), b"", GAS, bytes.fromhex(code)) == words


@pytest.mark.parametrize("fork", ["byzantium", "cancun", "amsterdam"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_transaction_that_is_followed_leaves_what_it_leaves_unwatched(
    fork: str, workers: int
) -> None:
    """Among others that depend on it, after a write, a log and a payment."""
    failing = bytes.fromhex("c0de".rjust(40, "0"))
    # Adds 1 to a slot, leaves a log, pays 1 to whom it calls, which fails.
    caller = f"6001600054016000556000600060006000a06000600060006000600173{failing.hex()}61fffff100"
    inputs = [b"", b"\1", b"\2"]
    plain, traced = (
        made_of_calls(fork, caller, failing, b"\x0c", tracer, inputs, workers)
        for tracer in (None, CallTracer(with_log=True))
    )
    assert traced.block == plain.block
    assert traced.executed.writes == plain.executed.writes
    assert traced.executed.receipts == plain.executed.receipts
    errors = [each["calls"][0]["error"] for each in traced.executed.traces]
    assert errors == ["invalid opcode: opcode 0xc not defined"] * 3


def failed_call(target: bytes, data: bytes, gas: int, code: bytes = b"") -> str:
    """Why a static call with this input and gas failed."""
    # Copies the input into memory, and calls.
    size = f"61{len(data):04x}"
    caller = f"{size}5f5f375f5f{size}5f73{target.hex()}63{gas:08x}fa00"
    made = made_of_calls("cancun", caller, target, code, CallTracer(), [data])
    [trace] = made.executed.traces
    [within] = trace["calls"]
    error: str = within["error"]
    return error


def made_of_calls(
    fork: str,
    caller: str,
    target: bytes,
    code: bytes,
    tracer: Tracer | None,
    inputs: list[bytes],
    workers: int = 1,
) -> Transition:
    """A block of calls of ``caller``, in a state that has ``code`` too."""
    at = "0x" + "ca" * 20
    key = bytes.fromhex("45" * 32)
    accounts = {
        address_of_key(key): Account(balance=10**18),
        bytes.fromhex(at[2:]): Account(balance=1000, code=bytes.fromhex(caller)),
    }
    if code:
        accounts[target] = Account(code=code)
    env = {
        "currentCoinbase": "0x" + "2a" * 20,
        "currentGasLimit": 30_000_000,
        "currentNumber": 1,
        "currentTimestamp": 1,
        "currentRandom": 0,
        "currentDifficulty": 0,
        "currentBaseFee": 0,
        "withdrawals": [],
        "currentExcessBlobGas": 0,
        "parentBeaconBlockRoot": "0x" + "00" * 32,
    }
    calls = [
        {
            "nonce": nonce,
            "gas": 1_000_000,
            "gasPrice": 0,
            "to": at,
            "value": 0,
            "input": "0x" + data.hex(),
            "secretKey": "0x" + key.hex(),
        }
        for nonce, data in enumerate(inputs)
    ]
    with blockstm.Executor(workers=workers) as executor:
        return transition(
            executor.execute_block,
            Environment.from_json(env),
            transactions_from_json(calls, 1),
            AccountState(accounts),
            Chain(1, (Activation(fork_named(fork), block=0),)),
            **({} if tracer is None else {"tracer": tracer}),
        )


def test_a_pre_state_has_the_accounts_whose_code_a_precompile_reads() -> None:
    read, unpaid = Address(b"\xe1" * 20), Address(b"\xe2" * 20)

    def copy_code(data: bytes, codes: Codes) -> tuple[bytes, int]:
        found = codes.read(read)
        if data:  # with what is left this cannot be paid for
            codes.read(unpaid)
        return found, 0

    own = Address(bytes(18) + b"\x77\x77")
    fork = (Activation(fork_named("cancun"), block=0),)
    chain = Chain(5, fork, precompiles={own: CodePrecompile(copy_code)})
    genesis = parse_genesis({"gasLimit": "0x1c9c380", "baseFeePerGas": "0x7"}, chain=chain)
    state = AccountState({read: Account(code=b"\x5b"), unpaid: Account(code=b"\x5f")})

    def seen(data: bytes, gas: int) -> dict[str, Any]:
        message = Message(to=own, data=data, gas=gas)
        done = call(
            state, message, chain=chain, block=genesis.block.header, tracer=PrestateTracer()
        )
        assert done.rejection is None
        return done.trace

    assert seen(b"", 30_000)["0x" + read.hex()]["code"] == "0x5b"
    assert "0x" + unpaid.hex() not in seen(b"\1", 21_016 + 2_600 + 100)
    assert seen(b"\1", 30_000)["0x" + unpaid.hex()]["code"] == "0x5f"
