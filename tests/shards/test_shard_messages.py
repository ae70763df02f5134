"""Messages between shards: received once, in order, with a proof, or refused without effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.made import SENDERS, signed
from tests.shards.traffic import (
    BURNING,
    CHAIN_ID,
    KEEPING,
    MIMIC,
    PEOPLE,
    REFUSING,
    WEALTH,
    Wallets,
    network,
)

from blockstm.errors import ConfigError, DecodeError, InputError, MessageError, UsageError
from blockstm.ethereum import Account, Header
from blockstm.ethereum.transition.signing import sign
from blockstm.ethereum.tries.list_proof import ListProver, proved_item
from blockstm.ethereum.tries.list_root import list_root
from blockstm.shards import (
    BRIDGE,
    SENDS_MAX,
    Envelope,
    LocalShards,
    Message,
    Network,
    Refusal,
    Round,
    send_data,
)
from blockstm.shards.bridge import AUTHORITY_KEY, SENT, delivery_data, delivery_gas
from blockstm.types import Address


@pytest.fixture
def shards() -> Iterator[LocalShards]:
    with LocalShards(network(), workers=1) as made:
        yield made


def test_a_message_arrives_in_the_next_block(shards: LocalShards) -> None:
    wallets = Wallets()
    shards.advance({0: [wallets.send(0, 0, 1, PEOPLE[0], 7)]})
    assert (shards.in_flight, shards.balance(1, PEOPLE[0])) == (7, 0)
    _, receiver, _ = shards.advance()
    assert (receiver.deliveries, receiver.transactions) == (1, 0)
    assert (shards.in_flight, shards.balance(1, PEOPLE[0])) == (0, 7)
    assert [each.deliveries for each in shards.advance()] == [0, 0, 0]
    assert shards.balance(1, PEOPLE[0]) == 7


def test_a_recipient_is_called_with_the_data_and_one_that_refuses_still_gets_the_value(
    shards: LocalShards,
) -> None:
    wallets = Wallets()
    to = [REFUSING, KEEPING, BURNING, PEOPLE[1]]
    sent = [wallets.send(0, 0, 2, each, 5, b"\x2a" * 32) for each in to]
    shards.advance({0: sent})
    shards.advance()
    assert [shards.balance(2, each) for each in to] == [5] * 4
    chain = shards.shards[2].chain
    state = chain.state_at(2)
    assert (state.storage(KEEPING, 0), state.storage(KEEPING, 1)) == (5, int("2a" * 32, 16))
    [receipt] = chain.receipts(2)
    assert [int.from_bytes(data, "big") for _, _, data in receipt.logs] == [0, 1, 0, 1]
    assert [int.from_bytes(topics[2], "big") for _, topics, _ in receipt.logs] == [0, 1, 2, 3]


def test_what_is_no_message_is_not_sent(shards: LocalShards) -> None:
    wallets = Wallets()
    word = (5).to_bytes(32, "big")
    wrong = [
        send_data(0, PEOPLE[0]),  # to the shard itself
        send_data(3, PEOPLE[0]),  # there is no such shard
        b"\xff" * 64,
        word[:31],
        b"",
        send_data(1, PEOPLE[0]) + bytes(1_025),
    ]
    given = [wallets.signed(0, 0, to=BRIDGE, value=3, data=each) for each in wrong]
    first, *_ = shards.advance({0: given})
    assert first.transactions == len(wrong)
    assert not any(each.succeeded for each in shards.shards[0].chain.receipts(1))
    assert (first.envelopes, shards.in_flight) == ([], 0)


def test_a_block_sends_no_more_than_a_block_of_the_receiver_takes(shards: LocalShards) -> None:
    wallets = Wallets()
    given = [wallets.send(0, 0, 1, PEOPLE[0], 1) for _ in range(SENDS_MAX + 2)]
    other = wallets.send(0, 0, 2, PEOPLE[0], 1)
    first, *_ = shards.advance({0: [*given, other]})
    assert len(first.envelopes) == SENDS_MAX + 1
    succeeded = [each.succeeded for each in shards.shards[0].chain.receipts(1)]
    assert succeeded == [True] * SENDS_MAX + [False] * 2 + [True]
    shards.advance({0: [wallets.send(0, 0, 1, PEOPLE[0], 1)]})
    assert shards.balance(1, PEOPLE[0]) == SENDS_MAX
    shards.advance()
    assert shards.balance(1, PEOPLE[0]) == SENDS_MAX + 1


def test_a_delivery_that_somebody_else_signs_as_the_authority_is_left_out(
    shards: LocalShards,
) -> None:
    forged = Message(0, 1, 0, PEOPLE[0], 10**18, b"")
    wallets = Wallets()
    unsigned = replace(
        wallets.signed(1, 0, to=BRIDGE, value=0, data=delivery_data([forged])), gas=10**6
    )
    by_authority = sign(unsigned, AUTHORITY_KEY, 7_001, protected=True)
    by_alice = Wallets().signed(1, 0, to=BRIDGE, value=0, data=delivery_data([forged]))
    shards.advance({1: [by_authority, by_alice]})
    chain = shards.shards[1].chain
    assert [each.nonce for each in chain.block(1).transactions] == [0]
    assert chain.block(1).senders == (SENDERS[0],)  # it sends something, and delivers nothing
    assert shards.balance(1, PEOPLE[0]) == 0
    # The shard still receives.
    shards.advance({0: [wallets.send(0, 0, 1, PEOPLE[0], 7)]})
    shards.advance()
    assert shards.balance(1, PEOPLE[0]) == 7


# ---- what is refused


@pytest.fixture(scope="module")
def sent() -> Iterator[LocalShards]:
    """Shards whose shard 0 has sent three messages, which nobody has received."""
    with LocalShards(network(), workers=1) as made:
        wallets = Wallets()
        mimicked = b"".join(
            [SENT, (1).to_bytes(32, "big"), bytes(32), bytes(12) + PEOPLE[0], b"\xff" * 32]
        )
        made.advance(
            {
                0: [
                    wallets.send(0, 0, 1, PEOPLE[0], 7),
                    wallets.send(0, 1, 1, PEOPLE[1], 8, b"data"),
                    wallets.send(0, 2, 2, PEOPLE[2], 9),
                    wallets.signed(0, 3, to=MIMIC, value=0, data=mimicked),
                ],
                2: [wallets.send(2, 0, 1, PEOPLE[0], 3)],
            }
        )
        yield made


def given_to_shard_1(shards: LocalShards, envelopes: Any) -> Round:
    return Round(
        2,
        shards.network.first_hashes(),
        [each.header for each in shards.blocks],
        envelopes,
    )


def with_message(envelope: Envelope, **members: Any) -> Envelope:
    return replace(envelope, message=replace(envelope.message, **members))


Change = Callable[[list[Envelope], LocalShards], list[Any]]
REFUSED: dict[str, tuple[Refusal, Change]] = {
    "more value": (Refusal.NOT_PROVED, lambda e, s: [with_message(e[0], value=8), e[1]]),
    "other recipient": (
        Refusal.NOT_PROVED,
        lambda e, s: [with_message(e[0], recipient=PEOPLE[1]), e[1]],
    ),
    "other data": (Refusal.NOT_PROVED, lambda e, s: [with_message(e[0], data=b"x"), e[1]]),
    "other sequence": (
        Refusal.NOT_PROVED,
        lambda e, s: [e[0], with_message(e[1], sequence=2)],
    ),
    "other shard's receipt": (Refusal.NOT_PROVED, lambda e, s: [with_message(e[0], sender=2)]),
    "no nodes": (Refusal.NOT_PROVED, lambda e, s: [replace(e[0], nodes=())]),
    "a changed node": (
        Refusal.NOT_PROVED,
        lambda e, s: [replace(e[0], nodes=(e[0].nodes[0][:-1] + b"\0", *e[0].nodes[1:]))],
    ),
    "nodes that are none": (Refusal.NOT_PROVED, lambda e, s: [replace(e[0], nodes=(3,))]),
    "another receipt": (Refusal.NOT_PROVED, lambda e, s: [replace(e[0], receipt=1)]),
    "no such receipt": (Refusal.NOT_PROVED, lambda e, s: [replace(e[0], receipt=40)]),
    "a receipt below none": (Refusal.NOT_PROVED, lambda e, s: [replace(e[0], receipt=-1)]),
    "no such log": (Refusal.NOT_PROVED, lambda e, s: [replace(e[0], log=1)]),
    "a log that is no number": (Refusal.NOT_PROVED, lambda e, s: [replace(e[0], log=None)]),
    "a contract that mimics the bridge": (Refusal.NOT_PROVED, lambda e, s: [mimicked(s)]),
    "an unknown shard": (Refusal.UNKNOWN_SHARD, lambda e, s: [with_message(e[0], sender=9)]),
    "from itself": (Refusal.UNKNOWN_SHARD, lambda e, s: [with_message(e[0], sender=1)]),
    "for another": (Refusal.OTHER_SHARD, lambda e, s: [s.blocks[0].envelopes[2]]),
    "made to be for this one": (
        Refusal.NOT_PROVED,
        lambda e, s: [with_message(s.blocks[0].envelopes[2], receiver=1)],
    ),
    "twice": (Refusal.REPLAYED, lambda e, s: [e[0], e[1], e[0]]),
    "the second without the first": (Refusal.OUT_OF_ORDER, lambda e, s: [e[1]]),
    "headers that lead nowhere": (
        Refusal.UNKNOWN_HEADER,
        lambda e, s: [replace(e[0], headers=(s.blocks[2].header,)), e[1]],
    ),
    "headers that are none": (Refusal.MALFORMED, lambda e, s: [replace(e[0], headers=(b"",))]),
    "a list of headers": (Refusal.MALFORMED, lambda e, s: [replace(e[0], headers=[])]),
    "nothing": (Refusal.MALFORMED, lambda e, s: [None]),
    "a message that is none": (Refusal.MALFORMED, lambda e, s: [replace(e[0], message=b"")]),
    "a value that is no number": (
        Refusal.MALFORMED,
        lambda e, s: [with_message(e[0], value="7")],
    ),
    "a sequence below none": (Refusal.MALFORMED, lambda e, s: [with_message(e[0], sequence=-1)]),
    "a short recipient": (
        Refusal.MALFORMED,
        lambda e, s: [with_message(e[0], recipient=Address(b"\1"))],
    ),
}


def mimicked(shards: LocalShards) -> Envelope:
    """An envelope of a log that looks like a message, and is not the bridge's."""
    receipts = shards.shards[0].chain.receipts(1)
    nodes = ListProver([each.encode() for each in receipts]).prove(3)
    assert receipts[3].logs[0][1][0] == SENT
    return Envelope(Message(0, 1, 0, PEOPLE[0], (1 << 256) - 1, b""), 3, 0, nodes)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_proved_is_refused_and_has_no_effect(what: str, sent: LocalShards) -> None:
    reason, change = REFUSED[what]
    envelopes = list(sent.blocks[0].envelopes[:2])
    shard = sent.shards[1]
    with pytest.raises(MessageError) as refused:
        shard.advance(given_to_shard_1(sent, change(envelopes, sent)))
    assert refused.value.reason is reason
    assert shard.number == 1
    assert shard.account(PEOPLE[0]) is None


