# pragma version ~=0.4.3
"""
@title Validators weigh miners; an epoch turns weights into emission
@notice In the shape of Bittensor's Yuma consensus, all in integers. A miner's consensus is the
        largest weight that half of the stake gives it or more; what a validator gives beyond that
        does not count. What is left makes the miners' ranks, and validators' bonds to miners, of
        which a tenth is new in each epoch. Half of the emission goes by rank, half to validators
        by what they hold of the miners that rank high.

        An epoch is `open_epoch`, `rank` of each of the 12 groups of 16 miners, `divide` of each
        of the 4 groups of 16 validators, `close_epoch`, and `pay` of each of the 16 groups of
        participants. The calls of one kind write nothing in common: they run side by side.
"""

import ledger

uses: ledger

event EpochClosed:
    number: indexed(uint256)
    ranks: uint256
    dividends: uint256

VALIDATORS: constant(uint256) = 64
MINERS: constant(uint256) = 192
LANES: constant(uint256) = 16            # of 16 bits, in a word
LANE: constant(uint256) = 65535
GROUPS: constant(uint256) = MINERS // LANES
SHARE_BITS: constant(uint256) = 32       # the shares of the stake add up to 2**32, rounded down
TEMPO: constant(uint256) = 360           # blocks from one epoch to the next, at least
EMISSION: constant(uint256) = 10**18     # of an epoch
NEW_BONDS: constant(uint256) = 1         # of ten parts

