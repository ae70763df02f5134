# pragma version ~=0.4.3
"""
@title Sixty-four venues for two kinds of money, in one contract
@notice Each venue is a constant-product pool with a fee of 0.3 %. Who trades has his money here
        already, so a swap touches the venue's reserves, the trader's two balances, and nothing
        else. Anyone may mint: it is made to be measured.
"""

event Swap:
    venue: indexed(uint256)
    trader: indexed(address)
    amount_in: uint256
    amount_out: uint256
    is_first_sold: bool

VENUES: constant(uint256) = 64
FEE_PARTS: constant(uint256) = 997
PARTS: constant(uint256) = 1000

reserves: public(uint256[2][VENUES])  # slots 0 to 127: two of each venue, see `venue_of`
balances: public(HashMap[address, uint256[2]])


@external
def mint(receiver: address, first: uint256, second: uint256):
    """
    @notice Have somebody begin with so much of both.
    """
    self.balances[receiver][0] += first
    self.balances[receiver][1] += second


@external
def provide(venue: uint256, first: uint256, second: uint256):
    """
    @notice Put money into a venue, for good.
    """
    self.balances[msg.sender][0] -= first
    self.balances[msg.sender][1] -= second
    self.reserves[venue][0] += first
    self.reserves[venue][1] += second


@external
def pay(receiver: address, which: uint256, amount: uint256):
    """
    @notice Give somebody of one kind.
    """
    self.balances[msg.sender][which] -= amount
    self.balances[receiver][which] += amount


@external
def swap(venue: uint256, is_first_sold: bool, amount_in: uint256, least_out: uint256) -> uint256:
    """
    @notice Sell ``amount_in`` of one kind for at least ``least_out`` of the other.
    """
    sold: uint256 = 0 if is_first_sold else 1
    bought: uint256 = 1 - sold
    paid: uint256 = amount_in * FEE_PARTS
    reserve: uint256 = self.reserves[venue][bought]
    amount_out: uint256 = paid * reserve // (self.reserves[venue][sold] * PARTS + paid)
    assert amount_out >= least_out, "too little for it"
    self.balances[msg.sender][sold] -= amount_in
    self.balances[msg.sender][bought] += amount_out
    self.reserves[venue][sold] += amount_in
    self.reserves[venue][bought] = reserve - amount_out
    log Swap(
        venue=venue,
        trader=msg.sender,
        amount_in=amount_in,
        amount_out=amount_out,
        is_first_sold=is_first_sold,
    )
    return amount_out