def test_headers_that_do_not_follow_from_what_is_known_are_refused(sent: LocalShards) -> None:
    shard = sent.shards[1]
    right = given_to_shard_1(sent, ())
    headers = list(right.headers)
    later = replace(headers[0], timestamp=headers[0].timestamp + 1)
    longer = replace(headers[0], parent_hash=headers[0].hash, number=2)
    other_self = replace(headers[1], timestamp=99)
    wrong = [
        replace(right, before=right.before[::-1]),
        replace(right, headers=headers[:2]),
        replace(right, headers=[headers[2], *headers[1:]]),
        replace(right, headers=[longer, *headers[1:]]),
        replace(right, headers=[replace(later, parent_hash=bytes(32)), *headers[1:]]),
        replace(right, headers=[headers[0], other_self, headers[2]]),
        replace(right, headers=[b"", *headers[1:]]),
    ]
    for given in wrong:
        with pytest.raises(MessageError) as refused:
            shard.advance(given)
        assert refused.value.reason in (Refusal.UNKNOWN_HEADER, Refusal.MALFORMED)
    with pytest.raises(UsageError, match="not the next"):
        shard.advance(replace(right, number=3))
    assert shard.number == 1


def test_a_message_may_come_late_by_headers_and_not_again(shards: LocalShards) -> None:
    """Shard 1 is given nothing in block 2, and all in block 3."""
    wallets = Wallets()
    shards.advance({0: [wallets.send(0, 0, 1, PEOPLE[0], 7)]})
    [envelope] = shards.blocks[0].envelopes
    first = [each.header for each in shards.blocks]
    before = shards.network.first_hashes()
    second = [each.advance(Round(2, before, first)).header for each in shards.shards]
    hashes = [each.hash for each in first]
    late = replace(envelope, headers=(first[0],))
    shard = shards.shards[1]
    with pytest.raises(MessageError) as refused:
        shard.advance(Round(3, hashes, second, [envelope]))
    assert refused.value.reason is Refusal.NOT_PROVED
    shard.advance(Round(3, hashes, second, [late]))
    account = shard.account(PEOPLE[0])
    assert account is not None
    assert account.balance == 7
    third = [
        each.advance(Round(3, hashes, second)).header if each is not shard else each.block(3).header
        for each in shards.shards
    ]
    again = replace(envelope, headers=(first[0], second[0]))
    with pytest.raises(MessageError) as refused:
        shard.advance(Round(4, [each.hash for each in second], third, [again]))
    assert refused.value.reason is Refusal.REPLAYED


