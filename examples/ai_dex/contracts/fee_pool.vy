# pragma version ~=0.4.3
"""
@title A constant-product pool whose fee a network sets, swap by swap
@notice The pool remembers in one word how its price moved: squared returns, averaged fast and
        slowly, the last return, which way was traded, and when. Of that and of the swap at hand it
        makes seven signals of int8, and a network on chain says which of eight fees fits. Without
        a network the fee is fixed. Anyone may set one up, once: it is made to be measured.
"""

interface Token:
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable
    def transferFrom(owner: address, receiver: address, amount: uint256) -> bool: nonpayable
    def balanceOf(owner: address) -> uint256: view

event Swap:
    sender: indexed(address)
    amount_in: uint256
    amount_out: uint256
    is_first_sold: bool
    fee: uint256

# What is remembered, as it is packed into a word; signed numbers are offset.
struct Signals:
    fast: uint256    # squared return: a quarter of it is new with each swap
    slow: uint256    # the same: one part of 32
    last: int256     # return of the last swap
    flow: int256     # sizes of swaps, signed by direction: an eighth is new
    time: uint256    # of the last swap, in s

LANE: constant(uint256) = 2**32 - 1
OFFSET: constant(int256) = 2**31
BASIS: constant(uint256) = 10_000                # parts: returns, sizes and fees are in these
RETURN_MOST: constant(int256) = 2_000
PRICE_SCALE: constant(uint256) = 10**18
FEES: constant(uint256[8]) = [5, 10, 20, 30, 45, 60, 80, 100]
# The precompile `run`, and the header that it is called with: one reference, an inline input.
RUN: constant(address) = 0x000000000000000000000000000000000000A110
HEADER: constant(Bytes[96]) = x"100101000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

tokens: public(address[2])
reserves: public(uint256[2])
fees_taken: public(uint256[2])
fixed_fee: public(uint256)
program: public(address)
program_hash: public(bytes32)
_packed: uint256


@external
def initialise(first: address, second: address, program: address, hash: bytes32, fixed_fee: uint256):
    """
    @notice Take on two tokens; what the pool holds of them by now are its reserves.
    @param program The network; nobody: the fee is fixed.
    """
    assert self.tokens[0] == empty(address), "initialised before"
    assert first != empty(address) and first != second, "two tokens"
    assert fixed_fee < BASIS, "more than everything"
    self.tokens = [first, second]
    self.reserves = [
        staticcall Token(first).balanceOf(self), staticcall Token(second).balanceOf(self)
    ]
    self.program = program
    self.program_hash = hash
    self.fixed_fee = fixed_fee
    self._remember(Signals(fast=0, slow=0, last=0, flow=0, time=block.timestamp))


@external
def swap(is_first_sold: bool, amount_in: uint256, least_out: uint256) -> uint256:
    """
    @notice Sell ``amount_in`` of one token for at least ``least_out`` of the other.
    """
    sold: uint256 = 0 if is_first_sold else 1
    bought: uint256 = 1 - sold
    before: uint256[2] = self.reserves
    signals: Signals = self._remembered()
    size: uint256 = amount_in * BASIS // before[sold]
    fee: uint256 = self._fee(signals, is_first_sold, size)
    taken: uint256 = amount_in * fee // BASIS
    paid: uint256 = amount_in - taken
    amount_out: uint256 = paid * before[bought] // (before[sold] + paid)
    assert amount_out >= least_out, "too little for it"
    after: uint256[2] = before
    after[sold] += amount_in
    after[bought] -= amount_out
    self.reserves = after
    self.fees_taken[sold] += taken
    self._remember(self._moved(signals, before, after, is_first_sold, size))
    assert extcall Token(self.tokens[sold]).transferFrom(msg.sender, self, amount_in)
    assert extcall Token(self.tokens[bought]).transfer(msg.sender, amount_out)
    log Swap(
        sender=msg.sender,
        amount_in=amount_in,
        amount_out=amount_out,
        is_first_sold=is_first_sold,
        fee=fee,
    )
    return amount_out


@internal
@view
def _fee(signals: Signals, is_first_sold: bool, size: uint256) -> uint256:
    """
    @dev The network's, or the fixed one.
    """
    program: address = self.program
    if program == empty(address):
        return self.fixed_fee
    last: int256 = signals.last if is_first_sold else -signals.last
    flow: int256 = signals.flow if is_first_sold else -signals.flow
    given: uint256 = self._int8(convert(isqrt(signals.fast), int256))
    given = given << 8 | self._int8(convert(isqrt(signals.slow), int256))
    given = given << 8 | self._int8(abs(last))
    given = given << 8 | self._int8(last)
    given = given << 8 | self._int8(flow)
    given = given << 8 | self._int8(convert(min(size, BASIS), int256))
    given = given << 8 | self._int8(convert(block.timestamp - signals.time, int256))
    place: Bytes[32] = raw_call(
        RUN,
        concat(
            HEADER,
            convert(program, bytes20),
            self.program_hash,
            slice(convert(given, bytes32), 25, 7),
        ),
        max_outsize=32,
        is_static_call=True,
    )
    return FEES[convert(place, uint256)]


@internal
@pure
def _int8(number: int256) -> uint256:
    """
    @dev As a byte, saturated.
    """
    return convert(max(min(number, 127), -128) & 255, uint256)


@internal
@view
def _moved(
    signals: Signals, before: uint256[2], after: uint256[2], is_first_sold: bool, size: uint256
) -> Signals:
    """
    @dev What is remembered after a swap: returns are of the second token's price in the first.
    """
    old: int256 = convert(before[0] * PRICE_SCALE // before[1], int256)
    new: int256 = convert(after[0] * PRICE_SCALE // after[1], int256)
    moved: int256 = (new - old) * convert(BASIS, int256) // old
    moved = max(min(moved, RETURN_MOST), -RETURN_MOST)
    squared: uint256 = convert(moved * moved, uint256)
    towards: int256 = convert(min(size, BASIS), int256)
    if not is_first_sold:
        towards = -towards
    return Signals(
        fast=(3 * signals.fast + squared) // 4,
        slow=(31 * signals.slow + squared) // 32,
        last=moved,
        flow=(7 * signals.flow + towards) // 8,
        time=block.timestamp,
    )


@internal
@view
def _remembered() -> Signals:
    packed: uint256 = self._packed
    return Signals(
        fast=packed & LANE,
        slow=packed >> 32 & LANE,
        last=convert(packed >> 64 & LANE, int256) - OFFSET,
        flow=convert(packed >> 96 & LANE, int256) - OFFSET,
        time=packed >> 128,
    )


@internal
def _remember(signals: Signals):
    self._packed = (
        signals.fast
        | signals.slow << 32
        | convert(signals.last + OFFSET, uint256) << 64
        | convert(signals.flow + OFFSET, uint256) << 96
        | signals.time << 128
    )
