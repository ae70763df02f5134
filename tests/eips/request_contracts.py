"""The contracts that collect requests, and blocks that call them. No test of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_typing import Address
from tests.eips.rules import Ran, run
from tests.ethereum.builders import REQUEST_CONTRACTS
from tests.evm.world_blocks import contract

from blockstm.state.accounts import Account
from blockstm.vm.evm import BlockEnd, SystemOutputs

WITHDRAWALS, CONSOLIDATIONS, BUILDER_DEPOSITS, BUILDER_EXITS = REQUEST_CONTRACTS
PLENTY = 2_500_000  # of gas: from Amsterdam on a request makes the state grow

# As EIP-7002 and EIP-7251 deploy them.
WITHDRAWALS_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe1460cb5760115f54807fffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffff146101f457600182026001905f5b5f82111560685781019083028483"
    "029004916001019190604d565b909390049250505036603814608857366101f457346101f4575f5260205ff35b34"
    "106101f457600154600101600155600354806003026004013381556001015f35815560010160203590553360601b"
    "5f5260385f601437604c5fa0600101600355005b6003546002548082038060101160df575060105b5f5b81811461"
    "01835782810160030260040181604c02815460601b8152601401816001015481526020019060020154807fffffff"
    "ffffffffffffffffffffffffff00000000000000000000000000000000168252906010019060401c908160381c81"
    "600701538160301c81600601538160281c81600501538160201c81600401538160181c81600301538160101c8160"
    "0201538160081c81600101535360010160e1565b910180921461019557906002556101a0565b90505f6002555f60"
    "03555b5f54807fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff14156101cd5750"
    "5f5b6001546002828201116101e25750505f6101e8565b01600290035b5f555f600155604c025ff35b5f5ffd"
)
CONSOLIDATIONS_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe1460d35760115f54807fffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffff1461019a57600182026001905f5b5f82111560685781019083028483"
    "029004916001019190604d565b9093900492505050366060146088573661019a573461019a575f5260205ff35b34"
    "1061019a57600154600101600155600354806004026004013381556001015f358155600101602035815560010160"
    "403590553360601b5f5260605f60143760745fa0600101600355005b6003546002548082038060021160e7575060"
    "025b5f5b8181146101295782810160040260040181607402815460601b8152601401816001015481526020018160"
    "02015481526020019060030154905260010160e9565b910180921461013b5790600255610146565b90505f600255"
    "5f6003555b5f54807fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff1415610173"
    "57505f5b6001546001828201116101885750505f61018e565b01600190035b5f555f6001556074025ff35b5f5ffd"
)


def run_to_the_end(
    fork: str, block: list[Any], contracts: Mapping[Address, Account], **changed: Any
) -> Ran:
    """Run transactions and the end of their block.

    Args:
        fork: whose rules hold.
        block: its transactions.
        contracts: in place of ones that stop at once.
        changed: members of the block's context.
    """
    accounts = {**dict.fromkeys(REQUEST_CONTRACTS, contract("STOP")), **contracts}
    given = {"gas_limit": 300_000_000, **changed}
    return run(fork, [*block, BlockEnd(collects_requests=True)], accounts, **given)


def outputs(ran: Ran) -> SystemOutputs:
    """What the contracts gave at the end."""
    last = ran.outcomes[-1]
    assert isinstance(last.value, SystemOutputs), last
    return last.value


def after(ran: Ran) -> dict[Address, Account]:
    """The contracts as the block leaves them, for the next block."""
    kept = ((address, ran.state.account(address)) for address in REQUEST_CONTRACTS)
    return {address: account for address, account in kept if account is not None}
