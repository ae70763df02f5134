"""Our backend under eth-tester's own tests of backends, and what it has beside them."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("eth_tester")
pytest.importorskip("eth_abi")

from eth_tester import EthereumTester  # after the check that it is there
from eth_tester.exceptions import ValidationError
from eth_tester.utils.backend_testing import BaseTestBackendDirect
from eth_utils import ValidationError as UtilsValidationError

from blockstm.compat.eth_tester import Backend
from blockstm.compat.eth_tester import backend as backend_of
from blockstm.ethereum.execution.executed import ExecutedBlock


@pytest.fixture
def eth_tester() -> Any:
    tester = EthereumTester(backend=Backend())
    yield tester
    tester.backend.chain.close()


class TestBackend(BaseTestBackendDirect):
    """eth-tester's suite; two tests want the exceptions of py-evm, which ours does not raise."""

    test_send_raw_transaction_invalid_rlp_transaction = None
    test_send_raw_transaction_invalid_raw_transaction = None


ETHER = 10**18
# Adds its input to slot 0, which it returns.
ADDER = "0x5f54600c35015f555f545f5260205ff3"


def sent(tester: Any, **members: Any) -> bytes:
    given = {"from": tester.get_accounts()[0], "gas": 100_000} | members
    return bytes.fromhex(tester.send_transaction(given)[2:])


def raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def with_adder() -> tuple[Any, bytes]:
    contract = b"\xcc" * 20
    state = Backend.generate_genesis_state() | {contract: {"balance": 0, "code": ADDER}}
    return EthereumTester(Backend(genesis_state=state)), contract


def test_a_transaction_is_traced_and_its_state_proved() -> None:
    tester, contract = with_adder()
    with tester.backend.chain:
        mined = sent(tester, to="0x" + contract.hex(), data="0x" + "00" * 12 + "00" * 31 + "07")
        trace = tester.backend.trace_transaction(mined)
        assert (trace["to"], trace["type"]) == ("0x" + contract.hex(), "CALL")
        before = tester.backend.trace_transaction(mined, "prestateTracer", diffMode=True)
        assert "0x" + contract.hex() in before["post"]
        proof = tester.backend.get_proof(contract, [0])
        value, nodes = proof.storage[0]
        assert value == tester.backend.get_storage(contract, 0) == 7
        assert nodes
        call = {"from": raw(tester.get_accounts()[0]), "to": contract}
        assert (contract, (0,)) in tester.backend.create_access_list(call)
        assert tester.backend.get_storage(contract, 0, 0) == 0
        assert tester.get_code("0x" + contract.hex()) == ADDER


def test_a_transaction_is_traced_without_the_others_of_its_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tester, contract = with_adder()
    made: list[ExecutedBlock] = []
    real = backend_of.run_traced

    def run_traced(*arguments: Any) -> ExecutedBlock:
        made.append(real(*arguments))
        return made[-1]

    with tester.backend.chain:
        tester.disable_auto_mine_transactions()
        called = {"to": "0x" + contract.hex(), "data": "0x" + "00" * 44}
        payers = tester.get_accounts()[:3]
        _, asked_for, _ = [sent(tester, **called, **{"from": each}) for each in payers]
        tester.mine_block()
        monkeypatch.setattr(backend_of, "run_traced", run_traced)
        trace = tester.backend.trace_transaction(asked_for, "structLogger")
        [executed] = made
        steps = [len(each["structLogs"]) for each in executed.traces]
    assert steps == [0, len(trace["structLogs"]), 0]
    assert steps[1] > 10


