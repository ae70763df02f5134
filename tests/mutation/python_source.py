"""All mutants of a Python module in one syntax tree, each behind a switch. No test of its own.

An expression becomes ``changed if __mutant__(3) else expression``, a statement that mutant 4 leaves
out ``if not __mutant__(4): statement``. So one process holds them all.
"""

from __future__ import annotations

import ast
from collections import Counter
from copy import deepcopy
from typing import Any

from tests.mutation.mutant import Mutant

__all__ = ["switched"]

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.Pow: ast.Mult,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


def switched(path: str, text: str, first: int) -> tuple[ast.Module, list[Mutant]]:
    """A module with all mutants in it, numbered from ``first``, and what they are."""
    switches = _Switches(path, text, first)
    tree = switches.visit(ast.parse(text))
    return ast.fix_missing_locations(tree), switches.mutants


class _Switches(ast.NodeTransformer):
    def __init__(self, path: str, text: str, first: int) -> None:
        self.path, self.first = path, first
        self.lines = text.encode().splitlines()
        self.mutants: list[Mutant] = []
        self.alike: Counter[tuple[str, str]] = Counter()

    # ---- what stays as it is

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.body = self._body(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        node.body = self._body(node.body)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        return node  # words, for people

    def visit_Assign(self, node: ast.Assign) -> Any:
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            return node
        node.value = self.visit(node.value)
        return node

    def visit_match_case(self, node: ast.match_case) -> Any:
        node.body = self._body(node.body)
        return node

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        visited: list[ast.stmt] = []
        for statement in body:
            made = self.visit(statement)
            visited += made if isinstance(made, list) else [made]
        return visited

    # ---- statements

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Constant):
            return node  # a docstring
        return self._left_out(node)

    def visit_Raise(self, node: ast.Raise) -> Any:
        return self._left_out(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        before = deepcopy(node)
        other = COMPUTED.get(type(node.op))
        kept = self._left_out(node)
        if other is None:
            return kept
        changed = deepcopy(before)
        changed.op = other()
        return ast.If(self._switch(before, ast.unparse(changed)), [changed], [kept])

    def _left_out(self, node: ast.stmt) -> ast.stmt:
        test = ast.UnaryOp(ast.Not(), self._switch(node, "pass"))
        return ast.If(test, [self.generic_visit(node)], [ast.Pass()])  # type: ignore[list-item]  # a statement stays one

    def visit_If(self, node: ast.If) -> Any:
        test = node.test
        node.body, node.orelse = self._body(node.body), self._body(node.orelse)
        changed = [ast.Constant(True), ast.Constant(False)]
        node.test = self._choice(test, self.visit(deepcopy(test)), changed)
        return node

    # ---- expressions

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        before = deepcopy(node)
        changed = [deepcopy(before.body), deepcopy(before.orelse)]
        return self._choice(before, self.generic_visit(node), changed)

    def visit_Compare(self, node: ast.Compare) -> Any:
        before = deepcopy(node)
        changed = []
        for place, operator in enumerate(before.ops):
            if type(operator) in COMPARED:
                changed.append(deepcopy(before))
                changed[-1].ops[place] = COMPARED[type(operator)]()
        return self._choice(before, self.generic_visit(node), changed)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        before = deepcopy(node)
        changed = deepcopy(before)
        changed.op = ast.And() if isinstance(before.op, ast.Or) else ast.Or()
        return self._choice(before, self.generic_visit(node), [changed])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        before = deepcopy(node)
        return self._choice(before, self.generic_visit(node), [deepcopy(before.operand)])

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        before = deepcopy(node)
        other = COMPUTED.get(type(node.op))
        if other is None:
            return self.generic_visit(node)
        changed = deepcopy(before)
        changed.op = other()
        return self._choice(before, self.generic_visit(node), [changed])

    def visit_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool):
            return self._choice(node, node, [ast.Constant(not node.value)])
        if isinstance(node.value, int):
            near = [node.value + 1] + [node.value - 1] * (node.value > 1)
            return self._choice(node, node, [ast.Constant(number) for number in near])
        return node

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id in NAMES and isinstance(node.ctx, ast.Load):
            return self._choice(node, node, [ast.Name(NAMES[node.id], ast.Load())])
        return node

    def _choice(self, before: ast.expr, visited: Any, changed: list[Any]) -> ast.expr:
        """The expression with its mutants before it."""
        for each in changed:
            visited = ast.IfExp(self._switch(before, ast.unparse(each)), each, visited)
        return visited  # type: ignore[no-any-return]  # what a visit gives

    def _switch(self, node: Any, after: str) -> ast.expr:
        """What asks whether a mutant is on that has other text in place of a node."""
        number = self.first + len(self.mutants)
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        begin, end = lines[0][: node.col_offset], lines[-1][node.end_col_offset :]
        old = " ".join(b" ".join(lines).decode().split())
        new = " ".join((begin + after.encode() + end).decode().split())
        self.alike[old, new] += 1
        which = self.alike[old, new]
        self.mutants.append(Mutant(number, self.path, node.lineno, old, new, which))
        return ast.Call(ast.Name("__mutant__", ast.Load()), [ast.Constant(number)], [])
