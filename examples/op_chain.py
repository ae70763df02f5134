"""An L2 in the manner of the OP stack: deposits, L1 fees, and fee vaults, as rules of a chain.

A block begins with a deposit that nobody signed, which tells the contract ``L1Block`` what gas
costs on L1. Then come deposits of users, who bought their gas on L1 and may be minted ether; then
signed transactions, which pay for their gas, and for their bytes on L1. The base fee is not burnt.

The rules are those of the OP stack's specification (https://specs.optimism.io): deposits and their
receipts as from Canyon on; the L1 fee of Ecotone and, from a time on, of Fjord; the operator fee of
Isthmus, from a later time on. Not here: the derivation from L1, which says what deposits there are.

Run it: ``python examples/op_chain.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import blockstm
from blockstm.ethereum import (
    Account,
    AccountState,
    Activation,
    Block,
    BlockAttributes,
    BuiltBlock,
    Chain,
    Header,
    OwnTransaction,
    OwnTransactionType,
    Rules,
    RuleView,
    Transaction,
    TransactionFee,
    build_block,
    fork_named,
)
from blockstm.ethereum.codecs.rlp import Item, Items, encode
from blockstm.ethereum.genesis import parse_genesis
from blockstm.types import Address, Hash32

DEPOSIT = 0x7E
FJORD_TIME, ISTHMUS_TIME = 1_000, 2_000


def predeploy(last: int) -> Address:
    """The address of one of the contracts that an OP chain begins with."""
    return Address(b"\x42" + bytes(18) + bytes((last,)))


L1_BLOCK, SEQUENCER_VAULT = predeploy(0x15), predeploy(0x11)
BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT = map(predeploy, (0x19, 0x1A, 0x1B))
DEPOSITOR = Address(bytes.fromhex("deaddeaddeaddeaddeaddeaddeaddeaddead0001"))

# ---- deposits


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(OwnTransaction):
    """A deposited transaction; ``source`` says where on L1 it comes from."""

    type: int = DEPOSIT
    source: Hash32

    def payload(self) -> bytes:
        """The encoding behind the type."""
        is_system = b""  # never, since Regolith
        to = self.to or b""
        first: list[Item] = [self.source, self.sender, to, self.mint, self.value, self.gas]
        return encode([*first, is_system, self.data])

    @classmethod
    def from_payload(cls, payload: bytes) -> Deposit:
        """Read one."""
        items = Items(payload, "deposit")
        deposit = cls(
            source=items.hash("sourceHash"),
            sender=items.address("from"),
            to=items.address_or_none("to"),
            mint=items.quantity("mint"),
            value=items.quantity("value"),
            gas=items.quantity("gas", 64),
            data=_data_behind_flag(items),
        )
        items.end()
        return deposit


def _data_behind_flag(items: Items) -> bytes:
    if items.quantity("isSystemTx", 1):
        raise ValueError("no deposit is a system transaction since Regolith")
    return items.data("data")


def deposit_receipt(deposit: Deposit, nonce: int, header: Header) -> Mapping[str, int]:
    """What a deposit's receipt has beside the usual, since Canyon."""
    return {"depositNonce": nonce, "depositReceiptVersion": 1}


# ---- the L1 fee

# Where L1Block keeps its numbers (since Ecotone).
BASE_FEE_SLOT, SCALARS_SLOT, BLOB_BASE_FEE_SLOT = 1, 3, 7


def l1_fee(transaction: Transaction, view: RuleView) -> int:
    """What a transaction's bytes cost on L1, in wei."""
    scalars = view.storage(L1_BLOCK, SCALARS_SLOT)
    base_scalar, blob_scalar = scalars >> 96 & 0xFFFFFFFF, scalars >> 64 & 0xFFFFFFFF
    price = 16 * view.storage(L1_BLOCK, BASE_FEE_SLOT) * base_scalar
    price += view.storage(L1_BLOCK, BLOB_BASE_FEE_SLOT) * blob_scalar
    encoding = transaction.encode()
    if view.timestamp >= FJORD_TIME:
        return fjord_size(encoding) * price // 10**12
    return calldata_gas(encoding) * price // (16 * 10**6)


def calldata_gas(encoding: bytes) -> int:
    """What these bytes would cost as call data on L1, in gas (EIP-2028)."""
    zeros = encoding.count(0)
    return 4 * zeros + 16 * (len(encoding) - zeros)


