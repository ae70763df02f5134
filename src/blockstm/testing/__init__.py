"""For your own test suites: an oracle, generated blocks, explored schedules, conformance checks.

The Hypothesis strategies stand in `blockstm.testing.strategies`; they alone need Hypothesis.

Imports point down::

    conformance         `check_vm` and `check_state`
    ethereum_states     `check_ethereum_state`
    strategies          Hypothesis strategies of blocks, states and schedules
    merged_state_tests  transactions from many state tests in one block
    conflicts           transactions that conflict on purpose
    serial              `assert_serial_equivalent`
    native_scripts      scripts as a native VM, with the same in Python beside it
    scripts             transactions as little programs
    oracle              is what the engine returned what the reference returned?
    schedules           which worker runs next, enumerated, drawn, shrunk, replayed
"""

from blockstm.testing.conformance import check_state, check_vm
from blockstm.testing.ethereum_states import check_ethereum_state
from blockstm.testing.native_scripts import NativeScripts
from blockstm.testing.oracle import Ran, assert_same_result, difference, identical, run
from blockstm.testing.schedules import (
    enumerate_schedules,
    random_schedules,
    schedule_story,
    shrink_schedule,
)
from blockstm.testing.scripts import NOTHING, ScriptError, scripted_vm
from blockstm.testing.serial import assert_serial_equivalent

__all__ = [
    "NOTHING",
    "NativeScripts",
    "Ran",
    "ScriptError",
    "assert_same_result",
    "assert_serial_equivalent",
    "check_ethereum_state",
    "check_state",
    "check_vm",
    "difference",
    "enumerate_schedules",
    "identical",
    "random_schedules",
    "run",
    "schedule_story",
    "scripted_vm",
    "shrink_schedule",
]
