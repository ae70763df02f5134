"""Every EIP that the sources name has a file of tests here, or a reason why it has none."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from tests.eips import rules

from blockstm.executor import explore
from blockstm.testing import random_schedules

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"
ENDINGS = {".py", ".pyi", ".pyx", ".pxd", ".h", ".hpp", ".cpp"}
FILES = sorted(HERE.glob("test_eip_*.py"))
# "EIP-7002", and what may follow it in a list: "EIP-7002, 7251 and 8282".
NAMED = re.compile(r"\bEIPs?[- ]?(\d+(?:, \d+)*(?: and \d+)?)")
WITHOUT_RULES = {
    55: "how an address is written with a checksum: no block depends on it",
    158: "the name that go-ethereum has for Spurious Dragon, whose rules EIP-161 has",
    191: "how a wallet signs a message that is no transaction: no block depends on it",
    712: "how a wallet signs structured data that is no transaction: no block depends on it",
    1013: "the list of Constantinople's EIPs, each of which has its own file",
    1186: "what a node answers when it is asked for a proof: no block depends on it",
    1474: "the methods and errors of JSON-RPC: no block depends on them",
    1716: "the list of Petersburg's EIPs: it takes EIP-1283 back, whose file says so",
    1898: "how a request names a block: no block depends on it",
    2124: "how nodes tell each other their forks: no block depends on it",
    3155: "how a trace of the EVM is written down: what is traced depends on none",
    6122: "the forks by time in what nodes tell each other: see EIP-2124",
    7495: "containers of SSZ with fields left out, in the stateless input: see EIP-8025",
    7910: "how a node tells its forks: no block depends on it",
    7916: "lists of SSZ that grow, in the stateless input: see EIP-8025",
    8025: "how a block and its witness are handed to a prover: what they mean is as without",
}


def number_of(path: Path) -> int:
    """Which EIP a file is about, by its name."""
    return int(path.stem.split("_")[2])


def named() -> set[int]:
    """The numbers that the sources name, those that Cython writes left out."""
    found: set[int] = set()
    for path in SOURCES.rglob("*"):
        is_made = path.suffix == ".cpp" and path.with_suffix(".pyx").exists()
        if path.suffix in ENDINGS and not is_made:
            for listed in NAMED.findall(path.read_text()):
                found |= {int(number) for number in re.findall(r"\d+", listed)}
    return found


def test_every_eip_has_a_file_or_a_reason() -> None:
    assert len(named()) > 70
    assert named() - set(map(number_of, FILES)) == set(WITHOUT_RULES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_says_which_eip_it_is_about(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert re.match(rf"EIP-{number_of(path)}\b", text)


@pytest.mark.parametrize("fork", ["frontier", "byzantium", "cancun", "osaka"])
@pytest.mark.parametrize("source", ["1 7 SLOAD ADD 7 SSTORE", "CALLER BALANCE", "STOP"])
def test_a_case_that_runs_too_early_runs_again(
    monkeypatch: pytest.MonkeyPatch, fork: str, source: str
) -> None:
    """What the bank pays and stores is what a case depends on: there are conflicts to get wrong."""
    seen: list[tuple[Any, ...]] = []
    compare = rules.assert_serial_equivalent

    def remember(steps: Any, state: Any, vm: Any, **options: Any) -> Any:
        seen.append((steps, state.copy(), vm))
        return compare(steps, state, vm, **options)

    monkeypatch.setattr(rules, "assert_serial_equivalent", remember)
    rules.call(fork, source, storage={7: 1}, balance=3)
    (block,) = seen
    result = explore(*block, choices=next(random_schedules(rules.SEED))).result
    assert result is not None
    assert result.stats.incarnations > result.stats.transactions
