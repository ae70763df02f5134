"""Errors of nodes far away wait for no garbage collector: with them would a state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.ethereum.far_node import FarNode, Handler, answers
from tests.garbage import garbage_of
from tests.rpc.test_dev import ALICE, new_node, pay

from blockstm.errors import NodeError
from blockstm.ethereum import NodeClient, RpcState, fetch_block
from blockstm.types import Address

Act = Callable[[FarNode, NodeClient], object]


@pytest.fixture(scope="module")
def grown() -> Iterator[Any]:
    node = new_node("prague")
    pay(node, 3)
    pay(node, 4)
    with node.chain:
        yield node


def refusing(*methods: str) -> Callable[[Handler, Any], bool]:
    """Misbehaves in these methods: there is an error."""
    refusal = {"code": -32000, "message": "not now"}
    return answers(lambda method, result: refusal if method in methods else result)


def silent(handler: Handler, document: Any) -> bool:
    handler.answer(None, 503)
    return True


def state_on(client: NodeClient, *, proofs: bool) -> RpcState:
    return RpcState(client, 1, proofs=proofs)


def asked_in_vain(far: FarNode, client: NodeClient) -> None:
    far.misbehave = refusing("eth_chainId")
    client.ask("eth_chainId")


def unproved(far: FarNode, client: NodeClient) -> None:
    far.misbehave = refusing("eth_getProof")
    state_on(client, proofs=True).account(Address(bytes.fromhex(ALICE[2:])))


def told_wrongly(far: FarNode, client: NodeClient) -> None:
    far.misbehave = refusing("eth_getBalance")
    state_on(client, proofs=False).account(Address(bytes.fromhex(ALICE[2:])))


def unreachable(far: FarNode, client: NodeClient) -> None:
    state = state_on(client, proofs=True)
    far.misbehave = silent
    state.account(Address(bytes.fromhex(ALICE[2:])))


def no_hashes(far: FarNode, client: NodeClient) -> None:
    state = state_on(client, proofs=True)
    far.misbehave = refusing("eth_getBlockByNumber")
    state.block_hashes  # noqa: B018  # asking is the act


def not_fetched(far: FarNode, client: NodeClient) -> None:
    far.misbehave = refusing("eth_getProof")
    fetch_block(client, 1, way="proofs")


def fetched_by_no_way(far: FarNode, client: NodeClient) -> None:
    far.misbehave = refusing(
        *("eth_getProof", "debug_executionWitness", "debug_traceBlockByHash"),
        *("debug_traceBlockByNumber", "eth_getBalance"),
    )
    fetch_block(client, 1)


ACTS: list[Act] = [
    *(asked_in_vain, unproved, told_wrongly, unreachable, no_hashes, not_fetched),
    fetched_by_no_way,
]


@pytest.mark.parametrize("act", ACTS)
def test_an_error_takes_what_it_came_through_with_it(far: FarNode, act: Act) -> None:
    def refused() -> None:
        far.misbehave = None
        client = far.client(retries=0)
        try:
            act(far, client)
        except NodeError:
            return
        raise AssertionError("nothing was refused")

    kinds = set(garbage_of(refused))
    assert not kinds & {"frame", "traceback", "RpcState", "NodeClient", "Batcher"}
