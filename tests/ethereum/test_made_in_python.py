"""Headers, transactions, receipts and withdrawals made in Python of anything: typed errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ethereum.documents import RECEIVER, SENDER, block_document
from tests.naming import steady

import blockstm
from blockstm.errors import BlockstmError, DecodeError, InputError
from blockstm.ethereum import Authorization, Header, Receipt, Transaction, Withdrawal
from blockstm.ethereum.codecs.rlp import encode
from blockstm.ethereum.files.block_files import parse_block_file
from blockstm.messages import brief
from blockstm.state.accounts import Account, AccountState
from blockstm.vm.evm import BlockContext, Evm, Signed

BIG = 10**5000
WRONG: list[Any] = [
    *(BIG, -1, -(2**70), 2**64, 2**256, None, True, 1.5, float("nan"), "x", "0x1", "1" * 40),
    *(b"", b"1", bytes(20), bytes(32), bytes(257), bytearray(20), memoryview(b"1"), [], (), {}),
    *((1, 2), [b"x"], (b"x", "y"), object()),
]
BLOCK = parse_block_file(block_document()).block
AUTHORIZATION = Authorization(1, RECEIVER, 0, 0, 1, 1)
SAMPLES: list[Any] = [
    BLOCK.header,
    replace(
        BLOCK.header,
        withdrawals_root=bytes(32),
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=bytes(32),
        requests_hash=bytes(32),
        block_access_list_hash=bytes(32),
        slot_number=1,
    ),
    *(
        Transaction(
            type=kind,
            nonce=0,
            gas=21_000,
            to=RECEIVER,
            value=1,
            data=b"",
            v=27 if kind == 0 else 0,
            r=1,
            s=1,
            chain_id=None if kind == 0 else 1,
            access_list=((RECEIVER, (1, 2)),) if kind else (),
            blob_hashes=(bytes(32),) if kind == 3 else (),
            authorizations=(AUTHORIZATION,) if kind == 4 else (),
        )
        for kind in range(5)
    ),
    Receipt(2, True, 21_000, ((RECEIVER, (bytes(32),), b"data"),)),
    Receipt(0, True, 21_000, (), bytes(32)),
    Withdrawal(1, 2, RECEIVER, 3),
    BLOCK,
]
USES: list[Callable[[Any], object]] = [
    lambda made: made.encode(),
    lambda made: made.hash,
    lambda made: made.signing_hash,
    lambda made: made.to_json(),
]
MEMBERS = [
    (sample, each.name)
    for sample in SAMPLES
    for each in fields(sample)
    if each.init and (type(sample).__name__, each.name) != ("Block", "senders")
]


def spoilt(sample: Any, name: str, value: Any) -> Any:
    if isinstance(sample, Transaction):
        kept = {each.name: getattr(sample, each.name) for each in fields(sample) if each.init}
        return Transaction(**{**kept, name: value})
    return replace(sample, **{name: value})


@pytest.mark.parametrize("use", USES, ids=["encode", "hash", "signing_hash", "to_json"])
@pytest.mark.parametrize(
    ("sample", "name"), MEMBERS, ids=[f"{type(s).__name__}.{name}" for s, name in MEMBERS]
)
def test_a_wrong_member_is_an_input_error_where_it_is_used(
    sample: Any, name: str, use: Callable[[Any], object]
) -> None:
    for value in WRONG:
        made = spoilt(sample, name, value)
        try:
            use(made)
        except (InputError, DecodeError) as error:
            assert len(str(error)) < 400  # noqa: PT017  # some values are right
        except AttributeError as error:
            assert not hasattr(type(sample), error.name or "")  # noqa: PT017  # it has no such use


@pytest.mark.parametrize("value", WRONG, ids=steady(brief))
@pytest.mark.parametrize("name", ["timestamp", "mix_hash", "number", "nonce", "extra_data"])
def test_nothing_is_cut_short(name: str, value: Any) -> None:
    """What can be encoded is what comes back."""
    made = replace(BLOCK.header, **{name: value})
    try:
        encoding = made.encode()
    except InputError:
        return
    assert Header.decode(encoding) == made


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "header.mix_hash is 32 bytes, not b''"),
        ("0x", "header.mix_hash is 32 bytes, not '0x'"),
        (BIG, "header.mix_hash is 32 bytes, not <int of 16,610 bits>"),
    ],
    ids=lambda value: brief(value, 20),
)
def test_the_message_names_the_member_and_shows_the_value(value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        _ = replace(BLOCK.header, mix_hash=value).hash
    assert str(caught.value) == message


def test_a_block_of_hashes_of_ommers_cannot_be_encoded() -> None:
    with pytest.raises(DecodeError, match="headers of its ommers"):
        replace(BLOCK, ommers=None).encode()


# ---- in a block


@pytest.mark.parametrize(
    ("sample", "name"),
    [(BLOCK.header, each.name) for each in fields(Header)]
    + [(BLOCK.transactions[0], each.name) for each in fields(Transaction) if each.init]
    + [(Withdrawal(1, 2, RECEIVER, 3), each.name) for each in fields(Withdrawal)],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_block_of_a_wrong_member_is_refused_by_type(sample: Any, name: str) -> None:
    state = AccountState({SENDER: Account(balance=10**18)}, partial=True)
    for value in WRONG:
        made = spoilt(sample, name, value)
        if isinstance(made, Header):
            block = replace(BLOCK, header=made)
        elif isinstance(made, Transaction):
            block = replace(BLOCK, transactions=(made, *BLOCK.transactions[1:]))
        else:
            block = replace(BLOCK, withdrawals=(made,))
        with pytest.raises(BlockstmError):
            blockstm.execute_block(block, state, vm="evm")  # the block has no such state either


MEMBERS_OF_A_BLOCK = ["header", "transactions", "withdrawals", "ommers", "access_list"]


@pytest.mark.parametrize("name", MEMBERS_OF_A_BLOCK)
@pytest.mark.parametrize("value", [5, "x", (5,), [None], (b"",), {}])
def test_a_block_of_other_things_is_refused_by_type(name: str, value: Any) -> None:
    block = replace(BLOCK, **{name: value})
    with pytest.raises(BlockstmError):
        blockstm.execute_block(block, AccountState({}), vm="evm")
    with pytest.raises(BlockstmError):
        block.encode()


# ---- as steps of the EVM

STEP: dict[str, Any] = {
    "type": 0,
    "nonce": 0,
    "gas": 21_000,
    "to": RECEIVER,
    "value": 0,
    "data": b"",
    "v": 0,
    "r": 0,
    "s": 0,
    "gas_price": 10,
}
CONTEXT: dict[str, Any] = {
    "number": 1,
    "timestamp": 0,
    "coinbase": RECEIVER,
    "gas_limit": 10**7,
    "base_fee_per_gas": 7,
}


@pytest.mark.parametrize(
    "name",
    [*STEP, "access_list", "blob_hashes", "authorizations", "max_fee_per_gas"],
)
@pytest.mark.parametrize("kind", range(5))
def test_a_step_of_a_wrong_member_is_refused_by_type(name: str, kind: int) -> None:
    state = AccountState({SENDER: Account(balance=10**18)})
    evm = Evm("prague", BlockContext(**CONTEXT))
    for value in WRONG:
        members = {**STEP, "type": kind, "chain_id": 1 if kind else None, name: value}
        step = Signed(Transaction(**members), sender=SENDER)
        try:
            blockstm.execute_block([step], state, evm, workers=1)
        except BlockstmError as error:
            assert len(str(error)) < 400  # noqa: PT017  # some values are right


@pytest.mark.parametrize("name", CONTEXT)
def test_a_context_of_a_wrong_member_is_refused_by_type(name: str) -> None:
    state = AccountState({SENDER: Account(balance=10**18)})
    for value in WRONG:
        try:
            evm = Evm("london", BlockContext(**{**CONTEXT, name: value}))
            blockstm.execute_block([Signed(Transaction(**STEP), sender=SENDER)], state, evm)
        except BlockstmError as error:
            assert len(str(error)) < 400  # noqa: PT017  # some values are right


@pytest.mark.parametrize("step", [5, None, "x", Signed(5, SENDER), Signed(None, SENDER)])
def test_a_step_that_is_none_is_refused_by_type(step: Any) -> None:
    with pytest.raises(InputError):
        blockstm.execute_block([step], AccountState({}), Evm("london", BlockContext(**CONTEXT)))


# ---- RLP

items = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
        st.binary().map(bytearray),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
)


@given(items)
def test_rlp_encodes_what_has_an_encoding_and_refuses_the_rest(item: Any) -> None:
    with suppress(InputError):
        assert isinstance(encode(item), bytes)


@pytest.mark.parametrize("item", ["abc", 1.5, None, bytearray(b"1"), {1: 2}, -1, {b"1"}, ["a"]])
def test_rlp_has_no_encoding_of_other_things(item: Any) -> None:
    with pytest.raises(InputError):
        encode(item)
