"""Calls, overrides and simulated blocks: from JSON-RPC's objects to the library's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from blockstm.errors import DecodeError
from blockstm.ethereum import (
    AccountOverride,
    Authorization,
    BlockCalls,
    BlockOverrides,
    Message,
    Withdrawal,
)
from blockstm.ethereum.codecs.fields import Fields, parse_address, parse_hash, parse_word
from blockstm.messages import brief
from blockstm.rpc.params import data, quantity
from blockstm.types import Address

__all__ = ["block_calls_of", "block_overrides_of", "message_of_json", "overrides_of"]

Read = Callable[[Any, str], Any]


def _word(value: object, place: str) -> int:
    return quantity(value, place, 256)


def _hashes(value: object, place: str) -> tuple[Any, ...]:
    return tuple(parse_hash(each, where) for each, where in _elements(value, place))


def _elements(value: object, place: str) -> list[tuple[object, str]]:
    if not isinstance(value, list):
        raise DecodeError(f"{place}: expected a list, not {brief(value)}", place)
    return [(each, f"{place}[{index}]") for index, each in enumerate(value)]


def _access_list(value: object, place: str) -> tuple[Any, ...]:
    found = []
    for each, where in _elements(value, place):
        fields = Fields(each, where)
        keys = fields.elements_or_none("storageKeys") or []
        found.append((fields.address("address"), tuple(parse_word(*key) for key in keys)))
    return tuple(found)


def _authorizations(value: object, place: str) -> tuple[Authorization, ...]:
    return tuple(Authorization.from_fields(Fields(*each)) for each in _elements(value, place))


def _withdrawals(value: object, place: str) -> list[Withdrawal]:
    return [Withdrawal.from_fields(Fields(*each)) for each in _elements(value, place)]


_CALL: Final[dict[str, tuple[str, Read]]] = {
    "from": ("sender", parse_address),
    "to": ("to", parse_address),
    "value": ("value", _word),
    "data": ("data", data),
    "input": ("data", data),
    "gas": ("gas", quantity),
    "nonce": ("nonce", quantity),
    "gasPrice": ("gas_price", _word),
    "maxFeePerGas": ("max_fee_per_gas", _word),
    "maxPriorityFeePerGas": ("max_priority_fee_per_gas", _word),
    "maxFeePerBlobGas": ("max_fee_per_blob_gas", _word),
    "accessList": ("access_list", _access_list),
    "blobVersionedHashes": ("blob_hashes", _hashes),
    "authorizationList": ("authorizations", _authorizations),
}
_ACCOUNT: Final[dict[str, tuple[str, Read]]] = {
    "balance": ("balance", _word),
    "nonce": ("nonce", quantity),
    "code": ("code", data),
    "state": ("state", lambda value, place: _slots(value, place)),
    "stateDiff": ("state_diff", lambda value, place: _slots(value, place)),
    "movePrecompileToAddress": ("move_precompile_to", parse_address),
}
_BLOCK: Final[dict[str, tuple[str, Read]]] = {
    "number": ("number", quantity),
    "time": ("timestamp", quantity),
    "gasLimit": ("gas_limit", quantity),
    "feeRecipient": ("coinbase", parse_address),
    "difficulty": ("difficulty", _word),
    "prevRandao": ("mix_hash", parse_hash),
    "baseFeePerGas": ("base_fee_per_gas", _word),
    "blobBaseFee": ("blob_base_fee", _word),
    "beaconRoot": ("parent_beacon_block_root", parse_hash),
    "withdrawals": ("withdrawals", _withdrawals),
}


def _read(value: object, place: str, kinds: Mapping[str, tuple[str, Read]]) -> dict[str, Any]:
    """The members that are known, by our names; others are passed over, as nodes do."""
    if not isinstance(value, Mapping):
        raise DecodeError(f"{place}: expected an object, not {brief(value)}", place)
    found = {}
    for name, each in value.items():
        if name in kinds and each is not None:
            ours, read = kinds[name]
            found[ours] = read(each, f"{place}.{name}")
    return found


def _slots(value: object, place: str) -> dict[int, int]:
    if not isinstance(value, Mapping):
        raise DecodeError(f"{place}: expected an object, not {brief(value)}", place)
    return {parse_word(slot, place): parse_word(each, place) for slot, each in value.items()}


def message_of_json(value: object, place: str) -> Message:
    """The message of a call object.

    Raises:
        DecodeError: a member is malformed; or ``data`` and ``input`` differ.
    """
    members = _read(value, place, _CALL)
    if isinstance(value, Mapping) and None not in (value.get("data"), value.get("input")):
        both = [data(value[name], f"{place}.{name}") for name in ("data", "input")]
        if both[0] != both[1]:
            raise DecodeError(f"{place}: data and input are both given and not equal", place)
    return Message(**members)


def overrides_of(value: object, place: str) -> dict[Address, AccountOverride] | None:
    """What a call finds in the state instead; None where nothing is given."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise DecodeError(f"{place}: expected an object, not {brief(value)}", place)
    return {
        parse_address(address, place): AccountOverride(
            **_read(each, f"{place}.{address}", _ACCOUNT)
        )
        for address, each in value.items()
    }


def block_overrides_of(value: object, place: str) -> BlockOverrides | None:
    """The fields of the block that a call finds instead; None where nothing is given."""
    return None if value is None else BlockOverrides(**_read(value, place, _BLOCK))


def block_calls_of(value: object, place: str) -> BlockCalls:
    """A block of ``eth_simulateV1``."""
    fields = Fields(value, place)
    given = {name: (each, where) for name, each, where in fields.items()}
    absent = (None, place)
    return BlockCalls(
        [message_of_json(*each) for each in fields.elements_or_none("calls") or []],
        overrides_of(*given.get("stateOverrides", absent)),
        block_overrides_of(*given.get("blockOverrides", absent)),
    )
