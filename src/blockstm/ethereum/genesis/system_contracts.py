"""The contracts that blocks call by themselves, as a chain has them that begins under a fork.

Their codes are those of the EIPs: 4788 (beacon roots), 2935 (block hashes), 7002 (withdrawal
requests), 7251 (consolidation requests). Those of EIP-8282 (builders' requests), which is not
final, stop at once: nobody asks for anything.
"""

from __future__ import annotations

from typing import Final

from blockstm.ethereum.rules.requests import (
    BUILDER_DEPOSIT_CONTRACT,
    BUILDER_EXIT_CONTRACT,
    CONSOLIDATION_CONTRACT,
    WITHDRAWAL_CONTRACT,
)
from blockstm.state.accounts import Account
from blockstm.types import Address
from blockstm.vm.forks import AMSTERDAM, CANCUN, PRAGUE, Fork

__all__ = ["system_contracts"]

_BEACON_ROOTS: Final = Address(bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02"))
_BLOCK_HASHES: Final = Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"))

_BEACON_ROOTS_CODE: Final = (
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f3580156049576200"
    "1fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f35906200"
    "1fff015500"
)
_BLOCK_HASHES_CODE: Final = (
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611f"
    "ff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
)
_WITHDRAWALS_CODE: Final = (
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
_CONSOLIDATIONS_CODE: Final = (
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
_STOP: Final = "00"

_BY_FORK: Final[tuple[tuple[Fork, tuple[tuple[Address, str], ...]], ...]] = (
    (CANCUN, ((_BEACON_ROOTS, _BEACON_ROOTS_CODE),)),
    (
        PRAGUE,
        (
            (_BLOCK_HASHES, _BLOCK_HASHES_CODE),
            (WITHDRAWAL_CONTRACT, _WITHDRAWALS_CODE),
            (CONSOLIDATION_CONTRACT, _CONSOLIDATIONS_CODE),
        ),
    ),
    (AMSTERDAM, ((BUILDER_DEPOSIT_CONTRACT, _STOP), (BUILDER_EXIT_CONTRACT, _STOP))),
)


def system_contracts(fork: Fork) -> dict[Address, Account]:
    """Address → account, of all that the blocks of a fork call."""
    return {
        address: Account(nonce=1, code=bytes.fromhex(code))
        for since, contracts in _BY_FORK
        if fork >= since
        for address, code in contracts
    }