@pytest.mark.parametrize(
    "fork", ["frontier", "berlin", "london", "paris", "cancun", "osaka", "amsterdam"]
)
def test_it_runs_under_every_fork(fork: str) -> None:
    backend = Backend(vm_configuration=((0, fork),))
    with backend.chain:
        payer, payee = backend.get_accounts()[:2]
        given = {"from": payer, "to": payee, "value": 5, "gas": 21_000, "gas_price": 10**9}
        backend.send_transaction(given)
        pending = backend.get_block_by_number("pending")
        assert backend.get_balance(payee, "pending") == 1_000_000 * ETHER + 5
        assert backend.get_nonce(payer, "pending") == 1
        assert backend.get_balance(payee) == 1_000_000 * ETHER
        [mined] = backend.mine_blocks()
        block = backend.get_block_by_hash(mined)
        assert [each["hash"] for each in block["transactions"]] == [
            each["hash"] for each in pending["transactions"]
        ]
        assert backend.get_balance(payee) == 1_000_000 * ETHER + 5
        backend.chain.audit()


def test_accounts_come_from_a_mnemonic() -> None:
    words = "test test test test test test test test test test test junk"
    backend = Backend.from_mnemonic(words, {"balance": 7}, num_accounts=3)
    with backend.chain:
        first = backend.get_accounts()[0]
        assert first.hex() == "1e59ce931b4cfea3fe4b875411e280e173cb7a9c"
        assert (len(backend.get_accounts()), backend.get_balance(first)) == (3, 7)
    other = Backend.from_mnemonic(words, num_accounts=1, hd_path="m/44'/60'/0'/0")
    with other.chain:
        assert other.get_accounts()[0].hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"


def test_withdrawals_are_paid_in_a_block_of_their_own(eth_tester: Any) -> None:
    given = {"index": 0, "validator_index": 1, "address": "0x" + "ee" * 20, "amount": 3}
    eth_tester.backend.apply_withdrawals([given])
    assert eth_tester.get_balance("0x" + "ee" * 20) == 3 * 10**9
    [paid] = eth_tester.get_block_by_number("latest")["withdrawals"]
    assert paid["amount"] == 3
    for wrong in ({}, given | {"amount": -1}, given | {"address": "0x"}):
        with pytest.raises(ValidationError):
            eth_tester.backend.apply_withdrawals([wrong])
    old = Backend(vm_configuration=((0, "paris"),))
    with old.chain, pytest.raises(ValidationError, match="Shanghai"):
        old.apply_withdrawals([given])


def test_what_cannot_be_sent_is_told_and_leaves_no_trace(eth_tester: Any) -> None:
    backend = eth_tester.backend
    payer, payee = backend.get_accounts()[:2]
    good = {"from": payer, "to": payee, "gas": 21_000}
    wrongs: list[dict[str, Any]] = [
        {"nonce": 5},
        {"gas": 20_000},
        {"value": 1 << 200},
        {"gas_price": 1},
        {"from": b"\xee" * 20},
    ]
    for wrong in wrongs:
        with pytest.raises(ValidationError) as told:
            backend.send_transaction(good | wrong)
        # Suites on py-evm's backend catch the one of eth_utils.
        assert isinstance(told.value, UtilsValidationError) or "from" in wrong
    for encoding in (b"", b"\x12\x34", b"\xff\xff", b"\x03\xc0"):
        with pytest.raises(ValidationError):
            backend.send_raw_transaction(encoding)
    assert backend.get_block_by_number("pending")["transactions"] == []
    backend.send_transaction(good)
    for name in ("no_such", "balanse"):
        with pytest.raises(ValueError, match="invalid fields"):
            Backend.generate_genesis_state({name: 1})
        with pytest.raises(ValueError, match="invalid fields"):
            Backend.generate_genesis_params({name: 1})


def test_eth_tester_finds_it_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHEREUM_TESTER_CHAIN_BACKEND", "blockstm.compat.eth_tester.Backend")
    tester = EthereumTester()
    assert isinstance(tester.backend, Backend)
    tester.backend.chain.close()


def test_web3_runs_on_it() -> None:
    web3 = pytest.importorskip("web3")
    backend = Backend()
    with backend.chain:
        client = web3.Web3(web3.EthereumTesterProvider(EthereumTester(backend)))
        payer, payee = client.eth.accounts[:2]
        mined = client.eth.send_transaction({"from": payer, "to": payee, "value": 5})
        assert client.eth.wait_for_transaction_receipt(mined)["status"] == 1
        assert client.eth.get_balance(payee) == 1_000_000 * ETHER + 5
