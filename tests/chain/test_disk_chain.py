"""A chain in a folder: opened again, opened by others, and what it refuses to open."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import genesis, grown
from tests.ethereum.made import SENDERS

from blockstm.chain import Chain
from blockstm.chain.mdbx_store import MdbxStore
from blockstm.chain.opening import SCHEMA_KEY, SPEC
from blockstm.chain.store import Batch, Table
from blockstm.errors import (
    ConfigError,
    PrunedState,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreMismatch,
)
from blockstm.ethereum import Activation, fork_named
from blockstm.ethereum import Chain as Spec
from blockstm.ethereum.codecs.hashing import keccak

pytest.importorskip("mdbx")


def opened(folder: Path, **options: Any) -> Chain:
    return Chain.open(folder / "chain", workers=1, cache_bytes=1 << 20, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with a chain of ten blocks."""
    with opened(tmp_path, genesis=genesis()) as chain:
        grown(chain, 10)
    return tmp_path


def test_a_chain_is_opened_again_without_its_genesis(folder: Path) -> None:
    with opened(folder) as chain:
        assert chain.head.number == 10
        assert chain.spec == genesis().chain
        for number in range(11):
            state = chain.state_at(number)
            account = state.account(SENDERS[0])
            assert account is not None
            assert (account.nonce, state.root) == (number, chain.header(number).state_root)
        grown(chain, 3)
        assert chain.audit().is_sound
    with opened(folder, genesis=genesis()) as chain:
        assert chain.head.number == 13


def test_the_netsplit_block_is_kept_and_is_no_other_rule(tmp_path: Path) -> None:
    beginning = genesis()
    assert beginning.chain is not None
    told = replace(beginning, chain=replace(beginning.chain, netsplit_block=7))
    with opened(tmp_path, genesis=told) as chain:
        assert chain.spec.netsplit_block == 7
    with opened(tmp_path) as chain:
        assert chain.spec.netsplit_block == 7
    with opened(tmp_path, genesis=beginning) as chain:
        assert chain.spec == beginning.chain


READER = """
import sys
from blockstm.chain import Chain
from blockstm.errors import UsageError
sender = bytes.fromhex(sys.argv[2])
with Chain.open(sys.argv[1], read_only=True) as chain:
    held = chain.state_at(chain.head.hash)
    for line in sys.stdin:
        now = chain.state_at(chain.head.hash)
        print(held.account(sender).nonce, now.account(sender).nonce, now.number, flush=True)
    for refused in (lambda: chain.import_block(chain.block(1)), lambda: chain.set_head(held.hash)):
        try:
            refused()
        except UsageError as error:
            print(error, flush=True)
"""


def test_another_process_sees_each_commit_and_keeps_what_it_saw(folder: Path) -> None:
    with opened(folder) as chain:
        reader = subprocess.Popen(
            [sys.executable, "-c", READER, str(folder / "chain"), SENDERS[0].hex()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert reader.stdin is not None
        assert reader.stdout is not None
        told = []
        for _ in range(3):
            reader.stdin.write("look\n")
            reader.stdin.flush()
            told.append(reader.stdout.readline())
            grown(chain, 2)
        rest, _ = reader.communicate()
    assert told == ["10 10 10\n", "10 12 12\n", "10 14 14\n"]
    assert rest.count("read_only=True") == 2


def test_one_process_imports(folder: Path) -> None:
    with opened(folder), pytest.raises(StoreLocked):
        opened(folder)
    with opened(folder) as chain:
        assert chain.head.number == 10


def test_another_chain_is_refused(folder: Path) -> None:
    with pytest.raises(StoreMismatch, match="genesis"):
        opened(folder, genesis=genesis("london"))
    other = Spec(2, (Activation(fork_named("shanghai"), block=0),))
    with pytest.raises(StoreMismatch, match="rules"):
        opened(folder, spec=other)
    with opened(folder) as chain:
        assert chain.spec == genesis().chain


def test_a_coming_fork_is_taken(folder: Path) -> None:
    spec = genesis().chain
    assert spec is not None
    coming = Activation(fork_named("cancun"), timestamp=10**9)
    with opened(folder, spec=replace(spec, activations=(*spec.activations, coming))) as chain:
        assert chain.spec.activations[-1] == coming
    with opened(folder) as chain:
        assert chain.spec.activations[-1] == coming
    late = Activation(fork_named("cancun"), timestamp=1)
    with pytest.raises(StoreMismatch, match="rules"):
        opened(folder, spec=replace(spec, activations=(*spec.activations, late)))


@pytest.mark.parametrize(("schema", "advice"), [(99, "a newer one"), (2, "import"), (1, "import")])
def test_another_schema_is_refused(folder: Path, schema: int, advice: str) -> None:
    with MdbxStore.open(folder / "chain") as store:
        batch = Batch()
        batch.put(Table.META, SCHEMA_KEY, schema.to_bytes(8, "big"))
        store.commit(batch)
    for options in ({}, {"read_only": True}, {"genesis": genesis()}):
        with pytest.raises(StoreMismatch, match=f"schema {schema}.*{advice}"):
            opened(folder, **options)


def test_an_empty_folder_needs_a_genesis(tmp_path: Path) -> None:
    with pytest.raises(StoreMismatch, match="genesis="):
        opened(tmp_path)
    with pytest.raises(StoreError):
        opened(tmp_path / "nowhere", read_only=True)
    with opened(tmp_path, genesis=genesis()) as chain:
        assert chain.head.number == 0


def test_rules_that_cannot_be_read_are_damage(folder: Path) -> None:
    with MdbxStore.open(folder / "chain") as store:
        batch = Batch()
        batch.put(Table.META, SPEC, b"{}")
        store.commit(batch)
    with pytest.raises(StoreDamaged, match="rules"):
        opened(folder)


def test_an_audit_finds_what_does_not_fit(folder: Path) -> None:
    with MdbxStore.open(folder / "chain") as store:
        batch = Batch()
        key = keccak(SENDERS[1])
        account = store.snapshot().get(Table.ACCOUNTS, key)
        assert account is not None
        batch.put(Table.ACCOUNTS, key, account[:-1] + bytes([account[-1] ^ 1]))
        store.commit(batch)
    with opened(folder) as chain:
        found = chain.audit()
        assert not found.is_sound
        assert "accounts" in found.findings[0]


def test_an_archive_keeps_all_states(tmp_path: Path) -> None:
    with opened(tmp_path, genesis=genesis(), window=2, archive=True) as chain:
        grown(chain, 6)
        assert chain.state_at(0).number == 0
    with opened(tmp_path, window=2) as chain:
        grown(chain, 1)
        assert chain.oldest_state == 5
        with pytest.raises(PrunedState):
            chain.state_at(4)
        assert chain.audit().is_sound


@pytest.mark.parametrize(
    "options", [{"spec": "mainnet"}, {"window": 0}, {"workers": 0}, {"config": 5}], ids=repr
)
def test_an_option_that_cannot_be_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Chain.open(tmp_path / "chain", genesis(), **options)
    assert not (tmp_path / "chain").exists()


@pytest.mark.parametrize("cache_bytes", [-1, 1 << 63, 1 << 70, True, None, 1.5, "1"])
def test_a_cache_of_no_size_is_refused(tmp_path: Path, cache_bytes: Any) -> None:
    with pytest.raises(ConfigError, match="cache_bytes"):
        Chain.open(tmp_path, genesis(), cache_bytes=cache_bytes, workers=1)
