"""titanoboa on this EVM: what its documentation shows. Run by ``make test-peers``."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boa
import pytest
from boa.environment import Env
from boa.vm.gas_meters import NoGasMeter, ProfilingGasMeter
from boa.vm.py_evm import deregister_raw_precompile, register_raw_precompile
from eth.exceptions import WriteProtection

from blockstm.compat.boa import Evm, use

SOURCE = """
x: public(uint256)
seen: HashMap[address, uint256]

event Stored:
    value: uint256

@external
def store(amount: uint256) -> uint256:
    next_value: uint256 = amount + 1
    assert next_value < 100, "too much"
    self.x = next_value
    self.seen[msg.sender] = next_value
    log Stored(value=next_value)
    return next_value

@external
def reckless(amount: uint256):
    assert amount < 10  # dev: far too much

@external
@payable
def paid() -> uint256:
    return msg.value

@internal
def _doubled(amount: uint256) -> uint256:
    return amount * 2

@external
@view
def now() -> uint256:
    return block.timestamp
"""
CALLER = """
interface Store:
    def store(amount: uint256) -> uint256: nonpayable

@external
def forward(target: address, amount: uint256) -> uint256:
    return extcall Store(target).store(amount)

@external
def copied(target: address) -> address:
    return create_minimal_proxy_to(target)
"""
FACTORY = """
@external
def made(blueprint: address) -> address:
    return create_from_blueprint(blueprint)