# ---- proofs of lists


@pytest.mark.parametrize("count", [1, 2, 17, 128, 129, 300])
def test_each_item_of_a_list_is_proved_and_no_other(count: int) -> None:
    items = [b"%d" % index * (index % 60 + 1) for index in range(count)]
    root, prover = list_root(items), ListProver(items)
    for index in {0, 1, 15, 127, 128, count - 1} & set(range(count)):
        nodes = prover.prove(index)
        assert proved_item(root, index, nodes) == items[index]
        with pytest.raises(DecodeError):
            proved_item(list_root([*items, b"x"]), index, nodes)
        with pytest.raises(DecodeError):
            proved_item(root, index, nodes[1:])
    with pytest.raises(DecodeError, match="no item"):
        proved_item(root, count, prover.prove(count))
    for nodes in (None, [None], 5):
        with pytest.raises(InputError, match="sequence of bytes"):
            proved_item(root, 0, nodes)  # type: ignore[arg-type]  # what a caller may pass


# ---- networks


def test_a_network_that_cannot_be_is_refused() -> None:
    people = {SENDERS[0]: Account(WEALTH)}
    wrong: list[Callable[[], Any]] = [
        lambda: Network((people,)),
        lambda: Network.alike(people, 65),
        lambda: Network.alike(people, 1),
        lambda: Network.alike(people, "8"),  # type: ignore[arg-type]  # what a caller may pass
        lambda: Network.alike(people, 4, chain_id=0),
        lambda: Network.alike(people, 4, gas_limit=100),
        lambda: Network([3, 4]),  # type: ignore[list-item]  # what a caller may pass
        lambda: Network.alike({SENDERS[0]: 5}, 4),  # type: ignore[dict-item]  # the same
        lambda: Network.alike(people, 4).genesis(4),
        lambda: send_data(-1, PEOPLE[0]),
        lambda: send_data(1, b"\1"),
        lambda: send_data(1, PEOPLE[0], bytes(1_025)),
    ]
    for make in wrong:
        with pytest.raises(ConfigError):
            make()
    with LocalShards(network(2), workers=1) as shards:
        for act in (lambda: shards.advance({2: []}), lambda: shards.account(2, PEOPLE[0])):
            with pytest.raises(ConfigError, match="shards 0 to 1"):
                act()


