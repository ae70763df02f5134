"""``blockstm statetest``: each verdict, what it says of it, exit statuses, what is skipped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fixture_files import ETHER, block_test, state_test, write
from tests.ethereum.documents import KEY, hex_of

from blockstm.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["statetest", *map(str, arguments)])
    captured = capsys.readouterr()
    assert captured.err == "" or status == 2
    return status, captured.out + captured.err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    status, text = run(capsys, "--json", *arguments)
    return status, json.loads(text)


def spoilt(test: dict[str, Any], *path: Any, value: Any) -> dict[str, Any]:
    """The test with one member changed, or removed if ``value`` is None."""
    inner: Any = test
    for name in path[:-1]:
        inner = inner[name]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return {"transfers": test}


@pytest.mark.parametrize("vm", ["evm", "py-evm"])
@pytest.mark.parametrize("is_signed", [True, False])
def test_a_good_test_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, vm: str, is_signed: bool
) -> None:
    path = write(tmp_path, {"transfers": state_test(is_signed=is_signed)})
    assert run(capsys, "--vm", vm, path) == (0, "3 passed, 0 failed\n")


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_secret_key_says_who_the_sender_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, is_signed: bool
) -> None:
    """The oldest tests have it in place of the sender."""
    test = state_test(is_signed=is_signed)
    del test["transaction"]["sender"]
    test["transaction"]["secretKey"] = hex_of(KEY.to_bytes())
    assert run(capsys, write(tmp_path, {"transfers": test})) == (0, "3 passed, 0 failed\n")


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, b"\x01" * 31])
def test_a_secret_key_that_is_none_is_malformed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, key: bytes
) -> None:
    test = state_test(is_signed=False)
    del test["transaction"]["sender"]
    test["transaction"]["secretKey"] = hex_of(key)
    status, verdict = run_json(capsys, write(tmp_path, {"transfers": test}))
    assert status == 1
    assert "transaction.secretKey: " in verdict["failures"][0]["got"]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, workers: int
) -> None:
    path = write(tmp_path, {"transfers": state_test()})
    assert run(capsys, "--workers", workers, path) == (0, "3 passed, 0 failed\n")


POST = ("post", "Berlin", 0)
NO_FUNDS = "TransactionException.INSUFFICIENT_ACCOUNT_FUNDS"


@pytest.mark.parametrize(
    ("place", "value", "expected", "got"),
    [
        ((*POST, "hash"), "0x" + "12" * 32, "state root 0x1212", "0x"),
        ((*POST, "logs"), "0x" + "12" * 32, "logs hash 0x1212", "0x1dcc4de8"),
        ((*POST, "expectException"), NO_FUNDS, NO_FUNDS, "a transaction that is valid"),
        ((*POST, "receipt"), {"cumulativeGasUsed": "0x1"}, "gas used 1", "21000"),
        (
            (*POST, "receipt"),
            {"cumulativeGasUsed": "0x5208", "status": False},
            "status 0",
            "1",
        ),
        (("transaction", "sender"), "0x" + "12" * 20, "sender 0x1212", "0x"),
        (("post", "Berlin", 2, "expectException"), None, "no refusal", "insufficient_funds: "),
        (
            ("post", "Berlin", 2, "expectException"),
            "TransactionException.NONCE_IS_MAX",
            "TransactionException.NONCE_IS_MAX",
            "insufficient_funds: ",
        ),
    ],
)
def test_each_expectation_that_is_not_met_fails(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    place: tuple[Any, ...],
    value: Any,
    expected: str,
    got: str,
) -> None:
    path = write(tmp_path, spoilt(state_test(), *place, value=value))
    status, verdict = run_json(capsys, path)
    assert status == 1
    assert (verdict["passed"], verdict["failed"]) in ((2, 1), (0, 3))
    failure = verdict["failures"][0]
    assert list(failure) == ["test", "file", "fork", "index", "expected", "got"]
    assert failure["expected"].startswith(expected)
    assert failure["got"].startswith(got)
    assert (failure["test"], failure["file"], failure["fork"]) == (
        "transfers",
        str(path),
        "Berlin",
    )


def test_one_of_several_exceptions_is_enough(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    either = f"TransactionException.NONCE_IS_MAX|{NO_FUNDS}"
    test = spoilt(state_test(), "post", "Berlin", 2, "expectException", value=either)
    assert run(capsys, write(tmp_path, test))[0] == 0


def test_a_failure_is_one_line_that_says_what_differs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    test = state_test()
    test["post"]["Berlin"][1]["hash"] = "0x" + "12" * 32
    test["post"]["Berlin"][1]["state"] = test["post"]["Berlin"][0]["state"]
    path = write(tmp_path, {"transfers": test})
    status, text = run(capsys, path)
    failure, *sums = text.splitlines()
    assert (status, sums) == (1, ["2 passed, 1 failed"])
    start = f"FAILED transfers [Berlin d0g0v1] ({path}): expected state root 0x{'12' * 32}, got 0x"
    assert failure.startswith(start)
    assert "account 0x1a642f0e3c3af545e7acbd38b07251b3990914f1 has balance" in failure


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("env", "currentNumber"), None, "env.currentNumber: missing"),
        (("env", "currentNumber"), "1", "env.currentNumber: expected 0x and hex digits"),
        (("pre",), ["0x"], "pre: expected an object"),
        (("transaction", "sender"), "0x1234", "sender: expected 20 bytes"),
        (("post", "Berlin", 0, "indexes", "value"), "0", "value: expected a number"),
        (("post", "Berlin"), {}, "post.Berlin: expected a list"),
        (("post", "Nowhere"), [], "no fork 'Nowhere' is known"),
        (("post", "Berlin", 2, "expectException"), "Bad", "no exception"),
    ],
)
def test_a_malformed_test_fails_by_itself(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: Any, value: Any, message: str
) -> None:
    bad = spoilt(state_test(), *place, value=value)["transfers"]
    path = write(tmp_path, {"bad": bad, "good": state_test()})
    status, verdict = run_json(capsys, path)
    assert status == 1
    assert {failure["test"] for failure in verdict["failures"]} == {"bad"}
    assert message in verdict["failures"][0]["got"]
    assert verdict["passed"] >= 3


def test_an_index_out_of_range_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    test = state_test(is_signed=False)
    test["post"]["Berlin"][0]["indexes"]["value"] = 9
    status, verdict = run_json(capsys, write(tmp_path, {"transfers": test}))
    assert status == 1
    assert "transaction.value[9]: missing" in verdict["failures"][0]["got"]


def test_a_value_beyond_256_bits_is_malformed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its encoding has 33 bytes, which no transaction has."""
    test = state_test()
    encoded = test["post"]["Berlin"][2]["txbytes"]
    assert hex(2 * ETHER)[2:] in encoded
    test["post"]["Berlin"][2]["txbytes"] = "0x" + "00" * 40
    test["post"]["Berlin"][2]["expectException"] = "TR_RLP_WRONGVALUE"
    assert run(capsys, write(tmp_path, {"transfers": test}))[0] == 0


