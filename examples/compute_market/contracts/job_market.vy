# pragma version ~=0.4.3
"""
@title Inferences bought and sold
@notice A customer posts a job: the hash of an input, and what he pays at most. Miners underbid each
        other; whoever is lowest answers. The customer pays, or anybody does when nobody objected
        for a while. Anybody who has the input can object: the model runs again, here, and if it
        answers something else, the miner loses from its stake, half of that to the challenger.
"""

import ledger

uses: ledger

event Posted:
    job: indexed(bytes32)
    customer: indexed(address)
    most: uint256

event Paid:
    job: indexed(bytes32)
    miner: indexed(address)
    price: uint256

event Slashed:
    job: indexed(bytes32)
    miner: indexed(address)
    amount: uint256

struct Job:
    customer: address
    miner: address
    price: uint256        # the most that is paid, then the lowest bid
    input: bytes32        # its hash
    answer: bytes32       # empty: there is none yet; else one more than the place that answers
    answered_at: uint256  # in which block

INPUT_BYTES: constant(uint256) = 64
PATIENCE: constant(uint256) = 50         # blocks in which the customer may object
LEAST_STAKE: constant(uint256) = 10**15  # of a miner that bids
SLASHED: constant(uint256) = 5 * 10**14
# The precompile `run`, and the header that it is called with: one reference, an inline input.
RUN: constant(address) = 0x000000000000000000000000000000000000A110
HEADER: constant(Bytes[96]) = x"100101000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"

jobs: public(HashMap[bytes32, Job])
program: public(address)
program_hash: public(bytes32)


@external
def use_program(program: address, program_hash: bytes32):
    """
    @notice Say which model all jobs are about; once.
    """
    assert self.program == empty(address), "said before"
    self.program = program
    self.program_hash = program_hash


@external
def post(job: bytes32, input: bytes32, most: uint256):
    """
    @notice Ask for an inference, and leave the most that it may cost.
    """
    assert self.jobs[job].customer == empty(address), "such a job is there"
    ledger.balances[msg.sender] -= most
    self.jobs[job].customer = msg.sender
    self.jobs[job].price = most
    self.jobs[job].input = input
    log Posted(job=job, customer=msg.sender, most=most)


@external
def cancel(job: bytes32):
    """
    @notice Take one's money back while nobody has bid.
    """
    assert self.jobs[job].customer == msg.sender, "another's job"
    assert self.jobs[job].miner == empty(address), "somebody has bid"
    ledger.balances[msg.sender] += self.jobs[job].price
    self.jobs[job] = empty(Job)


@external
def bid(job: bytes32, price: uint256):
    """
    @notice Offer to answer for less than anybody so far; what the customer saves is his at once.
    """
    place: uint256 = ledger._place_of(msg.sender)
    assert ledger.stakes[place] >= LEAST_STAKE, "too little at stake"
    customer: address = self.jobs[job].customer
    assert customer != empty(address), "no such job"
    assert self.jobs[job].answer == empty(bytes32), "it is answered"
    before: uint256 = self.jobs[job].price
    assert price < before, "not less"
    ledger.balances[customer] += before - price
    self.jobs[job].price = price
    self.jobs[job].miner = msg.sender


@external
def answer(job: bytes32, found: uint256):
    """
    @notice Answer: the place that the model gives.
    """
    assert self.jobs[job].miner == msg.sender, "another's job"
    assert self.jobs[job].answer == empty(bytes32), "it is answered"
    self.jobs[job].answer = convert(found + 1, bytes32)
    self.jobs[job].answered_at = block.number


@external
def accept(job: bytes32):
    """
    @notice Pay the miner: at once by the customer, by anybody once patience is over.
    """
    miner: address = self.jobs[job].miner
    assert self.jobs[job].answer != empty(bytes32), "there is no answer"
    if msg.sender != self.jobs[job].customer:
        assert block.number >= self.jobs[job].answered_at + PATIENCE, "the customer may object"
    price: uint256 = self.jobs[job].price
    ledger.balances[miner] += price
    self.jobs[job] = empty(Job)
    log Paid(job=job, miner=miner, price=price)


@external
def challenge(job: bytes32, input: Bytes[INPUT_BYTES]):
    """
    @notice Have the model answer, and slash the miner whose answer was another.
    """
    said: bytes32 = self.jobs[job].answer
    assert said != empty(bytes32), "there is no answer"
    assert keccak256(input) == self.jobs[job].input, "another input"
    assert convert(said, uint256) != self._infer(input) + 1, "the answer is right"
    miner: address = self.jobs[job].miner
    place: uint256 = ledger._place_of(miner)
    amount: uint256 = min(ledger.stakes[place], SLASHED)
    ledger.stakes[place] -= amount
    ledger.balances[msg.sender] += amount // 2
    ledger.balances[self.jobs[job].customer] += self.jobs[job].price
    self.jobs[job] = empty(Job)
    log Slashed(job=job, miner=miner, amount=amount)


@internal
@view
def _infer(input: Bytes[INPUT_BYTES]) -> uint256:
    place: Bytes[32] = raw_call(
        RUN,
        concat(HEADER, convert(self.program, bytes20), self.program_hash, input),
        max_outsize=32,
        is_static_call=True,
    )
    return convert(place, uint256)