"""


@pytest.fixture(autouse=True)
def env() -> Iterator[Env]:
    with boa.swap_env(Env()) as env:
        yield use(env)


@pytest.fixture
def store() -> object:
    return boa.loads(SOURCE)


def test_it_is_this_evm(env: Env) -> None:
    assert type(env.evm) is Evm


def test_a_contract_is_deployed_and_called(store: object) -> None:
    assert store.store(4) == 5
    assert store.x() == 5
    assert store._storage.x.get() == 5


def test_a_mapping_is_found_by_its_hashes(store: object) -> None:
    store.store(4)
    assert store._storage.seen.get() == {"eoa": 5}  # its alias


def test_logs_are_decoded(store: object) -> None:
    store.store(4)
    [log] = store.get_logs()
    assert (log.value, log.address) == (5, store.address)


def test_a_revert_says_where_and_with_which_locals(store: object) -> None:
    with boa.reverts("too much"):
        store.store(200)
    with pytest.raises(boa.BoaError) as caught:
        store.store(200)
    said = str(caught.value)
    assert 'assert next_value < 100, "too much"' in said
    assert "next_value=201" in said
    frame = caught.value.stack_trace.last_frame
    assert frame.error_detail == "user revert with reason"
    assert caught.value.call_trace.is_error


def test_a_dev_reason_is_found(store: object) -> None:
    with boa.reverts(dev="far too much"):
        store.reckless(11)


def test_a_failure_below_is_told_with_both_frames(store: object) -> None:
    caller = boa.loads(CALLER)
    assert caller.forward(store.address, 4) == 5
    with pytest.raises(boa.BoaError) as caught:
        caller.forward(store.address, 200)
    assert "next_value=201" in str(caught.value)
    assert "Store(target).store(amount)" in str(caught.value)
    trace = caller.call_trace()
    assert [child.is_error for child in trace.children] == [True]
    assert trace.children[0].depth == 1


def test_logs_of_calls_below_are_in_order(store: object) -> None:
    caller = boa.loads(CALLER)
    caller.forward(store.address, 4)
    assert len(caller._computation.get_raw_log_entries()) == 1
    assert caller._computation._log_entries == []


def test_internal_functions_and_expressions_run(store: object) -> None:
    store.store(4)
    assert store.internal._doubled(21) == 42
    assert store.eval("self.x + 1") == 6
    assert store.store(6) == 7  # its own code is there again


def test_value_is_paid(store: object) -> None:
    boa.env.set_balance(boa.env.eoa, 100)
    assert store.paid(value=7) == 7
    assert boa.env.get_balance(store.address) == 7
    assert boa.env.get_balance(boa.env.eoa) == 93


def test_an_anchor_takes_back_state_and_block(store: object) -> None:
    before = store.now()
    with boa.env.anchor():
        store.store(4)
        boa.env.time_travel(seconds=1_000)
        assert store.now() == before + 1_000
    assert (store.x(), store.now()) == (0, before)


def test_a_simulated_call_changes_nothing(store: object) -> None:
    assert store.store(4, simulate=True) == 5
    assert store.x() == 0


def test_another_sender_is_pranked(store: object) -> None:
    other = boa.env.generate_address()
    with boa.env.prank(other):
        store.store(4)
    assert store._storage.seen.get() == {other: 5}


def test_a_static_call_changes_nothing(store: object) -> None:
    data = store.store.prepare_calldata(4)
    done = boa.env.execute_code(store.address, data=data, is_modifying=False)
    assert isinstance(done.error, WriteProtection)
    assert store.x() == 0


def test_addresses_are_those_of_the_senders_nonce(env: Env) -> None:
    first, second = boa.loads(SOURCE), boa.loads(SOURCE)
    assert first.address != second.address
    given = boa.env.generate_address()
    third = boa.loads(SOURCE, override_address=given)
    assert third.address == given
    assert third.store(1) == 2


def test_proxies_and_blueprints_are_known(store: object) -> None:
    caller = boa.loads(CALLER)
    proxy = boa.env.lookup_contract(caller.copied(store.address))
    assert proxy.store(8) == 9
    blueprint = boa.loads_partial(SOURCE).deploy_as_blueprint()
    made = boa.env.lookup_contract(boa.loads(FACTORY).made(blueprint.address))
    assert made.store(2) == 3


def test_gas_is_counted_and_profiled(store: object) -> None:
    boa.env.reset_gas_used()
    store.store(4)
    computation = store._computation
    assert boa.env.get_gas_used() == computation.get_gas_used() > 40_000
    assert sum(computation._gas_meter._gas_used_of.values()) == computation.get_gas_used()
    store.store(4)
    assert computation.net_gas_used > store._computation.net_gas_used
    with boa.env.gas_meter_class(NoGasMeter):
        before = boa.env.get_gas_used()
        store.store(4)
        assert boa.env.get_gas_used() == before
    with boa.env.gas_meter_class(ProfilingGasMeter):
        store.store(4)


def test_an_exhausted_call_fails(store: object) -> None:
    with boa.reverts():
        store.store(4, gas=2_000)


def test_a_precompile_of_titanoboa_is_called(env: Env) -> None:
    place = boa.env.generate_address()

    def reversing(computation: Any) -> Any:
        computation.consume_gas(1_000, reason="it is long")
        computation.output = computation.msg.data_as_bytes[::-1]
        return computation

    register_raw_precompile(place, reversing)
    try:
        done = boa.env.raw_call(place, data=b"abc")
        assert (done.output, done.get_gas_used()) == (b"cba", 1_000)
    finally:
        deregister_raw_precompile(place)
    assert boa.env.raw_call(place, data=b"abc").output == b""


def test_a_nodes_chain_goes_on_here() -> None:
    """Forked from a node of our own, with what it has and without changing it."""
    command = [sys.executable, "-u", "-m", "blockstm", "rpc", "--dev", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        try:
            lines = iter(node.stdout.readline, "")
            first = next(lines).split()[0]
            url = next(line.split()[-1] for line in lines if "http://" in line)
            boa.fork(url, block_identifier="latest", cache_dir=None, allow_dirty=True)
            use_of_it = boa.env
            assert use_of_it.evm.is_forked
            rich = use_of_it.get_balance(first)
            assert rich > 10**18
            with use_of_it.prank(first):
                store = boa.loads(SOURCE)
                assert store.store(4) == 5
            assert use_of_it.evm.patch.chain_id == 31337
        finally:
            node.terminate()


def test_the_example_of_the_page_runs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "compat.md").read_text()
    [example] = re.findall(r"^```python boa\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(compile(example, "compat.md", "exec"), {})


TOKEN = """
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
"""


def test_a_token_is_dealt() -> None:
    token = boa.loads(TOKEN)
    receiver = boa.env.generate_address()
    boa.deal(token, receiver, 100)
    boa.deal(token, receiver, 70)
    assert (token.balanceOf(receiver), token.totalSupply()) == (70, 70)
    boa.deal(token, boa.env.generate_address(), 5, adjust_supply=False)
    assert token.totalSupply() == 70


def test_a_patched_opcode_is_told_of_the_stack_before_it() -> None:
    contract = boa.loads(SOURCE)
    slots = []
    boa.patch_opcode(0x55, lambda computation: slots.append(computation._stack.values[-2:]))
    try:
        contract.store(4)
    finally:
        boa.vm.py_evm._opcode_overrides.clear()
    assert [5, 0] in slots
    assert contract.x() == 5


def test_an_error_shows_the_storage_before_it_was_taken_back() -> None:
    contract = boa.loads("""
counter: public(uint256)
@external
def add():
    self.counter += 1
    self.counter += 1
    assert self.counter < 2
""")
    with pytest.raises(boa.BoaError) as told:
        contract.add()
    assert "<storage: counter=2>" in str(told.value)
    assert contract.counter() == 0
