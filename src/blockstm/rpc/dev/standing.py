"""What waits in the pool, what the node says of itself, and switches that suites throw."""

from __future__ import annotations

from typing import Any

from blockstm.ethereum.codecs.fields import shown
from blockstm.rpc.dev.node import DevNode
from blockstm.rpc.dev.stepping import number
from blockstm.rpc.methods import fees
from blockstm.rpc.methods.network import client_version
from blockstm.rpc.params import Params, refuse
from blockstm.vm.forks import LONDON

__all__ = [
    "drop",
    "drop_all",
    "drop_of",
    "gas_price",
    "info",
    "metadata",
    "set_chain_id",
    "set_logging",
    "set_price_min",
    "set_url",
]


def drop(node: DevNode, params: Params) -> Any:
    """``hardhat_dropTransaction``: whether it waited."""
    return node.pool.drop(params.hash(0))


def drop_all(node: DevNode, params: Params) -> Any:
    """``anvil_dropAllTransactions``."""
    node.pool.replace_all(())
    return None


def drop_of(node: DevNode, params: Params) -> Any:
    """``anvil_removePoolTransactions``: those of a sender."""
    sender = params.address(0)
    with node.miner.turn:
        node.pool.replace_all([each for each in node.pool.waiting() if each.sender != sender])
    return None


def set_price_min(node: DevNode, params: Params) -> Any:
    """``hardhat_setMinGasPrice``: less is not taken, in wei; before London only, as there."""
    if node.next_fork() >= LONDON:
        raise refuse("from London on the base fee is the least: hardhat_setNextBlockBaseFeePerGas")
    node.miner.price_min = number(params.raw(0), "invalid argument 0", 128)
    return True


def gas_price(node: DevNode, params: Params) -> Any:
    """``eth_gasPrice``: as usual, and no less than what is taken."""
    usual: str = fees.gas_price(node, params)
    return max(usual, shown(node.miner.price_min), key=lambda price: int(price, 16))


# ---- the node


def metadata(node: DevNode, params: Params) -> Any:
    """``hardhat_metadata``, ``anvil_metadata``."""
    head = node.chain.head
    return {
        "clientVersion": client_version(node, params),
        "chainId": node.chain.spec.chain_id,
        "instanceId": shown(node.instance),
        "latestBlockHash": shown(head.hash),
        "latestBlockNumber": head.number,
        "hardFork": node.next_fork().name,
        "currentTimestamp": node.miner.now(),
    }


def info(node: DevNode, params: Params) -> Any:
    """``anvil_nodeInfo``."""
    head = node.chain.head
    return {
        "currentBlockNumber": shown(head.number),
        "currentBlockTimestamp": head.header.timestamp,
        "currentBlockHash": shown(head.hash),
        "hardFork": node.next_fork().name,
        "transactionOrder": "fees",
        "environment": {
            "baseFee": shown(head.header.base_fee_per_gas or 0),
            "chainId": node.chain.spec.chain_id,
            "gasLimit": shown(head.header.gas_limit),
            "gasPrice": gas_price(node, params),
        },
        "forkConfig": {},
    }


def set_logging(node: DevNode, params: Params) -> Any:
    """``hardhat_setLoggingEnabled``: it prints nothing in any case."""
    params.flag(0)
    return True


def set_chain_id(node: DevNode, params: Params) -> Any:
    """``anvil_setChainId``: none but the one it has."""
    wanted, has = number(params.raw(0), "invalid argument 0"), node.chain.spec.chain_id
    if wanted != has:
        raise refuse(f"this chain's id is {has} for good: begin one with --chain-id {wanted}")
    return None


def set_url(node: DevNode, params: Params) -> Any:
    """``anvil_setRpcUrl``: there is none to be set."""
    raise refuse("this node stands on no other, whose address could change")