def test_a_message_brings_no_more_than_a_bridge_has() -> None:
    most = 1 << 120
    with pytest.raises(ConfigError, match="can pay out"):
        Network([{SENDERS[0]: Account(most)}, {SENDERS[1]: Account(1)}])
    rich = Network([{SENDERS[0]: Account(most)}, {}], CHAIN_ID)
    with LocalShards(rich, workers=1) as shards:
        value = most - 10**18
        shards.advance({0: [Wallets().send(0, 0, 1, PEOPLE[0], value)]})
        shards.advance()
        assert shards.balance(1, PEOPLE[0]) == value


def test_what_is_no_round_and_no_transaction_is_an_input_error() -> None:
    with LocalShards(network(2), workers=1) as shards:
        hashes, headers = shards.network.first_hashes(), [each.header for each in shards.blocks]
        wrong: list[Callable[[Any], Any]] = [
            lambda bad: shards.advance(bad),
            lambda bad: shards.advance({0: bad}),
            lambda bad: shards.advance({0: [bad]}),
            lambda bad: shards.account(0, bad),
            lambda bad: shards.shards[0].advance(bad),
            lambda bad: Round(bad, hashes, headers),
            lambda bad: Round(1, bad, headers),
            lambda bad: Round(1, [bad, bad], headers),
            lambda bad: Round(1, hashes, bad),
            lambda bad: Round(1, hashes, headers, bad),
            lambda bad: Round(1, hashes, headers, (), bad),
            lambda bad: Round(1, hashes, headers, (), [bad]),
        ]
        for ask in wrong:
            for bad in (None, "x", 1.5, True, iter(())):
                with pytest.raises(InputError):
                    ask(bad)
        for shard in (True, 1.0, "0", None, -1):
            with pytest.raises(ConfigError, match="shards 0 to 1"):
                shards.account(shard, PEOPLE[0])  # type: ignore[arg-type]  # what a caller may pass
        assert [each.number for each in shards.shards] == [0, 0]


