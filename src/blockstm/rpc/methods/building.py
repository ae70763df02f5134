"""``testing_buildBlockV1``: a block that is built on request, and not imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from blockstm.ethereum import (
    BlockAttributes,
    BuiltBlock,
    Header,
    Transaction,
    Withdrawal,
    as_given,
    build_block,
    by_price,
    gas_limit_toward,
    payload_of_block,
)
from blockstm.ethereum.codecs.fields import Fields, shown
from blockstm.rpc.errors import SERVER_ERROR, RpcError
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params, data
from blockstm.rpc.sidecars import Sidecar
from blockstm.types import Hash32

__all__ = ["build"]

_GAS_LIMIT: Final = 60_000_000
"""Toward which the gas limit of blocks goes, in gas: go-ethereum's."""


def build(node: Node, params: Params) -> Any:
    """``testing_buildBlockV1``: of the transactions given, or of those that wait."""
    parent_hash = params.hash(0)
    parent = node.chain.header(parent_hash)
    pooled = [] if 2 in params else node.pool.content()[0]
    transactions = [each.transaction for each in pooled]
    transactions += [
        Transaction.decode(data(each, f"invalid argument 2[{index}]"))
        for index, each in enumerate(params.listed(2))
    ]
    built = build_block(
        parent,
        transactions,
        node.state(parent_hash),
        attributes=_attributes(params, parent),
        order=as_given if 2 in params else by_price,
        **node.execution_options(parent_hash),
    )
    if 2 in params and built.rejected:
        first = built.rejected[0]
        raise RpcError(SERVER_ERROR, f"transaction {first.index}: {first.detail or first.reason}")
    sidecars = {each.transaction.hash: each.sidecar for each in pooled if each.sidecar}
    return _form(built, sidecars)


def _attributes(params: Params, parent: Header) -> BlockAttributes:
    place = "invalid argument 1"
    given = Fields(params.members(1), place)
    withdrawals = given.elements_or_none("withdrawals") or []
    return BlockAttributes(
        timestamp=given.quantity("timestamp", 64),
        coinbase=given.address("suggestedFeeRecipient"),
        mix_hash=given.hash("prevRandao"),
        gas_limit=gas_limit_toward(parent.gas_limit, _GAS_LIMIT),
        extra_data=params.data(3, default=b""),
        withdrawals=[Withdrawal.from_fields(Fields(*each)) for each in withdrawals],
        parent_beacon_block_root=given.hash_or_none("parentBeaconBlockRoot"),
        slot_number=given.quantity_or_none("slotNumber", 64),
    )


def _form(built: BuiltBlock, sidecars: dict[Hash32, Sidecar]) -> dict[str, Any]:
    used = [sidecars[each.hash] for each in built.block.transactions if each.hash in sidecars]
    return {
        "executionPayload": payload_of_block(built.block),
        "blockValue": shown(built.value),
        "blobsBundle": {
            "commitments": _shown_all([each.commitments for each in used]),
            "proofs": _shown_all([each.proofs for each in used]),
            "blobs": _shown_all([each.blobs for each in used]),
        },
        "executionRequests": [
            shown(each) for each in built.executed.requests or () if len(each) > 1
        ],
        "shouldOverrideBuilder": False,
    }


def _shown_all(parts: Sequence[Sequence[bytes]]) -> list[str]:
    return [shown(each) for listed in parts for each in listed]
