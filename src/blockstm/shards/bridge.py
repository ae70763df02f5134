"""The bridge: the contract of a shard that sends messages and receives them.

Anybody sends: a call with ``receiver (32 bytes), recipient (32 bytes), data`` and a value. That
stays here, and a log tells of the message::

    topics  SENT, receiver, sequence
    data    recipient (32 bytes), value (32 bytes), data

The shard's authority delivers, once for each sender in a block: ``sender (32), first sequence
(32)``, and for each message ``recipient (32), value (32), size (32), data``. Messages are received
in the order of their sequence numbers, each once: the number of the next is in the storage. The
recipient is called with the data, the value and `CALL_GAS`; where that fails it gets the value
without being called. A log tells of each: topics RECEIVED, sender, sequence; data: whether the call
succeeded.

Slot ``receiver``: messages sent there. Slot ``256 + receiver``: how many in this block, behind the
block's number. Slot ``512 + sender``: messages received from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from blockstm.errors import ConfigError
from blockstm.ethereum.blocks.receipt import Log
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief
from blockstm.shards.assembling import assembled
from blockstm.shards.message import Message
from blockstm.types import Address

__all__ = [
    "AUTHORITY_KEY",
    "BRIDGE",
    "CALL_GAS",
    "RECEIVED_SLOT",
    "SENDS_MAX",
    "SENT",
    "SHARDS_MAX",
    "bridge_code",
    "delivery_data",
    "delivery_gas",
    "message_in",
    "send_data",
]

BRIDGE: Final = Address(bytes(18) + b"\x5b\x01")
"""Where every shard has its bridge."""
SENDS_MAX: Final = 128
"""Messages to one receiver in one block, so that a block of the receiver has room for all."""
SHARDS_MAX: Final = 64
CALL_GAS: Final = 100_000
"""That a recipient is called with."""
AUTHORITY_KEY: Final = keccak(b"blockstm.shards: the authority of every shard")
"""Signs deliveries. Everybody has it: a shard takes none into a block but those that it has made
itself, of messages that are proved."""
SENT: Final = keccak(b"Sent(uint256,uint256)")
RECEIVED: Final = keccak(b"Received(uint256,uint256)")
COUNT_SLOT: Final = 256
RECEIVED_SLOT: Final = 512

_WORD: Final = 32
_DATA_MAX: Final = 1024  # bytes of a message, so that a block of deliveries has bounded gas
_DELIVERY_GAS: Final = 100_000
_MESSAGE_GAS: Final = CALL_GAS + 110_000  # the call, a new account, the other way, the log
_BYTE_GAS: Final = 40  # of call data, at most (EIP-7623)
_SELF_DESTRUCT: Final = (0x73 << 168) | 0xFF  # PUSH20 recipient, SELFDESTRUCT: 22 bytes


def bridge_code(shard: int, shards: int, authority: Address) -> bytes:
    """The code of a shard's bridge."""
    return assembled(
        [
            *("CALLER", int.from_bytes(authority, "big"), "EQ", "@deliver", "JUMPI"),
            *_sending(shard, shards),
            *_delivering(),
            *("refuse:", 0, 0, "REVERT"),
        ]
    )


def _sending(shard: int, shards: int) -> list[str | int]:
    block = ("NUMBER", 64, "SHL")
    return [
        *(2 * _WORD, "CALLDATASIZE", "LT", "@refuse", "JUMPI"),
        *(2 * _WORD + _DATA_MAX, "CALLDATASIZE", "GT", "@refuse", "JUMPI"),
        *(shards, 0, "CALLDATALOAD", "LT", "ISZERO", "@refuse", "JUMPI"),
        *(shard, 0, "CALLDATALOAD", "EQ", "@refuse", "JUMPI"),
        # nor to the bridge: nobody could have out of it what it would be given
        *(_WORD, "CALLDATALOAD", 96, "SHL", int.from_bytes(BRIDGE, "big") << 96, "EQ"),
        *("@refuse", "JUMPI"),
        # how many in this block: the slot, or none where it is of an earlier block
        *(0, "CALLDATALOAD", COUNT_SLOT, "ADD", "DUP1", "SLOAD"),
        *("DUP1", *block, "GT", "ISZERO", "@same", "JUMPI", "POP", *block, "same:"),
        *("DUP1", *block, "SWAP1", "SUB", SENDS_MAX, "GT", "ISZERO", "@refuse", "JUMPI"),
        *(1, "ADD", "SWAP1", "SSTORE"),
        # the message: recipient, value, data
        *(_WORD, "CALLDATALOAD", 0, "MSTORE", "CALLVALUE", _WORD, "MSTORE"),
        *(2 * _WORD, "CALLDATASIZE", "SUB", 2 * _WORD, 2 * _WORD, "CALLDATACOPY"),
        *(0, "CALLDATALOAD", "SLOAD", "DUP1", 1, "ADD", 0, "CALLDATALOAD", "SSTORE"),
        # it is as long as the call data: a word for the receiver, and one for the value
        *(0, "CALLDATALOAD", int.from_bytes(SENT, "big"), "CALLDATASIZE", 0, "LOG3", "STOP"),
    ]


