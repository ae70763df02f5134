"""EIP-7823 (Osaka): MODEXP fails where one of its operands is longer than 1,024 bytes."""

from __future__ import annotations

import pytest
from tests.eips.precompiles import exact_answer
from tests.eips.rules import since

MODEXP = 5
GIVEN = 2_000_000
HUGE = 2**256 - 1


def sizes(base: int, exponent: int, modulus: int) -> bytes:
    """What MODEXP reads of operands that are all zeros: zeros without end follow its input."""
    return b"".join(size.to_bytes(32, "big") for size in (base, exponent, modulus))


@pytest.mark.parametrize("fork", since("osaka"))
@pytest.mark.parametrize(
    "long", [(1024, 1, 1), (1, 1024, 1), (1, 1, 1024), (1024, 1, 1024), (0, 1024, 0)]
)
def test_up_to_the_bound_it_runs(fork: str, long: tuple[int, int, int]) -> None:
    answer = exact_answer(fork, MODEXP, sizes(*long), given=GIVEN)
    assert (answer.succeeded, answer.output) == (True, bytes(long[2]))


@pytest.mark.parametrize("fork", since("osaka"))
@pytest.mark.parametrize(
    "long", [(1025, 1, 1), (1, 1025, 1), (1, 1, 1025), (0, 1025, 0), (HUGE, 0, 0), (0, HUGE, 1)]
)
def test_above_it_all_gas_is_taken(fork: str, long: tuple[int, int, int]) -> None:
    answer = exact_answer(fork, MODEXP, sizes(*long), given=GIVEN)
    assert (answer.succeeded, answer.gas, answer.output) == (False, GIVEN, b"")


@pytest.mark.parametrize("long", [(1025, 1, 1), (1, 1025, 1), (1, 1, 1025), (0, HUGE, 0)])
def test_before_there_was_no_bound(long: tuple[int, int, int]) -> None:
    answer = exact_answer("prague", MODEXP, sizes(*long), given=GIVEN)
    assert (answer.succeeded, answer.output) == (True, bytes(long[2]))