def fjord_size(encoding: bytes) -> int:
    """What these bytes come to in a compressed batch, at least 100, in millionths of a byte."""
    return max(100_000_000, 836_500 * fastlz_size(encoding) - 42_585_600)


def fastlz_size(data: bytes) -> int:
    """How many bytes FastLZ at level 1 makes of these, with a table of 8192 places."""
    last_start = max(len(data) - 13, 0)
    seen: dict[int, int] = {}
    size = literals_from = 0
    place = 2
    while place < last_start:
        found = _note(seen, data, place)
        if place - found > 0x1FFF or data[found : found + 3] != data[place : place + 3]:
            place += 1
            continue
        size += _literals(place - literals_from)
        length = _match(data, found + 3, place + 3, last_start + 9)
        size += 3 * ((length - 1) // 262) + (3 if (length - 1) % 262 >= 6 else 2)
        for behind in (place + length, place + length + 1):
            _note(seen, data, behind)
        place = literals_from = place + length + 2
    return size + _literals(len(data) - literals_from)


def _note(seen: dict[int, int], data: bytes, place: int) -> int:
    """Where three bytes like these, or of the same hash, were seen last; now it is here."""
    hashed = int.from_bytes(data[place : place + 3], "little") * 2654435769 >> 19 & 0x1FFF
    found = seen.get(hashed, 0)
    seen[hashed] = place
    return found


def _match(data: bytes, left: int, right: int, end: int) -> int:
    """How many bytes are the same from both places on, with the one that differs."""
    length = 0
    while right + length < end:
        length += 1
        if data[left + length - 1] != data[right + length - 1]:
            break
    return length


def _literals(count: int) -> int:
    whole, rest = divmod(count, 32)
    return 33 * whole + (rest + 1 if rest else 0)


# ---- the operator fee

OPERATOR_FEE_SLOT = 8  # of L1Block: u32 scalar before u64 constant, at its lower end


def operator_fee(transaction: Transaction, view: RuleView) -> int:
    """What the operator gets for all the gas that a transaction may use, in wei (Isthmus)."""
    return operator_fee_of(transaction.gas, view)


def operator_refund(transaction: Transaction, view: RuleView, gas_used: int) -> int:
    """What comes back of that: the part of the gas that it did not use."""
    return operator_fee_of(transaction.gas, view) - operator_fee_of(gas_used, view)


def operator_fee_of(gas: int, view: RuleView) -> int:
    """A part for each million of gas, and a constant."""
    if view.timestamp < ISTHMUS_TIME:
        return 0
    packed = view.storage(L1_BLOCK, OPERATOR_FEE_SLOT)
    scalar, constant = packed >> 64 & 0xFFFFFFFF, packed & 0xFFFFFFFFFFFFFFFF
    return gas * scalar // 10**6 + constant


# ---- the chain


def base_fee(parent: Header) -> int:
    """EIP-1559 with the numbers of OP Mainnet since Canyon: six times the target, 1/250 a block."""
    fee, target = parent.base_fee_per_gas or 0, parent.gas_limit // 6
    moved = fee * abs(parent.gas_used - target) // target // 250
    return fee + max(moved, 1) if parent.gas_used > target else fee - moved


def header_rule(header: Header, parent: Header) -> str | None:
    """No blobs on an L2 (Ecotone)."""
    return "there are no blobs on this chain" if header.blob_gas_used else None


CHAIN = Chain(
    901,
    rules=Rules(
        activations=(Activation(fork_named("cancun"), block=0),),
        transaction_types=(
            OwnTransactionType(
                DEPOSIT, Deposit.from_payload, is_prepaid=True, receipt=deposit_receipt
            ),
        ),
        fees=(
            TransactionFee(L1_FEE_VAULT, l1_fee),
            TransactionFee(OPERATOR_FEE_VAULT, operator_fee, operator_refund),
        ),
        base_fee_recipient=BASE_FEE_VAULT,
        base_fee=base_fee,
        header_rule=header_rule,
    ),
)

# A contract with the slots of L1Block: its depositor stores what comes behind the selector.
# CALLER, PUSH20 depositor, EQ, PUSH1 start, JUMPI, PUSH1 0, PUSH1 0, REVERT, JUMPDEST
L1_BLOCK_CODE = bytes.fromhex("3373") + DEPOSITOR + bytes.fromhex("14601f5760006000fd5b")
# each PUSH1 place, CALLDATALOAD, (PUSH1 128, SHR,) PUSH1 slot, SSTORE
L1_BLOCK_CODE += bytes.fromhex("60043560801c60035560143560801c600055")
L1_BLOCK_CODE += bytes.fromhex("602435600155604435600755606435600255608435600455")


def l1_attributes(number: int, fee: int, blob_fee: int, scalars: tuple[int, int]) -> Deposit:
    """The deposit that a block begins with."""
    l1_hash = hashlib.sha256(b"L1 block %d" % number).digest()
    times = bytes(8) + (12 * number).to_bytes(8, "big") + number.to_bytes(8, "big")
    packed = b"".join(each.to_bytes(4, "big") for each in scalars) + times
    words = fee.to_bytes(32, "big") + blob_fee.to_bytes(32, "big") + l1_hash + bytes(32)
    data = bytes.fromhex("440a5e20") + packed + words  # setL1BlockValuesEcotone
    source = Hash32(hashlib.sha256(b"source of %d" % number).digest())
    return Deposit(source=source, sender=DEPOSITOR, to=L1_BLOCK, value=0, gas=1_000_000, data=data)


def next_block(
    parent: Header, state: AccountState, transactions: Sequence[Transaction], timestamp: int
) -> BuiltBlock:
    """The block of these transactions, which all have to be valid."""
    attributes = BlockAttributes(timestamp=timestamp, coinbase=SEQUENCER_VAULT)
    return build_block(
        parent, transactions, state, chain=CHAIN, attributes=attributes, on_unfit="raise"
    )


ALICE, FRIEND = (
    Address(bytes.fromhex("1a642f0e3c3af545e7acbd38b07251b3990914f1")),
    Address(b"\x0f" * 20),
)
SIGNED = [  # by Alice, for this chain, with the nonces that her deposits leave
    (
        "02f86b82038501830f4240843b9aca00825208940f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
        "0180c080a0d4446cdb3449139a548f787246eeb357878dc8d7aa19905982ead25de03cd0c0a04307"
        "45638478af85d403ad6034800182ecb6be58dfb660f00d9be3812419c94c"
    ),
    (
        "02f86b82038503830f4240843b9aca00825208940f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
        "0180c080a06f0cdf9ca404902ef722b7c3333edba232f5812f32439618641d88a7bb8b591fa06ccb"
        "617074ceee36568565b1b865affdd6e03ea71b592aecd74f5a3ab78213ef"
    ),
]


def deposit_of(number: int) -> Deposit:
    """What Alice deposited on L1: it gives her ether here, of which her friend gets a little."""
    source = Hash32(hashlib.sha256(b"of a user %d" % number).digest())
    return Deposit(
        source=source, sender=ALICE, to=FRIEND, value=7, mint=10**18, gas=50_000, data=b""
    )


def main() -> list[Block]:
    """Two blocks, before Fjord and after."""
    parent = parse_genesis({"gasLimit": hex(30_000_000), "baseFeePerGas": "0x7"}, chain=CHAIN)
    header = parent.block.header
    state = AccountState({L1_BLOCK: Account(code=L1_BLOCK_CODE)})
    blocks = []
    for number, timestamp in enumerate((12, FJORD_TIME), 1):
        transactions = [
            l1_attributes(number, 10**9, 10**7, (2, 3)),
            deposit_of(number),
            Transaction.decode(bytes.fromhex(SIGNED[number - 1])),
        ]
        block = next_block(header, state, transactions, timestamp).block
        # As it travels, and executed where it arrives.
        decoded = Block.decode(block.encode(), rules=CHAIN.rules)
        done = blockstm.execute_block(decoded, state, vm="evm", chain=CHAIN, parent=header)
        state.apply(done.writes)
        header = block.header
        blocks.append(decoded)
        for transaction, receipt in zip(decoded.transactions, done.receipts, strict=True):
            kind, beside = f"type 0x{transaction.type:x}", dict(receipt.extra)
            print(f"block {number}: {kind}, {receipt.gas_used} gas, {beside}")
    for name, vault in (("base fees", BASE_FEE_VAULT), ("L1 fees", L1_FEE_VAULT)):
        account = state.account(vault)
        print(f"{name}: {account.balance if account else 0} wei")
    return blocks


if __name__ == "__main__":
    main()