def test_a_round_that_broke_off_is_gone_on_with_and_loses_no_transaction() -> None:
    wallets = Wallets()
    pays = [wallets.pay(shard, 0, PEOPLE[0], 5 + shard) for shard in range(3)]
    later = wallets.pay(0, 1, PEOPLE[0], 70)
    with LocalShards(network(), workers=1) as shards, LocalShards(network(), workers=1) as other:
        with pytest.raises(InputError, match="a transaction is"):
            shards.advance({0: [pays[0]], 1: [b"junk"]})  # type: ignore[list-item]  # what a caller may pass
        assert [each.number for each in shards.shards] == [0, 0, 0]
        second, keep = shards.shards[1], shards.shards[1].advance
        second.advance = breaks_off  # type: ignore[method-assign]  # as Ctrl-C does
        with pytest.raises(KeyboardInterrupt):
            shards.advance({0: [pays[0]], 1: [later]})
        second.advance = keep  # type: ignore[method-assign]  # as Ctrl-C does
        assert (shards.number, [each.number for each in shards.shards]) == (0, [1, 0, 0])
        for others in ({0: [later]}, {}, {0: [pays[0], later]}):
            with pytest.raises(UsageError, match="shard 0 has block 1 already"):
                shards.advance(others)
        given = {shard: [pays[shard]] for shard in range(3)}  # 1 and 2 are free to have others
        assert shards.advance(given) == other.advance(given)
        assert shards.advance({0: [later]}) == other.advance({0: [later]})
        assert shards.balance(0, PEOPLE[0]) == 75


