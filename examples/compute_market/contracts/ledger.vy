# pragma version ~=0.4.3
"""
@title Who has what of the market's money, and who takes part
@notice Money comes in as ether. Participants have places: 0 to 63 validate, 64 to 255 mine. No sum
        over all is kept here, so that what two people do has nothing in common.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

VALIDATORS: constant(uint256) = 64
PARTICIPANTS: constant(uint256) = 256

balances: public(HashMap[address, uint256])
participants: public(address[PARTICIPANTS])
stakes: public(uint256[PARTICIPANTS])
_numbers: HashMap[address, uint256]  # of the place, plus one


@external
@payable
def deposit():
    """
    @notice Pay ether in.
    """
    self.balances[msg.sender] += msg.value
    log Transfer(sender=empty(address), receiver=msg.sender, value=msg.value)


@external
def withdraw(amount: uint256):
    """
    @notice Take ether out.
    """
    self.balances[msg.sender] -= amount
    send(msg.sender, amount)
    log Transfer(sender=msg.sender, receiver=empty(address), value=amount)


@external
def join(place: uint256):
    """
    @notice Take a place that nobody has.
    """
    assert self.participants[place] == empty(address), "somebody is there"
    assert self._numbers[msg.sender] == 0, "one place each"
    self.participants[place] = msg.sender
    self._numbers[msg.sender] = place + 1


@external
def stake(amount: uint256):
    """
    @notice Put money behind one's place.
    """
    place: uint256 = self._place_of(msg.sender)
    self.balances[msg.sender] -= amount
    self.stakes[place] += amount


@external
def unstake(amount: uint256):
    """
    @notice Take it back.
    """
    place: uint256 = self._place_of(msg.sender)
    self.stakes[place] -= amount
    self.balances[msg.sender] += amount


@internal
@view
def _place_of(who: address) -> uint256:
    number: uint256 = self._numbers[who]
    assert number != 0, "no participant"
    return number - 1