epoch: public(uint256)
opened_at: public(uint256)
closed_epoch: public(uint256)
weights: uint256[GROUPS][VALIDATORS]     # lanes: of each 16 miners
bonds: uint256[GROUPS][VALIDATORS]
shares: public(uint256[VALIDATORS])      # of the stake, as the epoch began
ranks: public(uint256[MINERS])
dividends: public(uint256[VALIDATORS])
rank_total: public(uint256)
dividend_total: public(uint256)
_ranked: uint256[GROUPS]                 # in which epoch
_divided: uint256[VALIDATORS // LANES]
_paid: uint256[VALIDATORS // LANES + GROUPS]


@external
def set_weights(given: uint256[GROUPS]):
    """
    @notice Weigh the miners: 192 numbers of 16 bits, the first in the lowest lane of word 0. They
            are scaled to a sum of 65,535.
    """
    place: uint256 = ledger._place_of(msg.sender)
    assert place < VALIDATORS, "a miner"
    assert self.closed_epoch == self.epoch, "an epoch is open"
    total: uint256 = 0
    for word: uint256 in given:
        for lane: uint256 in range(LANES):
            total += (word >> (LANES * lane)) & LANE
    assert total != 0, "weights of nobody"
    for group: uint256 in range(GROUPS):
        scaled: uint256 = 0
        for lane: uint256 in range(LANES):
            weight: uint256 = (given[group] >> (LANES * lane)) & LANE
            scaled |= (weight * LANE // total) << (LANES * lane)
        self.weights[place][group] = scaled


@external
def open_epoch():
    """
    @notice Begin an epoch: what each validator has at stake now is what counts.
    """
    assert self.closed_epoch == self.epoch, "an epoch is open"
    assert self.epoch == 0 or block.number >= self.opened_at + TEMPO, "too early"
    self.epoch += 1
    self.opened_at = block.number
    stakes: uint256[VALIDATORS] = empty(uint256[VALIDATORS])
    total: uint256 = 0
    for validator: uint256 in range(VALIDATORS):
        stakes[validator] = ledger.stakes[validator]
        total += stakes[validator]
    assert total != 0, "nothing at stake"
    for validator: uint256 in range(VALIDATORS):
        self.shares[validator] = (stakes[validator] << SHARE_BITS) // total


@external
def rank(group: uint256):
    """
    @notice Consensus, ranks and bonds of 16 miners.
    """
    assert self.closed_epoch != self.epoch, "no epoch is open"
    assert self._ranked[group] != self.epoch, "ranked before"
    self._ranked[group] = self.epoch
    weights: uint256[VALIDATORS] = empty(uint256[VALIDATORS])
    shares: uint256[VALIDATORS] = empty(uint256[VALIDATORS])
    bonds: uint256[VALIDATORS] = empty(uint256[VALIDATORS])
    half: uint256 = 0
    for validator: uint256 in range(VALIDATORS):
        weights[validator] = self.weights[validator][group]
        shares[validator] = self.shares[validator]
        half += shares[validator]
    half = (half + 1) // 2
    for lane: uint256 in range(LANES):
        column: uint256[VALIDATORS] = empty(uint256[VALIDATORS])
        for validator: uint256 in range(VALIDATORS):
            column[validator] = (weights[validator] >> (LANES * lane)) & LANE
        consensus: uint256 = self._consensus(column, shares, half)
        total: uint256 = 0
        for validator: uint256 in range(VALIDATORS):
            column[validator] = shares[validator] * min(column[validator], consensus)
            total += column[validator]
        self.ranks[group * LANES + lane] = total
        if total == 0:
            continue
        for validator: uint256 in range(VALIDATORS):
            bonds[validator] |= (column[validator] * LANE // total) << (LANES * lane)
    self._mix_bonds(group, bonds)


@internal
@pure
def _consensus(column: uint256[VALIDATORS], shares: uint256[VALIDATORS], half: uint256) -> uint256:
    """
    @dev The largest weight that so much of the stake gives, or more: bit by bit from the top.
    """
    found: uint256 = 0
    for step: uint256 in range(LANES):
        tried: uint256 = found | (1 << (LANES - 1 - step))
        support: uint256 = 0
        for validator: uint256 in range(VALIDATORS):
            if column[validator] >= tried:
                support += shares[validator]
        if support >= half:
            found = tried
    return found


@internal
def _mix_bonds(group: uint256, given: uint256[VALIDATORS]):
    for validator: uint256 in range(VALIDATORS):
        before: uint256 = self.bonds[validator][group]
        mixed: uint256 = 0
        for lane: uint256 in range(LANES):
            old: uint256 = (before >> (LANES * lane)) & LANE
            new: uint256 = (given[validator] >> (LANES * lane)) & LANE
            mixed |= ((10 - NEW_BONDS) * old + NEW_BONDS * new) // 10 << (LANES * lane)
        self.bonds[validator][group] = mixed


@external
def divide(group: uint256):
    """
    @notice The dividends of 16 validators, when all miners are ranked.
    """
    for each: uint256 in range(GROUPS):
        assert self._ranked[each] == self.epoch, "not all are ranked"
    assert self._divided[group] != self.epoch, "divided before"
    self._divided[group] = self.epoch
    ranks: uint256[MINERS] = self.ranks
    for lane: uint256 in range(LANES):
        validator: uint256 = group * LANES + lane
        dividend: uint256 = 0
        for each: uint256 in range(GROUPS):
            word: uint256 = self.bonds[validator][each]
            for miner: uint256 in range(LANES):
                dividend += ((word >> (LANES * miner)) & LANE) * ranks[each * LANES + miner]
        self.dividends[validator] = dividend


@external
def close_epoch():
    """
    @notice Add up what emission is divided by.
    """
    assert self.closed_epoch != self.epoch, "no epoch is open"
    for each: uint256 in self._divided:
        assert each == self.epoch, "not all are divided"
    ranks: uint256 = 0
    for each: uint256 in self.ranks:
        ranks += each
    dividends: uint256 = 0
    for each: uint256 in self.dividends:
        dividends += each
    self.rank_total = ranks
    self.dividend_total = dividends
    self.closed_epoch = self.epoch
    log EpochClosed(number=self.epoch, ranks=ranks, dividends=dividends)


@external
def pay(group: uint256):
    """
    @notice Add to the stakes of 16 participants what the last epoch emits to them.
    """
    assert self.closed_epoch == self.epoch, "an epoch is open"
    assert self._paid[group] != self.epoch, "paid before"
    self._paid[group] = self.epoch
    validates: bool = group < VALIDATORS // LANES
    total: uint256 = self.dividend_total if validates else self.rank_total
    if total == 0:
        return
    for lane: uint256 in range(LANES):
        place: uint256 = group * LANES + lane
        part: uint256 = 0
        if validates:
            part = self.dividends[place]
        else:
            part = self.ranks[place - VALIDATORS]
        if part != 0:
            ledger.stakes[place] += EMISSION // 2 * part // total