def _delivering() -> list[str | int]:
    """In memory: 0x00 the place in the call data, 0x20 the sequence, 0x40 the value, 0x60 the
    recipient, 0x80 the size, 0xa0 whether the call succeeded; the data from 0x100 on."""
    at, sequence, value, recipient, size, done, data = 0, 0x20, 0x40, 0x60, 0x80, 0xA0, 0x100
    load: list[str | int] = [at, "MLOAD", "CALLDATALOAD"]
    step: list[str | int] = [_WORD, at, "MLOAD", "ADD", at, "MSTORE"]
    return [
        "deliver:",
        *(_WORD, "CALLDATALOAD", "DUP1", sequence, "MSTORE"),
        *(0, "CALLDATALOAD", RECEIVED_SLOT, "ADD", "SLOAD", "EQ", "ISZERO", "@refuse", "JUMPI"),
        *(2 * _WORD, at, "MSTORE"),
        "next:",
        *("CALLDATASIZE", at, "MLOAD", "LT", "ISZERO", "@end", "JUMPI"),
        *(*load, recipient, "MSTORE", *step),
        *(*load, value, "MSTORE", *step),
        *(*load, size, "MSTORE", *step),
        *(size, "MLOAD", at, "MLOAD", data, "CALLDATACOPY"),
        *(size, "MLOAD", at, "MLOAD", "ADD", at, "MSTORE"),
        *(0, 0, size, "MLOAD", data, value, "MLOAD", recipient, "MLOAD", CALL_GAS, "CALL"),
        *("DUP1", done, "MSTORE", "@told", "JUMPI"),
        # the value without a call: a contract that is gone at once leaves it to the recipient
        *(recipient, "MLOAD", 8, "SHL", _SELF_DESTRUCT, "OR", 0xC0, "MSTORE"),
        *(22, 0xC0 + 10, value, "MLOAD", "CREATE", "ISZERO", "@refuse", "JUMPI"),
        "told:",
        *(sequence, "MLOAD", 0, "CALLDATALOAD", int.from_bytes(RECEIVED, "big")),
        *(_WORD, done, "LOG3"),
        *(1, sequence, "MLOAD", "ADD", sequence, "MSTORE", "@next", "JUMP"),
        "end:",
        *(sequence, "MLOAD", 0, "CALLDATALOAD", RECEIVED_SLOT, "ADD", "SSTORE", "STOP"),
    ]


def send_data(receiver: int, recipient: bytes, data: bytes = b"") -> bytes:
    """The call data by which a transaction to `BRIDGE` sends a message; its value goes along.

    Args:
        receiver: the shard, by its number.
        recipient: the address there, 20 bytes; not the bridge, which would keep the value.
        data: that the recipient is called with, up to 1,024 bytes.

    Raises:
        ConfigError: there can be no such message.
    """
    if type(receiver) is not int or not 0 <= receiver < SHARDS_MAX:
        raise ConfigError(f"a shard has a number from 0 on, not {brief(receiver)}")
    if type(recipient) is not bytes or len(recipient) != 20:
        raise ConfigError(f"a recipient is an address of 20 bytes, not {brief(recipient)}")
    if recipient == BRIDGE:
        raise ConfigError(f"a recipient is not the bridge, {BRIDGE.hex()}: it would keep the value")
    if type(data) is not bytes or len(data) > _DATA_MAX:
        raise ConfigError(f"a message has up to {_DATA_MAX} bytes of data, not {brief(data)}")
    return _word(receiver) + _word(int.from_bytes(recipient, "big")) + data


def message_in(sender: int, log: Log) -> Message | None:
    """The message that a log of the bridge tells of; None where it tells of something else."""
    address, topics, data = log
    if address != BRIDGE or len(topics) != 3 or topics[0] != SENT or len(data) < 2 * _WORD:
        return None
    receiver, sequence = (int.from_bytes(each, "big") for each in topics[1:])
    value = int.from_bytes(data[_WORD : 2 * _WORD], "big")
    recipient = Address(data[12:_WORD])
    return Message(sender, receiver, sequence, recipient, value, data[2 * _WORD :])


def delivery_data(messages: Sequence[Message]) -> bytes:
    """The call data by which the authority delivers messages of one sender, in order."""
    parts = [_word(messages[0].sender), _word(messages[0].sequence)]
    for each in messages:
        recipient = int.from_bytes(each.recipient, "big")
        parts += [_word(recipient), _word(each.value), _word(len(each.data)), each.data]
    return b"".join(parts)


def delivery_gas(messages: Sequence[Message]) -> int:
    """Gas enough to deliver messages, whatever their recipients do."""
    size = len(delivery_data(messages))
    return _DELIVERY_GAS + len(messages) * _MESSAGE_GAS + size * _BYTE_GAS


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD, "big")
