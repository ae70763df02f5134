"""What transactions did inside: ``debug_trace*``, with the tracers and options of go-ethereum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blockstm import engine
from blockstm.errors import DecodeError
from blockstm.ethereum import Block, ExecutedBlock
from blockstm.ethereum.calls.calling import calls_of
from blockstm.ethereum.calls.message import checked
from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.execution.preparation import prepare
from blockstm.ethereum.execution.traced import run_traced
from blockstm.ethereum.tracing import Tracer, Traces, tracer_named
from blockstm.executor import execute_block
from blockstm.messages import brief
from blockstm.rpc.errors import SERVER_ERROR, RpcError, call_error
from blockstm.rpc.messages import message_of_json
from blockstm.rpc.methods.execution import call_options
from blockstm.rpc.methods.transactions import found
from blockstm.rpc.node import Node
from blockstm.rpc.params import BlockName, Params
from blockstm.rpc.raw_json import RawJson
from blockstm.types import Hash32

__all__ = [
    "trace_block",
    "trace_block_by_hash",
    "trace_block_by_number",
    "trace_call",
    "trace_transaction",
]


def trace_block_by_number(node: Node, params: Params) -> Any:
    """``debug_traceBlockByNumber``."""
    return _traced_block(node, params.number(0), params)


def trace_block_by_hash(node: Node, params: Params) -> Any:
    """``debug_traceBlockByHash``."""
    return _traced_block(node, params.hash(0), params)


def trace_block(node: Node, params: Params) -> Any:
    """``debug_traceBlock``: of a block that is given as RLP, and stands on one of the chain."""
    block = Block.decode(params.data(0))
    tracer = _tracer(node, params.members(1, optional=True))
    return RawJson(_verified(node, block, tracer).json_by_hash())


def _traced_block(node: Node, which: BlockName, params: Params) -> Any:
    block = node.find(which)
    if block is None:
        raise RpcError(SERVER_ERROR, f"block {shown(which)} not found")
    tracer = _tracer(node, params.members(1, optional=True))
    return RawJson(_traces(node, block, tracer).json_by_hash())


def trace_transaction(node: Node, params: Params) -> Any:
    """``debug_traceTransaction``."""
    tracer = _tracer(node, params.members(1, optional=True))
    mined = found(node, params.hash(0))
    if mined is None:
        raise RpcError(SERVER_ERROR, "transaction not found")
    block = node.chain.block(mined.block_hash)
    return RawJson(_traces(node, block, tracer, [mined.index]).json(mined.index))


def trace_call(node: Node, params: Params) -> Any:
    """``debug_traceCall``."""
    config = params.members(2, optional=True)
    state, options = call_options(
        node, params, config.get("stateOverrides"), config.get("blockOverrides")
    )
    message = message_of_json(params.raw(0), "invalid argument 0")
    tracer = _tracer(node, config)
    result, traced = calls_of(state, **options).recorded(checked(message), tracer)
    if traced is None:
        raise call_error(result)
    return RawJson(tracer.json(traced))


def _traces(node: Node, block: Block, tracer: Tracer, only: Sequence[int] | None = None) -> Traces:
    """Those of a block of the chain, which was verified before: it is only run again."""
    parent_hash = _parent_of(block)
    senders = [sender for sender in block.senders if sender is not None]
    options = node.execution_options(parent_hash)
    prepared = prepare(block, node.state(parent_hash), senders=senders, **options)
    assert isinstance(prepared, BlockOnEvm), "it is the native EVM that was asked for"
    return _told(run_traced(prepared, tracer, engine.run, only))


def _verified(node: Node, block: Block, tracer: Tracer) -> Traces:
    """Those of a block that may be anybody's."""
    parent_hash = _parent_of(block)
    parent = node.chain.header(parent_hash)
    options = node.execution_options(parent_hash)
    state = node.state(parent_hash)
    return _told(execute_block(block, state, vm="evm", parent=parent, tracer=tracer, **options))


def _parent_of(block: Block) -> Hash32:
    if not block.header.number:
        raise RpcError(SERVER_ERROR, "genesis is not traceable")
    return block.header.parent_hash


def _told(executed: ExecutedBlock) -> Traces:
    assert isinstance(executed.traces, Traces), "there is a tracer"
    return executed.traces


def _tracer(node: Node, config: Mapping[str, Any]) -> Tracer:
    """The tracer of a request, within the limits."""
    limits = node.limits
    return _named(config).within(
        limits.traced_bytes, limits.trace_bytes, as_json=limits.response_bytes
    )


def _named(config: Mapping[str, Any]) -> Tracer:
    """The tracer that is asked for; without a name, the one that lists instructions."""
    name = config.get("tracer")
    if not name:
        return tracer_named("structLogger", config)
    options = config.get("tracerConfig")
    if not isinstance(name, str) or not isinstance(options, Mapping | type(None)):
        raise DecodeError(f"tracer: expected a name and its options, not {brief(name)}", "tracer")
    return tracer_named(name, options)
