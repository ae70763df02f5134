"""web3.py as the client of a node to develop against."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from tests.rpc.contracts import ABI, INITCODE
from tests.rpc.test_dev import ALICE, BOB, NOBODY, new_node
from tests.rpc.test_filters import served

from blockstm.rpc.dev.mnemonic import keys_of
from blockstm.rpc.dev.wallet import MNEMONIC

web3 = pytest.importorskip("web3")
exceptions = pytest.importorskip("web3.exceptions")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    node = new_node()
    with node.chain, served(node) as found:
        yield found


@pytest.fixture
def client(port: int) -> Iterator[Any]:
    made = web3.Web3(web3.HTTPProvider(f"http://127.0.0.1:{port}"))
    snapshot = made.provider.make_request("evm_snapshot", [])["result"]
    yield made
    assert made.provider.make_request("evm_revert", [snapshot])["result"] is True


def deployed(client: Any) -> Any:
    factory = client.eth.contract(abi=ABI, bytecode=INITCODE)
    receipt = client.eth.wait_for_transaction_receipt(
        factory.constructor().transact({"from": client.eth.accounts[0]})
    )
    assert receipt["status"] == 1
    return client.eth.contract(abi=ABI, address=receipt["contractAddress"])


def test_a_contract_is_deployed_and_called(client: Any) -> None:
    assert client.is_connected()
    assert [each.lower() for each in client.eth.accounts[:2]] == [ALICE, BOB]
    contract = deployed(client)
    assert contract.functions.count().call() == 0
    assert contract.functions.add(7).estimate_gas({"from": client.eth.accounts[1]}) > 40_000
    sent = contract.functions.add(7).transact({"from": client.eth.accounts[1]})
    receipt = client.eth.wait_for_transaction_receipt(sent)
    [event] = contract.events.Added().process_receipt(receipt)
    assert (event.args.who.lower(), event.args.amount) == (BOB, 7)
    assert contract.functions.count().call() == 7
    assert contract.functions.count().call(block_identifier=receipt["blockNumber"] - 1) == 0


def test_why_a_contract_refuses_is_told(client: Any) -> None:
    contract = deployed(client)
    for ask in (contract.functions.refuse().call, contract.functions.refuse().transact):
        with pytest.raises(exceptions.ContractLogicError, match="no more"):
            ask({"from": client.eth.accounts[0]})


def test_events_are_filtered(client: Any) -> None:
    contract = deployed(client)
    watched = contract.events.Added.create_filter(from_block="latest")
    blocks = client.eth.filter("latest")
    waiting = client.eth.filter("pending")
    sent = [
        contract.functions.add(each).transact({"from": client.eth.accounts[0]}) for each in (1, 2)
    ]
    assert [each.args.amount for each in watched.get_new_entries()] == [1, 2]
    assert len(blocks.get_new_entries()) == 2
    assert waiting.get_new_entries() == sent
    found = contract.events.Added().get_logs(from_block=0)
    assert [each.args.amount for each in found] == [1, 2]
    who = {"who": client.eth.accounts[1]}
    assert contract.events.Added().get_logs(from_block=0, argument_filters=who) == []
    assert client.eth.uninstall_filter(blocks.filter_id)


def test_a_transaction_is_signed_by_the_client(client: Any) -> None:
    account = client.eth.account.from_key(keys_of(MNEMONIC, 2)[1])
    assert account.address.lower() == BOB
    signed = account.sign_transaction(
        {
            "to": client.to_checksum_address(NOBODY),
            "value": 5,
            "gas": 21_000,
            "nonce": client.eth.get_transaction_count(account.address),
            "chainId": client.eth.chain_id,
            "maxFeePerGas": 3 * 10**9,
            "maxPriorityFeePerGas": 10**9,
        }
    )
    sent = client.eth.send_raw_transaction(signed.raw_transaction)
    assert client.eth.get_transaction(sent)["from"] == account.address
    assert client.eth.get_balance(client.to_checksum_address(NOBODY)) == 5


def test_fees_are_told(client: Any) -> None:
    client.provider.make_request("hardhat_mine", ["0x4"])
    history = client.eth.fee_history(4, "latest", [50])
    assert len(history["baseFeePerGas"]) == 5
    assert history["reward"] == [[0]] * 4
    assert client.eth.gas_price > client.eth.get_block("latest")["baseFeePerGas"]
    assert client.eth.max_priority_fee > 0


def test_events_come_by_websocket(port: int) -> None:
    async def first_head() -> Any:
        provider = web3.WebSocketProvider(f"ws://127.0.0.1:{port}")
        async with web3.AsyncWeb3(provider) as client:
            name = await client.eth.subscribe("newHeads")
            await client.provider.make_request("evm_mine", [])
            message = await anext(aiter(client.socket.process_subscriptions()))
            assert message["subscription"] == name
            return message["result"], await client.eth.get_block("latest")

    head, latest = asyncio.run(first_head())
    assert head["hash"] == latest["hash"]
