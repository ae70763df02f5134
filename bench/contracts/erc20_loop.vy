# pragma version ~=0.4.3
"""
@title Transfers of an ERC-20 token, in a loop
@notice Mints, then sends to 64 accounts in turn, every fourth time through an allowance.
"""
from ethereum.ercs import IERC20

interface Mintable:
    def mint(receiver: address, amount: uint256): nonpayable


@external
def run(turns: uint256, token: address) -> uint256:
    """
    @return What this contract has left of the token, and its first receiver's balance, mixed.
    """
    extcall Mintable(token).mint(self, 10 ** 30)
    extcall IERC20(token).approve(self, max_value(uint256))
    for turn: uint256 in range(turns, bound=1_000_000):
        receiver: address = convert(4096 + turn % 64, address)
        if turn % 4 == 3:
            assert extcall IERC20(token).transferFrom(self, receiver, turn + 1)
        else:
            assert extcall IERC20(token).transfer(receiver, turn + 1)
    left: uint256 = staticcall IERC20(token).balanceOf(self)
    return left ^ staticcall IERC20(token).balanceOf(convert(4096, address))
