"""A hundred thousand malformed requests: each has a typed answer, and none ends the node."""

from __future__ import annotations

import copy
import gzip
import json
import random
from typing import Any

import pytest
from tests.rpc.sites import archive
from tests.rpc.test_dev import WALLET
from tests.rpc.test_requests import ADDRESS, HASH, MEMBERS, is_our_fault

from blockstm.rpc import Limits, Node, dispatch, handle
from blockstm.rpc.dev import DevNode, dev_chain
from blockstm.rpc.dev.table import DEV_METHODS
from blockstm.rpc.methods.table import METHODS
from blockstm.rpc.sessions import Session

SEEDS = 20
REQUESTS = 5_000  # of each seed
LIMITS = Limits(
    gas=1_000_000, mined=2, filters=50, log_blocks=60, trace_bytes=1 << 20, dump_bytes=1 << 16
)
DUMP = gzip.compress(json.dumps({"accounts": {ADDRESS: {"balance": "0x1"}}}).encode(), mtime=0)
VALUES: list[Any] = [
    "0x" + DUMP.hex(),
    "0x" + DUMP[:-9].hex(),
    "0x" + json.dumps({"accounts": {ADDRESS: {"storage": {"0x1": 5}}}}).encode().hex(),
    *("0x", "0x0", "0x1", "0x2", "0x01", "0xzz", "2", "", "latest", "pending", "newHeads", "logs"),
    *(
        "0x" + "f" * 16,
        "0x" + "f" * 64,
        "0x" + "f" * 65,
        ADDRESS,
        HASH,
        "callTracer",
        "0x" + "5b" * 99,
    ),
    *("0x" + WALLET.addresses[0].hex(), None, True, False, 0, -1, 1, 1 << 70, 1.5, [], {}, [[]]),
]
# They would have the node mine on and on, beside the test.
UNTOLD = frozenset(("evm_setIntervalMining", "anvil_setIntervalMining"))


def value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.random()
    if depth < 3 and kind < 0.12:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if depth < 3 and kind < 0.35:
        names = [*MEMBERS, ADDRESS, "blocks", "forking", "topics", "address", "fromBlock"]
        names += ["depth", "tx_block_pairs", "timestamp"]
        chosen = chance.choices(names, k=chance.randrange(5))
        return {name: value(chance, depth + 1) for name in chosen}
    return copy.deepcopy(chance.choice(VALUES))


def changed(chance: random.Random, request: Any) -> Any:
    """A good request with something else somewhere inside."""
    request = copy.deepcopy(request)
    inner: Any = request
    while isinstance(inner, dict | list) and inner:
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        key = chance.choice(keys)
        if not isinstance(inner[key], dict | list) or chance.random() < 0.2:
            inner[key] = value(chance)
            return request
        inner = inner[key]
    return request


def text(chance: random.Random, document: Any) -> bytes:
    """A document as text, with some of its bytes changed or missing."""
    encoded = bytearray(json.dumps(document).encode())
    for _ in range(chance.randrange(3)):
        place = chance.randrange(len(encoded))
        encoded[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(encoded)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_malformed_requests_have_typed_answers(seed: int) -> None:
    chance = random.Random(seed)
    good = [request for each in archive().exchanges for request, _ in each.steps]
    chain = archive().chain()
    with chain, dev_chain(WALLET.addresses) as dev:
        for node, methods in (
            (Node(chain, LIMITS), METHODS),
            (DevNode(dev, WALLET, LIMITS), DEV_METHODS),
        ):
            names = sorted(methods.keys() - UNTOLD)
            session = Session(node)
            for _ in range(REQUESTS // 2):
                if chance.random() < 0.4:
                    request = changed(chance, chance.choice(good))
                else:
                    params = [value(chance) for _ in range(chance.randrange(4))]
                    method = chance.choice(names)
                    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
                if chance.random() < 0.1:
                    answer = handle(node, text(chance, request), session)
                    assert answer is None or json.loads(answer)
                    continue
                response = dispatch(node, request, session)
                if response is None:
                    continue
                assert ("result" in response) != ("error" in response)
                json.dumps(response)
                named = request.get("method") if isinstance(request, dict) else None
                assert not is_our_fault(response, str(named)), (request, response)
            session.notifications()
