"""Loads other people's packages that the tests need, so that forks need not. No test of its own."""

import cryptography.hazmat.primitives.asymmetric.ec
import eth_typing
import gmpy2
import hypothesis.strategies
import pytest

__all__ = ["cryptography", "eth_typing", "gmpy2", "hypothesis", "pytest"]
