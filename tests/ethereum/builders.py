"""Hostile pools, and blocks made of what a builder kept of them. No test of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eth_keys.datatypes import PrivateKey
from eth_typing import Address, BlockNumber, Hash32
from hypothesis import strategies as st

import blockstm
from blockstm.ethereum import BlockAttributes, build_block
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Authorization, Transaction
from blockstm.ethereum.building.attributes import header_after
from blockstm.ethereum.building.sealing import with_body
from blockstm.ethereum.chains import Activation, Chain
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import context_of
from blockstm.ethereum.rules.header_rules import NO_OMMERS_HASH
from blockstm.ethereum.rules.rewards import rewards
from blockstm.ethereum.tries.list_root import list_root
from blockstm.state.accounts import Account, AccountState
from blockstm.types import BlockResult, Status
from blockstm.vm.evm import BlockEnd, BlockStart, BlockSteps, Evm
from blockstm.vm.forks import AMSTERDAM, CANCUN, LONDON, PARIS, PRAGUE, SHANGHAI, Fork

KEYS = [PrivateKey(bytes([n]) * 32) for n in range(1, 5)]
SENDERS = [Address(key.public_key.to_canonical_address()) for key in KEYS]
COINBASE = Address(b"\xcb" * 20)
NOBODY = Address(b"\xee" * 20)
CHAIN_ID = 1337
GAS_LIMIT = 400_000
ATTRIBUTES = BlockAttributes(timestamp=1_000, coinbase=COINBASE)
GREAT_GAS = [GAS_LIMIT, GAS_LIMIT + 1, 2**24 + 1, 2**63]
BASE_FEE, BLOB_FEE = 7, 1
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# PUSH1 1, SLOAD, PUSH1 1, ADD, PUSH1 1, SSTORE: storage that grows once, and changes.
COUNTER = Address(b"\xc0" * 20)
COUNTER_CODE = bytes.fromhex("600154600101600155")
# PUSH0-free: INVALID, which burns all its gas.
BURNER = Address(b"\xb0" * 20)
BURNER_CODE = bytes.fromhex("fe")
REQUEST_CONTRACTS = [
    Address(bytes.fromhex(each))
    for each in (
        "00000961ef480eb55e80d19ad83579a64c007002",
        "0000bbddc7ce488642fb579f8b00f3a590007251",
        "0000bff46984e3725691fa540a8c7589300d8282",
        "000064d678505ad48f8ccb093bc65613800e8282",
    )
]
RECEIVERS = [*SENDERS, COUNTER, BURNER, NOBODY, COINBASE]


def contract(code: bytes, balance: int = 0) -> Account:
    """An account with code."""
    return Account(balance, 1, code, keccak(code))


def state_of(funds: Sequence[int]) -> AccountState:
    """The senders with their funds, and the contracts."""
    accounts = {sender: Account(each) for sender, each in zip(SENDERS, funds, strict=True) if each}
    accounts |= {COUNTER: contract(COUNTER_CODE), BURNER: contract(BURNER_CODE)}
    accounts |= {address: contract(b"\x00") for address in REQUEST_CONTRACTS}
    return AccountState(accounts)


def sign(key: int, high_s: bool = False, **members: Any) -> Transaction:
    """A transaction of one of `SENDERS`."""
    is_legacy = members["type"] == 0
    unsigned = Transaction(v=27, r=1, s=1, **members)
    signature = KEYS[key].sign_msg_hash(unsigned.signing_hash)
    parity, s = signature.v, signature.s
    if high_s:  # the other signature of the same key
        parity, s = 1 - parity, ORDER - s
    v = parity
    if is_legacy:
        chain_id = members.get("chain_id")
        v += 27 if chain_id is None else 35 + 2 * chain_id
    return replace(unsigned, v=v, r=signature.r, s=s)


def authorize(key: int, chain_id: int, nonce: int, target: Address) -> Authorization:
    """A wish of one of `SENDERS` to run another account's code (EIP-7702)."""
    from blockstm.ethereum.codecs.rlp import encode

    message = keccak(b"\x05" + encode([chain_id, target, nonce]))
    signature = KEYS[key].sign_msg_hash(message)
    return Authorization(chain_id, target, nonce, signature.v, signature.r, signature.s)


@st.composite
def pooled(draw: Any) -> tuple[int, Transaction]:
    """A transaction and whose it is: often right, often wrong in one thing or another."""
    key = draw(st.integers(0, len(KEYS) - 1))
    kind = draw(st.sampled_from([0, 0, 1, 2, 2, 3, 4]))
    members: dict[str, Any] = {
        "type": kind,
        "nonce": draw(st.sampled_from([0, 0, 0, 1, 1, 2, 3, 2**64 - 1])),
        "gas": draw(
            st.sampled_from([20_999, 21_000, 21_000, 60_000, 60_000, 130_000, 250_000, *GREAT_GAS])
        ),
        "to": draw(st.sampled_from([*RECEIVERS, None])),
        "value": draw(st.sampled_from([0, 0, 1, 10**6, 10**12, 2**256 - 1])),
        "data": draw(st.sampled_from([b"", b"", b"\x00", b"\xff" * 1_000, b"\x60\x00" * 24_577])),
        "chain_id": draw(st.sampled_from([CHAIN_ID, CHAIN_ID, CHAIN_ID, CHAIN_ID, 1])),
    }
    price = draw(st.sampled_from([BASE_FEE, 10, 10, 1, 2**255]))
    if kind == 0 and draw(st.booleans()):
        members["chain_id"] = None
    if kind <= 1:
        members["gas_price"] = price
    else:
        members["max_fee_per_gas"] = price
        members["max_priority_fee_per_gas"] = draw(st.sampled_from([0, 1, 2, price, price + 1]))
    if kind >= 1 and draw(st.booleans()):
        members["access_list"] = ((COUNTER, (1, 2)),)
    if kind == 3:
        version = draw(st.sampled_from([1, 1, 1, 0]))
        blobs = draw(st.sampled_from([0, 1, 2, 3, 6, 7, 9]))
        members["blob_hashes"] = (Hash32(bytes([version]) + bytes(31)),) * blobs
        members["max_fee_per_blob_gas"] = draw(st.sampled_from([BLOB_FEE, BLOB_FEE, 10, 0]))
    if kind == 4:
        nonces, chains = st.sampled_from([0, 1, 2]), st.sampled_from([0, CHAIN_ID, 1])
        listed = st.lists(st.tuples(st.integers(0, 3), chains, nonces), max_size=2)
        members["authorizations"] = tuple(
            authorize(who, chain, nonce, draw(st.sampled_from([COUNTER, BURNER])))
            for who, chain, nonce in draw(listed)
        )
    return key, sign(key, high_s=draw(st.integers(0, 7)) == 0, **members)


