"""For your own test suites: an oracle, generated blocks, explored schedules, conformance checks.

The Hypothesis strategies stand in `blockstm.testing.strategies`; they alone need Hypothesis.
"""

from blockstm.testing.conformance import check_state, check_vm
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
