"""Chunks that nobody uses pass from engines to tries and back, within a bound, on any threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from blockstm import Config, Executor
from blockstm._native.base import chunks
from blockstm._native.trie.tries import Trie
from blockstm.bench.engine.candidates import engine_input
from blockstm.bench.engine.workloads import workload_named

KEPT_MAX = 128 << 20


def a_block(transactions: int = 20_000) -> Sequence[Any]:
    workload = workload_named("payments", accounts=10_000, transactions=transactions)
    return engine_input(workload, "kernel", turns=0)


def a_trie() -> bytes:
    trie = Trie()
    for number in range(20_000):
        trie.set(number.to_bytes(32, "little"), bytes(100) + b"\1")
    root: bytes = trie.root()
    return root


def test_what_a_block_needed_is_kept_for_others_and_can_be_given_back() -> None:
    chunks.give_back()
    assert chunks.kept_bytes() == 0
    block = a_block()
    with Executor(Config(workers=2)) as executor:
        expected = executor.execute_block(*block).writes
        kept = chunks.kept_bytes()
        assert 0 < kept <= KEPT_MAX
        for _ in range(3):
            assert executor.execute_block(*block).writes == expected
        chunks.give_back()
        assert chunks.kept_bytes() == 0
        assert executor.execute_block(*block).writes == expected


def test_a_trie_takes_what_a_block_has_left() -> None:
    with Executor(Config(workers=2)) as executor:
        executor.execute_block(*a_block())
        before = chunks.kept_bytes()
        trie = Trie()
        for number in range(20_000):
            trie.set(number.to_bytes(32, "little"), bytes(100) + b"\1")
        assert chunks.kept_bytes() < before
        root = trie.root()
        del trie
        assert chunks.kept_bytes() >= before
    chunks.give_back()
    assert a_trie() == root


def test_blocks_and_tries_at_once_are_what_they_are_alone() -> None:
    block, root = a_block(5_000), a_trie()
    with Executor(Config(workers=1)) as executor:
        expected = executor.execute_block(*block).writes

    def run() -> None:
        with Executor(Config(workers=2)) as executor:
            for _ in range(4):
                assert executor.execute_block(*block).writes == expected
                assert a_trie() == root
                chunks.give_back()

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(run) for _ in range(4)]:
            each.result()
    assert chunks.kept_bytes() <= KEPT_MAX


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_child_has_a_store_of_its_own() -> None:
    block = a_block(5_000)
    with Executor(Config(workers=1)) as executor:
        expected = executor.execute_block(*block).writes
    kept = chunks.kept_bytes()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            chunks.give_back()
            with Executor(Config(workers=2)) as executor:
                code = 0 if executor.execute_block(*block).writes == expected else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert chunks.kept_bytes() == kept
