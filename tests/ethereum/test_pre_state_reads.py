"""Pre-states have what instructions read that were paid for, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from blockstm.ethereum import Account, AccountState, Activation, Chain, Message, call, fork_named
from blockstm.ethereum.genesis import parse_genesis
from blockstm.ethereum.tracing import PrestateTracer, StructLogger, Tracer
from blockstm.types import Address

CHAIN = Chain(5, (Activation(fork_named("cancun"), block=0),))
HEADER = parse_genesis({"gasLimit": "0x1c9c380", "baseFeePerGas": "0x7"}, chain=CHAIN).block.header
CODE, SENDER = Address(b"\xc0" * 20), Address(b"\x5e" * 20)
OF_ACCOUNTS = {"BALANCE", "EXTCODESIZE", "EXTCODEHASH", "EXTCODECOPY", "SELFDESTRUCT"}

others = st.binary(min_size=1, max_size=1).map(lambda last: "73" + bytes(19).hex() + last.hex())
slots = st.integers(0, 3).map(lambda key: f"60{key:02x}")
snippets = st.one_of(
    others.map(lambda at: at + "3150"),  # BALANCE
    others.map(lambda at: at + "3b50"),  # EXTCODESIZE
    others.map(lambda at: at + "3f50"),  # EXTCODEHASH
    others.map(lambda at: "602060005f" + at + "3c"),  # EXTCODECOPY
    others.map(lambda at: at + "ff"),  # SELFDESTRUCT
    slots.map(lambda key: key + "5450"),  # SLOAD
    slots.map(lambda key: "6001" + key + "55"),  # SSTORE
    others.map(lambda at: at + "6001600201313b3f50"),  # some in a row
    st.sampled_from(["50", "600160020150", "5b", "31", "54", "fe", "0c", "60ff56", "60205f2050"]),
)
codes = st.lists(snippets, max_size=8).map("".join).map(bytes.fromhex)


def trace(code: bytes, gas: int, tracer: Tracer) -> Any:
    state = AccountState({CODE: Account(code=code), SENDER: Account(balance=10**18)})
    message = Message(sender=SENDER, to=CODE, gas=gas)
    done = call(state, message, chain=CHAIN, block=HEADER, tracer=tracer)
    assert done.rejection is None
    return done.trace


@settings(max_examples=200, deadline=None)
@given(codes, st.integers(21_000, 36_000))
def test_what_is_shown_is_what_was_read(code: bytes, gas: int) -> None:
    accounts = {SENDER, CODE, HEADER.coinbase}
    keys: set[int] = set()
    for step in trace(code, gas, StructLogger())["structLogs"]:
        if "error" in step:
            continue
        if step["op"] in OF_ACCOUNTS:
            word = int(step["stack"][-1], 16)
            accounts.add(Address((word % 2**160).to_bytes(20, "big")))
        if step["op"] in ("SLOAD", "SSTORE"):
            keys.add(int(step["stack"][-1], 16))
    shown = trace(code, gas, PrestateTracer(include_empty=True))
    assert set(shown) == {f"0x{each.hex()}" for each in accounts}
    storage = shown[f"0x{CODE.hex()}"].get("storage", {})
    assert {int(key, 16) for key in storage} == keys