def test_forks_are_chosen_by_any_of_their_names(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    berlin, london = state_test(), state_test(network="London")
    path = write(tmp_path, {"one": berlin, "two": london})
    for names in (["Berlin"], ["berlin"], ["BERLIN", "Cancun"]):
        options = [word for name in names for word in ("--fork", name)]
        assert run(capsys, *options, path) == (0, "3 passed, 0 failed\n")
    assert run(capsys, "--fork", "Cancun", path)[0] == 2


def test_tests_are_chosen_by_name_or_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(tmp_path, {"apple": state_test(), "pear": state_test()}, "fruits.json")
    assert run(capsys, "--match", "^(?!.*apple)", tmp_path) == (0, "3 passed, 0 failed\n")
    assert run(capsys, "--match", "fruits", tmp_path) == (0, "6 passed, 0 failed\n")
    status, text = run(capsys, "--match", "vegetable", tmp_path)
    assert (status, text) == (2, f"blockstm statetest: no state test to run in {tmp_path}\n")


def test_what_is_not_run_is_counted_with_its_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    others = {"block": block_test(), "old": {"exec": {}}, "new": {"engineNewPayloads": []}, "x": {}}
    write(tmp_path, {"good": state_test(), **others}, "mixed.json")
    write(tmp_path, ["0x"], "vectors.json")
    write(tmp_path, {"eof": state_test()}, "stEOF/eof.json")
    status, verdict = run_json(capsys, tmp_path)
    assert (status, verdict["passed"], verdict["skipped"]) == (0, 3, 6)
    assert verdict["reasons_skipped"] == {
        "a VM test, a format that was withdrawn": 1,
        "a blockchain test": 1,
        "a test of the engine API": 1,
        "not a file of tests": 1,
        "not a test of a known format": 1,
        "withdrawn EOF": 1,
    }
    status, text = run(capsys, tmp_path)
    assert "1 skipped: withdrawn EOF\n" in text
    assert text.endswith("\n3 passed, 0 failed\n")


def test_a_fork_that_the_evm_does_not_have_is_skipped(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(tmp_path, {"old": state_test(), "new": state_test(network="Osaka")})
    status, verdict = run_json(capsys, "--vm", "py-evm", tmp_path)
    assert (status, verdict["passed"]) == (0, 3)
    assert verdict["reasons_skipped"] == {"py-evm has no fork osaka": 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fork", "Nowhere"], "no fork 'Nowhere' is known"),
        (["--match", "("], "--match '(' is not a regular expression"),
        (["--workers", "0"], "--workers is 1 or more, not 0"),
        (["--jobs", "0"], "--jobs is 1 or more, not 0"),
        (["--workers", "1000"], "workers is an int from 1 to 256"),
    ],
)
def test_wrong_options_are_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], message: str
) -> None:
    path = write(tmp_path, {"transfers": state_test()})
    status, text = run(capsys, *options, path)
    assert status == 2
    assert re.match(rf"blockstm statetest: .*{re.escape(message)}", text)


