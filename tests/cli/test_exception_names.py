"""The official tests' names for what is wrong: each of them is known."""

from __future__ import annotations

from typing import Any

import pytest
from tests.ethereum.official import LARGE_ARCHIVES, SMALL_ARCHIVES, documents

from blockstm.cli.fixtures.exceptions import NAMES, reasons_named
from blockstm.errors import DecodeError
from blockstm.ethereum.rules.reasons import Reason

OTHERS = ("ethereum-tests-basic.tar.xz",)


def _names(value: Any) -> set[str]:
    """Every name that a document expects an exception by."""
    if isinstance(value, list):
        return set().union(*map(_names, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(_names, value.values()))
    for key, member in value.items():
        if key == "exception" or key.startswith("expectException"):
            members = member.values() if isinstance(member, dict) else [member]
            found |= {name for name in members if isinstance(name, str)}
    return found


def _check(archive: str) -> int:
    names = set().union(*(_names(document) for _, document in documents(archive)))
    for name in names:
        assert reasons_named(name)
    return len(names)


def test_the_names_of_the_smaller_archives() -> None:
    assert sum(map(_check, (*SMALL_ARCHIVES, *OTHERS))) > 80


@pytest.mark.slow
@pytest.mark.parametrize("archive", [*LARGE_ARCHIVES, "ethereum-tests-state.tar.xz"])
def test_the_names_of_all_archives(archive: str) -> None:
    _check(archive)


def test_every_reason_but_that_of_a_chain_s_own_rule_has_a_name() -> None:
    assert set().union(*NAMES.values()) == set(Reason) - {Reason.HEADER_RULE}


def test_several_names_mean_the_reasons_of_any() -> None:
    both = reasons_named("TransactionException.NONCE_IS_MAX|BlockException.INVALID_LOG_BLOOM")
    assert both == {Reason.NONCE_IS_MAX, Reason.LOGS_BLOOM}


@pytest.mark.parametrize("name", ["", "TR_Unheard", "TransactionException.UNHEARD_OF", "a|b"])
def test_an_unknown_name_is_an_error_that_shows_it(name: str) -> None:
    with pytest.raises(DecodeError, match="known as"):
        reasons_named(name)
