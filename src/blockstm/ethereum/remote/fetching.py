"""`fetch_block`: a block of a node, with all that executing it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from blockstm import engine
from blockstm.errors import (
    BlockError,
    ConfigError,
    DecodeError,
    InputError,
    InvalidBlock,
    NodeError,
    NodeRefused,
    WrongAnswer,
)
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.codecs.fields import Fields, shown
from blockstm.ethereum.execution.verification import execute
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.ethereum.remote.batching import checked
from blockstm.ethereum.remote.client import NodeClient
from blockstm.ethereum.remote.reading import header_of
from blockstm.ethereum.remote.recording import Recorded
from blockstm.ethereum.remote.ways import WAYS
from blockstm.ethereum.witnesses.making import run_with_headers
from blockstm.messages import brief
from blockstm.state.protocol import State
from blockstm.types import Hash32
from blockstm.values import is_int

__all__ = ["fetch_block"]


def fetch_block(
    node: str | NodeClient,
    number: int,
    *,
    way: str | None = None,
    chain: Chain = MAINNET,
    on_progress: Callable[[str], None] = lambda told: None,
) -> BlockFile:
    """A block of a node, with all that executing it reads.

    It is executed here, on what the node tells of the state before it, and verified: what it comes
    to is what its header says, but for the state root.

    Args:
        node: its URL, or a `NodeClient`.
        number: of the block, 1 or more.
        way: how the node is asked: "witness", "proofs", "prestate" or "slots"; None: the first of
            these that it answers. The first two are proved by the header of the block before.
        chain: whose block it is.
        on_progress: told what is being done, in words.

    Raises:
        ConfigError, InputError: an argument is none of these.
        NodeRefused: the node has no such block, or answers in no way.
        NodeUnreachable, WrongAnswer: see `NodeClient.ask`.
    """
    client = node if isinstance(node, NodeClient) else NodeClient(node)
    if way is not None and way not in WAYS:
        raise ConfigError(f"a way is one of {', '.join(WAYS)}, not {brief(way)}")
    if not is_int(number) or not 1 <= number < 1 << 64:
        raise InputError(f"the number of a block is an int from 1, not {brief(number)}")
    block, parent = _block(client, number), _header(client, number - 1)
    if block.header.parent_hash != parent.hash:
        raise WrongAnswer(f"block {number - 1} is not the parent of block {number}")
    on_progress(f"block {number}: {len(block.transactions)} transactions")
    failures: list[NodeError] = []
    for name in WAYS if way is None else (way,):
        try:
            return _fetched(client, block, parent, chain, name, on_progress)
        except (NodeRefused, WrongAnswer) as error:
            on_progress(f"not by {name}: {error}")
            failures.append(error)
    try:
        raise failures[0] if way else NodeRefused(f"by no way: {failures[-1]}", 0)
    finally:
        del failures  # they have the error, whose traceback has this frame


def _fetched(
    client: NodeClient,
    block: Block,
    parent: Header,
    chain: Chain,
    name: str,
    on_progress: Callable[[str], None],
) -> BlockFile:
    recorded = Recorded(WAYS[name].state(client, parent.number, block))
    headers = _run(client, block, parent, chain, recorded)
    accounts = recorded.accounts()
    slots = sum(len(each.storage) for each in accounts.values())
    on_progress(f"by {name}: {len(accounts)} accounts, {slots} slots")
    hashes = {int(each.number) - 1: each.parent_hash for each in headers if each.number}
    hashes[int(parent.number)] = block.header.parent_hash
    return BlockFile(replace(block, senders=()), accounts, hashes)


def _run(
    client: NodeClient, block: Block, parent: Header, chain: Chain, state: State
) -> Sequence[Header]:
    """Execute the block; the headers that tell the hashes that it asks for.

    Raises:
        NodeError: the state could not be read.
        WrongAnswer: on this state the block does not do what its header says.
    """

    def run(on: Any, block_hashes: Mapping[int, Hash32], /) -> Any:
        return execute(
            engine.run, block, on, "evm", chain=chain, parent=parent, block_hashes=block_hashes
        )

    def header_before(header: Header) -> Header:
        found = _header(client, header.number - 1)
        if found.hash != header.parent_hash:
            raise WrongAnswer(f"block {found.number} is not the parent of block {header.number}")
        return found

    try:
        return run_with_headers(block, state, run, header_before)
    except InvalidBlock as error:
        raise WrongAnswer(f"on what the node tells, the block is invalid: {error}") from error
    except BlockError as error:
        if isinstance(error.__cause__, NodeError):
            raise _taken(error.__cause__, error) from error
        raise WrongAnswer(f"what the node tells is not all of it: {error}") from error


def _taken(cause: NodeError, error: BlockError) -> NodeError:
    """The cause of an error, which is to be the cause's from now on: both would be a cycle."""
    error.__cause__ = None
    return cause


def _block(client: NodeClient, number: int) -> Block:
    answer = client.ask("eth_getBlockByNumber", shown(number), True)
    if answer is None:
        raise NodeRefused(f"the node has no block {number}", 0)
    header_of(answer)
    try:
        block = Block.from_fields(Fields(answer, "block"))
    except DecodeError as error:
        raise WrongAnswer(f"what should be a block is none: {error}") from None
    if block.ommers is None:
        block = replace(block, ommers=_ommers(client, block, answer))
    if block.header.number != number or block.transactions_root != block.header.transactions_root:
        raise WrongAnswer(f"what should be block {number} is not what its header says")
    return block


def _ommers(client: NodeClient, block: Block, answer: Any) -> tuple[Header, ...]:
    number = shown(block.header.number)
    requests = [
        ("eth_getUncleByBlockNumberAndIndex", [number, shown(place)])
        for place in range(len(answer["uncles"]))
    ]
    return tuple(header_of(each)[0] for each in checked(client.ask_all(requests)))


def _header(client: NodeClient, number: int) -> Header:
    answer = client.ask("eth_getBlockByNumber", shown(number), False)
    if answer is None:
        raise NodeRefused(f"the node has no block {number}", 0)
    return header_of(answer)[0]
