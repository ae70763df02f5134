"""From requests to responses: JSON-RPC 2.0, whatever carries it."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from blockstm.errors import BlockstmError
from blockstm.kinds import check_kind
from blockstm.messages import brief, did_you_mean
from blockstm.rpc.dev.node import DevNode
from blockstm.rpc.dev.table import DEV_METHODS
from blockstm.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LIMIT_EXCEEDED,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
    error_of,
)
from blockstm.rpc.methods.table import METHODS
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params
from blockstm.rpc.raw_json import encoded, raw_size, with_values
from blockstm.rpc.sessions import Session

__all__ = ["dispatch", "handle"]

_ABSENT: Final = object()
_DEPTH_MAX: Final = 64
_DEEPER: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
# A string that does not end goes on to the end of the text, so that the search takes linear time.
_BRACKET_OR_STRING: Final = re.compile(r'[\[\]{}]|"(?:[^"\\]+|\\.)*"?', re.DOTALL)


def handle(node: Node, body: bytes | str, session: Session | None = None) -> bytes | None:
    """The response to the text of a request, or of a batch; None where none is wanted.

    It raises nothing that a request is the reason of. Any thread may call it.

    Args:
        node: what is asked.
        body: JSON in UTF-8.
        session: of who asks, if more can be sent there later.
    """
    check_kind(node, Node, "node")
    limits = node.limits
    try:
        if len(body) > limits.request_bytes:
            raise RpcError(LIMIT_EXCEEDED, f"a request has at most {limits.request_bytes} bytes")
        request = _parsed(body)
    except RpcError as error:
        return encoded(_failed(None, error))
    response = _responses(node, request, session)
    if response is None:
        return None
    text = encoded(response)
    if len(text) > limits.response_bytes:
        return encoded(_too_large(node, response["id"] if isinstance(response, dict) else None))
    return text


def dispatch(node: Node, request: Any, session: Session | None = None) -> Any:
    """The response to a request, or the list of those to a batch, as JSON values.

    A request without an ``id`` is a notification: it is run, and the response is None.

    Args:
        node: what is asked.
        request: what was parsed from JSON: anything.
        session: see `handle`.
    """
    check_kind(node, Node, "node")
    return with_values(_responses(node, request, session))


def _responses(node: Node, request: Any, session: Session | None) -> Any:
    """Likewise; results may be JSON already."""
    if not isinstance(request, list):
        return _response(node, request, session)
    if not request:
        return _failed(None, RpcError(INVALID_REQUEST, "the batch is empty"))
    if len(request) > node.limits.batch:
        error = RpcError(LIMIT_EXCEEDED, f"a batch has at most {node.limits.batch} requests")
        return _failed(None, error)
    responses, held = [], 0
    for each in request:
        response = _response(node, each, session)
        if response is None:
            continue
        held += raw_size(response)
        if held > node.limits.response_bytes:  # before a hundred of them fill the memory
            return _too_large(node, None)
        responses.append(response)
    return responses or None


def _parsed(body: bytes | str) -> Any:
    try:
        text = body if isinstance(body, str) else body.decode()
        if _is_deep(text):
            raise ValueError(f"more than {_DEPTH_MAX} objects and lists within each other")
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, f"not JSON: {brief(str(error))}") from None


def _is_deep(text: str) -> bool:
    """Whether objects and lists stand too deep in each other for a parser that recurses."""
    if text.count("[") + text.count("{") <= _DEPTH_MAX:
        return False
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        depth += _DEEPER.get(found[0], 0)
        if depth > _DEPTH_MAX:
            return True
    return False


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _failed(identity: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "error": error.to_json()}


def _too_large(node: Node, identity: Any) -> dict[str, Any]:
    words = f"a response has at most {node.limits.response_bytes} bytes"
    return _failed(identity, RpcError(LIMIT_EXCEEDED, words))


def _response(node: Node, request: Any, session: Session | None) -> dict[str, Any] | None:
    identity = request.get("id", _ABSENT) if isinstance(request, dict) else None
    if isinstance(identity, bool | list | dict):
        return _failed(None, RpcError(INVALID_REQUEST, "an id is a string, a number or null"))
    try:
        result = _result(node, request, session)
    except RpcError as error:
        is_silent = identity is _ABSENT and error.code != INVALID_REQUEST
        return None if is_silent else _failed(None if identity is _ABSENT else identity, error)
    return None if identity is _ABSENT else {"jsonrpc": "2.0", "id": identity, "result": result}


def _result(node: Node, request: Any, session: Session | None) -> Any:
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'a request is an object whose jsonrpc is "2.0"')
    name, given = request.get("method"), request.get("params")
    if not isinstance(name, str):
        raise RpcError(INVALID_REQUEST, f"a method is a string, not {brief(name)}")
    methods = DEV_METHODS if isinstance(node, DevNode) else METHODS
    method = methods.get(name)
    if method is None:
        meant = did_you_mean(name, methods)
        raise RpcError(METHOD_NOT_FOUND, f"the method {brief(name)} does not exist{meant}")
    if not node.answers(name):
        raise RpcError(METHOD_NOT_FOUND, f"the method {name} is not available here")
    if method.in_session and session is None:
        raise RpcError(METHOD_NOT_FOUND, f"notifications not supported: {name} is for WebSocket")
    if given is None:
        given = []
    if not isinstance(given, list):
        raise RpcError(INVALID_PARAMS, "params are a list")
    if len(given) > method.takes:
        raise RpcError(INVALID_PARAMS, f"too many arguments, want at most {method.takes}")
    if len(given) < method.needs:
        raise RpcError(INVALID_PARAMS, f"missing value for required argument {len(given)}")
    try:
        params = Params(given, node.chain.head.number)
        return method.run(session if method.in_session else node, params)
    except BlockstmError as error:
        raise error_of(error) from error
    except RpcError:
        raise
    except Exception as error:
        raise RpcError(INTERNAL_ERROR, f"internal error: {type(error).__name__}") from error