def test_nothing_is_sent_to_a_bridge(shards: LocalShards) -> None:
    with pytest.raises(ConfigError, match="bridge"):
        send_data(1, BRIDGE)
    wallets = Wallets()
    receiver = send_data(1, PEOPLE[0])[:32]
    calls = [receiver + above * 12 + BRIDGE for above in (b"\0", b"\xff")]
    before = shards.balance(0, SENDERS[0])
    given = [wallets.signed(0, 0, to=BRIDGE, value=10**15, data=each) for each in calls]
    block, *_ = shards.advance({0: given})
    assert (block.transactions, len(block.envelopes), shards.in_flight) == (2, 0, 0)
    assert before - shards.balance(0, SENDERS[0]) < 10**15  # fees alone


@pytest.mark.parametrize("count", [2, 5, 45])
def test_deliveries_alone_fill_less_than_half_of_a_block(count: int) -> None:
    largest = Message(0, 1, 0, PEOPLE[0], 1, bytes(range(1, 129)) * 8)
    gas = count * delivery_gas([largest] * SENDS_MAX)
    accounts = {SENDERS[0]: Account(1)}
    with pytest.raises(ConfigError, match="gas or more"):
        Network.alike(accounts, count, gas_limit=2 * gas - 1)
    Network.alike(accounts, count, gas_limit=2 * gas + 600_000 * count)


def breaks_off(given: Round) -> Any:
    raise KeyboardInterrupt


def test_a_message_arrives_however_high_the_base_fee_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockstm.shards.network._BASE_FEE", 1 << 95)
    rich = Network([{SENDERS[0]: Account(1 << 118)}, {}], CHAIN_ID)
    call = {"to": BRIDGE, "value": 9, "data": send_data(1, PEOPLE[0])}
    sends = signed(0, CHAIN_ID, nonce=0, gas_price=1 << 96, gas=300_000, **call)
    with LocalShards(rich, workers=1) as shards:
        shards.advance({0: [sends]})
        shards.advance()
        assert shards.blocks[1].header.base_fee_per_gas > 1 << 94
        assert shards.balance(1, PEOPLE[0]) == 9


def test_a_header_that_links_is_not_believed_against_ones_own_judgement(
    shards: LocalShards,
) -> None:
    """Made up around a receipt of one's own: it links and proves its message."""
    first = shards.advance({0: [Wallets().send(0, 0, 1, PEOPLE[0], 7)]})
    true = {(each.shard, each.header.hash) for each in first}
    headers = [each.header for each in first]
    made_up = replace(headers[0], extra_data=b"made up")
    right = Round(2, network().first_hashes(), headers, first[0].envelopes)
    shard = shards.shards[1]

    def trust(number: int, header: Header) -> bool:
        asked.append(number)
        return (number, header.hash) in true

    asked: list[int] = []
    with pytest.raises(MessageError) as refused:
        shard.advance(replace(right, headers=[made_up, *headers[1:]]), trust=trust)
    assert refused.value.reason is Refusal.UNTRUSTED_HEADER
    assert (shard.chain.head.number, asked) == (1, [0])

    def unsure(number: int, header: Header) -> bool:
        raise LookupError("no bundle of it yet")

    with pytest.raises(LookupError, match="no bundle of it yet"):
        shard.advance(right, trust=unsure)
    assert (shard.chain.head.number, asked) == (1, [0])
    made = shard.advance(right, trust=trust)
    assert (made.number, made.deliveries, asked) == (2, 1, [0, 0, 2])
