"""What holds for all tests.

Hypothesis draws the same examples every time, and others with ``--hypothesis-profile search``. How
long a draw takes tells what else the machine does: none fails for that.
"""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from blockstm._native.evm.prepared import first_tier

settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")

TIERS = {"first": 2**32 - 1, "translated": 0}
"""How often code is entered or jumps before it is translated, by what ``--tier`` says."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--tier first``: code runs as it stands; ``translated``: all is translated at once."""
    parser.addoption("--tier", choices=sorted(TIERS), help="the one that the EVM runs code in")


def pytest_configure(config: pytest.Config) -> None:
    """The tier holds for the whole process, before any test runs. So does that Ctrl-C interrupts.

    A shell has what it starts in the background ignore SIGINT, and all processes of the tests would
    inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if tier := config.getoption("--tier"):
        first_tier(hot_after=TIERS[tier])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``-m alone...`` files without the mark are not imported: most have none."""
    if not config.option.markexpr.startswith("alone") or collection_path.suffix != ".py":
        return None
    return None if "mark.alone" in collection_path.read_text() else True