@dataclass(frozen=True)
class Site:
    """Where blocks are built: a fork's chain, and the header to fill."""

    fork: Fork
    gas_limit: int = GAS_LIMIT
    chain: Chain = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chain", Chain(CHAIN_ID, (Activation(self.fork, block=0),)))

    @property
    def parent(self) -> Header:
        """Of the block before, after which the fees are those that are named above."""
        zero, since = Hash32(bytes(32)), self.fork.__ge__
        return Header(
            parent_hash=zero,
            ommers_hash=NO_OMMERS_HASH,
            coinbase=COINBASE,
            state_root=zero,
            transactions_root=list_root([]),
            receipts_root=list_root([]),
            logs_bloom=bytes(256),
            difficulty=0 if since(PARIS) else 131_072,
            number=BlockNumber(4),
            gas_limit=self.gas_limit,
            gas_used=self.gas_limit // 2,
            timestamp=999,
            extra_data=b"",
            mix_hash=zero,
            nonce=bytes(8),
            base_fee_per_gas=BASE_FEE if since(LONDON) else None,
            withdrawals_root=list_root([]) if since(SHANGHAI) else None,
            blob_gas_used=0 if since(CANCUN) else None,
            excess_blob_gas=0 if since(CANCUN) else None,
            parent_beacon_block_root=zero if since(CANCUN) else None,
            requests_hash=zero if since(PRAGUE) else None,
            block_access_list_hash=zero if since(AMSTERDAM) else None,
            slot_number=4 if since(AMSTERDAM) else None,
        )

    @property
    def header(self) -> Header:
        """Of an empty block, all roots still to be filled in."""
        return header_after(self.parent, self.chain, ATTRIBUTES, None)[0]

    def block(self, transactions: Sequence[Transaction]) -> Block:
        """A block of these transactions, not sealed."""
        withdrawals = () if self.fork >= SHANGHAI else None
        header = self.header
        return with_body(Block(header.hash, header, tuple(transactions), withdrawals, ()))

    def evm(self) -> Evm:
        """The VM that a builder takes."""
        header = self.header
        hashes = {header.number - 1: header.parent_hash}
        return Evm(self.fork.name, context_of(header, self.fork, CHAIN_ID, hashes))

    def steps(self, pool: Sequence[tuple[int, Transaction]]) -> BlockSteps:
        """A pool between a block's start and its end."""
        authorities = [
            tuple(_authority(each) for each in transaction.authorizations)
            for _, transaction in pool
        ]
        return BlockSteps(
            BlockStart(),
            [transaction for _, transaction in pool],
            [SENDERS[key] for key, _ in pool],
            authorities,
            BlockEnd((), rewards(self.block(()), self.fork), self.fork >= PRAGUE),
        )

    def build(
        self,
        pool: Sequence[tuple[int, Transaction]],
        state: AccountState,
        execute_block: Any = blockstm.execute_block,
        **options: Any,
    ) -> BlockResult:
        """What a builder gets of a pool."""
        result: BlockResult = execute_block(
            self.steps(pool), state, self.evm(), on_invalid="skip", **options
        )
        return result

    def seal(self, kept: Sequence[Transaction], state: AccountState) -> tuple[Block, Any]:
        """The block of these transactions, all of which fit, and what it does."""
        built = build_block(
            self.parent,
            kept,
            state,
            attributes=ATTRIBUTES,
            chain=self.chain,
            on_unfit="raise",
            workers=1,
        )
        return built.block, built.executed


def _authority(authorization: Authorization) -> Address | None:
    from blockstm.ethereum.execution.senders import recover_authorities

    transaction = Transaction(
        type=4, nonce=0, gas=0, to=NOBODY, value=0, data=b"", v=0, r=1, s=1, chain_id=1,
        authorizations=(authorization,),
    )  # fmt: skip
    ((authority,),) = recover_authorities([transaction], 1)
    return authority


def kept(pool: Sequence[tuple[int, Transaction]], result: BlockResult) -> list[Transaction]:
    """What a builder did not leave out; the block's start and end are steps, too."""
    outcomes = list(result.outcomes)[1:-1]
    assert len(outcomes) == len(pool)
    return [
        transaction
        for (_, transaction), outcome in zip(pool, outcomes, strict=True)
        if outcome.status is not Status.SKIPPED
    ]


def reasons(result: BlockResult) -> list[str | None]:
    """Why each transaction was left out; None where it was not."""
    return [getattr(outcome.error, "reason", None) for outcome in list(result.outcomes)[1:-1]]


def told(result: BlockResult) -> list[Any]:
    """All that outcomes say; two errors are equal if they say the same."""
    return [
        (each.status, each.value, each.gas_used, getattr(each.error, "args", None))
        for each in result.outcomes
    ]
