"""Fixtures of tests of nodes far away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.ethereum.far_node import FarNode, far_node


@pytest.fixture
def far(grown: Any) -> Iterator[FarNode]:
    """A server of the module's own node, ``grown``."""
    with far_node(grown) as found:
        yield found