def test_a_path_that_is_not_there_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, text = run(capsys, tmp_path / "nothing")
    assert status == 2
    assert "no such file or folder" in text
    assert run(capsys, tmp_path)[0] == 2  # an empty folder


def test_a_trace_goes_to_standard_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The receiver gets code, PUSH1 2 PUSH1 1 ADD STOP; the gas it takes ends the test's match."""
    test = state_test()
    receiver = test["transaction"]["to"]
    test["pre"][receiver] = {
        "balance": "0x0",
        "nonce": "0x0",
        "code": "0x6002600101",
        "storage": {},
    }
    test["transaction"]["gasLimit"] = ["0x61a8"]
    test["post"]["Berlin"] = [test["post"]["Berlin"][0]]
    del test["post"]["Berlin"][0]["txbytes"]
    main(["statetest", "--trace", "--json", str(write(tmp_path, {"transfers": test}))])
    captured = capsys.readouterr()
    *lines, summary = map(json.loads, captured.err.splitlines())
    assert [(line["pc"], line["opName"], line["stack"]) for line in lines] == [
        (0, "PUSH1", []),
        (2, "PUSH1", ["0x2"]),
        (4, "ADD", ["0x2", "0x1"]),
        (5, "STOP", ["0x3"]),
    ]
    got = json.loads(captured.out)["failures"][0]["got"]
    assert got.startswith(summary.pop("stateRoot"))
    assert summary == {"output": "0x", "gasUsed": "0x5211", "pass": True, "fork": "berlin"}


@pytest.mark.parametrize("options", [["--vm", "py-evm"], ["--jobs", "2"]])
def test_a_trace_is_the_native_evms_in_one_process(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str]
) -> None:
    path = write(tmp_path, {"transfers": state_test()})
    status, text = run(capsys, "--trace", *options, path)
    assert (status, "--trace goes with" in text) == (2, True)
