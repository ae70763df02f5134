"""Two values made one: sums, differences, products, and one behind the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

from blockstm.ai.building import Builder
from blockstm.ai.compiling.quantising import computed
from blockstm.ai.compiling.values import Constant, Integers, Joined, Node, Product, Sum

__all__ = ["add", "concatenate", "divide", "multiply", "subtract"]


def add(builder: Builder, node: Node) -> Any:
    """Add: of two values, or of one and a number."""
    found = _mapped(node, lambda left, right: left + right)
    if found is not None:
        return found
    left, right = _both(builder, node)
    if left.shape != right.shape:
        raise node.fail(f"both are of one shape, not {left.shape} and {right.shape}")
    return Sum(left, right, left.shape)


def subtract(builder: Builder, node: Node) -> Integers:
    """Sub: of one value and a number, or of functions of one value."""
    return _only_mapped(node, lambda left, right: left - right)


def divide(builder: Builder, node: Node) -> Integers:
    """Div: as Sub."""
    return _only_mapped(node, lambda left, right: left / right)


def multiply(builder: Builder, node: Node) -> Any:
    """Mul: of two values of which one may have a number for each row of the other."""
    found = _mapped(node, lambda left, right: left * right)
    if found is not None:
        return found
    left, right = _both(builder, node)
    if prod(left.shape) < prod(right.shape):
        left, right = right, left
    if not _has_its_rows(left.shape, right.shape):
        raise node.fail(
            f"both are of one shape, or the smaller has the first sizes of the larger and then "
            f"ones, as [1, C, 1, 1] of [1, C, H, W]; not {left.shape} and {right.shape}"
        )
    return Product(left, right, left.shape)


def concatenate(builder: Builder, node: Node) -> Joined:
    """Concat: the parts are brought to one scale where the result is quantised."""
    parts = tuple(computed(builder, node, at) for at in range(len(node.inputs)))
    rank = len(parts[0].shape)
    axis = int(node.attributes["axis"])
    if not -rank <= axis < rank or axis % rank == 0:
        raise node.fail(f"axis {axis} is one behind the batch")
    axis %= rank
    others = {(*part.shape[:axis], *part.shape[axis + 1 :]) for part in parts}
    if len(others) != 1 or any(len(part.shape) != rank for part in parts):
        raise node.fail(f"all but axis {axis} are equal: {[part.shape for part in parts]}")
    size = sum(part.shape[axis] for part in parts)
    shape = (*parts[0].shape[:axis], size, *parts[0].shape[axis + 1 :])
    return Joined(parts, prod(shape[:axis]), shape)


def _both(builder: Builder, node: Node) -> tuple[Integers, Integers]:
    """Both inputs as int8.

    Raises:
        ModelError: one is not, or it is a tensor of the model.
    """
    if any(isinstance(given, Constant) for given in node.inputs):
        raise node.fail("a tensor of the model is one number: a bias is part of Gemm or Conv")
    left, right = (computed(builder, node, at) for at in (0, 1))
    return left, right


def _has_its_rows(whole: tuple[int, ...], rows: tuple[int, ...]) -> bool:
    """Whether the second begins with sizes of the first, and is ones from there on."""
    if len(whole) != len(rows):
        return False
    place = 0
    while place < len(rows) and rows[place] == whole[place]:
        place += 1
    return all(size == 1 for size in rows[place:])


def _mapped(node: Node, joined: Callable[[float, float], float]) -> Integers | None:
    """Two inputs that are functions of one value, or a number of the model: the rest of a table.

    None: they are not.
    """
    left, right = node.given(0), node.given(1)
    if _is_number(right):
        number = float(right.numbers.reshape(()))
        return node.mapped(lambda real: joined(real, number), 0)
    if _is_number(left):
        number = float(left.numbers.reshape(()))
        return node.mapped(lambda real: joined(number, real), 1)
    if not isinstance(left, Integers) or not isinstance(right, Integers):
        return None
    if (left.value, left.scale, left.shape) != (right.value, right.scale, right.shape):
        return None
    first, second = left, right
    return replace(left, functions=(lambda real: joined(first.apply(real), second.apply(real)),))


def _only_mapped(node: Node, joined: Callable[[float, float], float]) -> Integers:
    found = _mapped(node, joined)
    if found is None:
        raise node.fail("it is of one computed value and one number of the model")
    return found


def _is_number(given: Any) -> bool:
    return isinstance(given, Constant) and given.numbers.size == 1
