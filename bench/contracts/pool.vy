# pragma version ~=0.4.3
"""
@title A constant-product pool of two ERC-20 tokens
@notice What the swaps of the block loads go through: reserves whose product only grows, a fee of
        0.3 % of what is paid in, and price sums that a time-weighted average is read from.
        Anyone may set one up, once: it is made to be measured.
"""

interface Token:
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable
    def transferFrom(owner: address, receiver: address, amount: uint256) -> bool: nonpayable
    def balanceOf(owner: address) -> uint256: view

event Swap:
    sender: indexed(address)
    receiver: indexed(address)
    amount_in: uint256
    amount_out: uint256
    is_first_sold: bool

event Sync:
    first: uint256
    second: uint256

FEE_PARTS: constant(uint256) = 997
PARTS: constant(uint256) = 1000
PRICE_SCALE: constant(uint256) = 2**112

tokens: public(address[2])
reserves: public(uint256[2])
price_sums: public(uint256[2])
updated_at: public(uint256)


@external
def initialise(first: address, second: address):
    """
    @notice Take on two tokens; what the pool holds of them by now are its reserves.
    """
    assert self.tokens[0] == empty(address), "initialised before"
    assert first != empty(address) and first != second, "two tokens"
    self.tokens = [first, second]
    self._sync(staticcall Token(first).balanceOf(self), staticcall Token(second).balanceOf(self))


@external
def swap(is_first_sold: bool, amount_in: uint256, least_out: uint256, receiver: address) -> uint256:
    """
    @notice Sell ``amount_in`` of one token for at least ``least_out`` of the other.
    """
    sold: uint256 = 0 if is_first_sold else 1
    bought: uint256 = 1 - sold
    reserves: uint256[2] = self.reserves
    paid: uint256 = amount_in * FEE_PARTS
    amount_out: uint256 = paid * reserves[bought] // (reserves[sold] * PARTS + paid)
    assert amount_out >= least_out, "too little for it"
    token_in: address = self.tokens[sold]
    token_out: address = self.tokens[bought]
    assert extcall Token(token_in).transferFrom(msg.sender, self, amount_in)
    assert extcall Token(token_out).transfer(receiver, amount_out)
    balance_in: uint256 = staticcall Token(token_in).balanceOf(self)
    balance_out: uint256 = staticcall Token(token_out).balanceOf(self)
    assert balance_in * balance_out >= reserves[0] * reserves[1], "the product shrank"
    self._accumulate(reserves)
    if is_first_sold:
        self._sync(balance_in, balance_out)
    else:
        self._sync(balance_out, balance_in)
    log Swap(
        sender=msg.sender,
        receiver=receiver,
        amount_in=amount_in,
        amount_out=amount_out,
        is_first_sold=is_first_sold,
    )
    return amount_out


@internal
def _accumulate(reserves: uint256[2]):
    """
    @dev The sums of price times seconds up to now, of what the reserves were before.
    """
    elapsed: uint256 = block.timestamp - self.updated_at
    if elapsed == 0 or reserves[0] == 0 or reserves[1] == 0:
        return
    self.price_sums[0] += reserves[1] * PRICE_SCALE // reserves[0] * elapsed
    self.price_sums[1] += reserves[0] * PRICE_SCALE // reserves[1] * elapsed


@internal
def _sync(first: uint256, second: uint256):
    self.reserves = [first, second]
    self.updated_at = block.timestamp
    log Sync(first=first, second=second)
