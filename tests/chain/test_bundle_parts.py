"""Parts of a bundle, each checked by itself; what all of them let pass, the whole lets pass."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.chain.growing import COUNTER, child, genesis, random_transactions
from tests.ethereum.made import SENDERS, signed

from blockstm.chain import Chain, prove_block
from blockstm.cli import main
from blockstm.errors import BlockError, DecodeError, InputError, InvalidBlock, MissingNode
from blockstm.ethereum import Bundle, ChunkProof, Receipt, join_chunks, verify_part
from blockstm.ethereum.blocks.access_list import AccountAccess, BlockAccessList
from blockstm.ethereum.codecs.rlp import decode, encode
from blockstm.ethereum.tries.list_root import list_root
from blockstm.ethereum.witnesses.commitment import CHUNK_SIZE, commitment
from blockstm.types import Address

BLOCKS = 6


def grown(fork: str) -> Chain:
    draw = random.Random(9)
    members = {"slot_number": 1} if fork == "amsterdam" else {}
    chain = Chain.in_memory(genesis(fork), workers=1)
    for number in range(1, BLOCKS + 1):
        made = (
            busy(chain) if number == BLOCKS else random_transactions(chain, chain.head.hash, draw)
        )
        chain.import_block(child(chain, None, made, **members))
        if members:
            members["slot_number"] += 1
    return chain


def busy(chain: Chain) -> list[Any]:
    """Transactions that depend on each other: on a slot, on what one before has paid."""
    state, made = chain.state_at(chain.head.hash), []
    for key in range(4):
        account = state.account(SENDERS[key])
        nonce = account.nonce if account else 0
        data = (7).to_bytes(32, "big") + (key // 2 + 1).to_bytes(32, "big")
        calls = [{"to": COUNTER, "data": data}, {"to": SENDERS[(key + 1) % 4], "value": 5}]
        for place, call in enumerate(calls):
            members = {"value": 0, "gas": 200_000, **call}
            made.append(signed(key, nonce=nonce + place, gas_price=10**9, **members))
    return made


@pytest.fixture(scope="module", params=["cancun", "prague", "amsterdam"])
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    with grown(request.param) as chain:
        yield chain


def parts_of(bundle: Bundle) -> list[int | str]:
    return ["start", *range(len(bundle.block.transactions)), "end"]


def many(chain: Chain) -> Bundle:
    """The bundle of the block with the most transactions."""
    bundles = [prove_block(chain, number) for number in range(1, BLOCKS + 1)]
    return max(bundles, key=lambda bundle: len(bundle.block.transactions))


def test_every_part_of_a_block_is_checked_alone(chain: Chain) -> None:
    for number in range(1, BLOCKS + 1):
        bundle = Bundle.decode(prove_block(chain, number).encode())
        gas = [verify_part(bundle, part, chain=chain.spec) for part in parts_of(bundle)]
        assert gas[0] == gas[-1] == 0
        receipts = [*map(Receipt.decode, bundle.receipts)]
        assert sum(gas) == (receipts[-1].cumulative_gas_used if receipts else 0)


def changed(account: AccountAccess, name: str, place: int, value: Any) -> AccountAccess:
    changes = list(getattr(account, name))
    changes[place] = (changes[place][0], value(changes[place][1]))
    return replace(account, **{name: tuple(changes)})


def lies(listed: BlockAccessList) -> Iterator[tuple[bytes, int, BlockAccessList]]:
    """Lists with one value changed: of whom, at which block access index."""
    for at, account in enumerate(listed.accounts):
        for lie, index in lies_of(account):
            accounts = (*listed.accounts[:at], lie, *listed.accounts[at + 1 :])
            yield account.address, index, BlockAccessList(accounts)


def lies_of(account: AccountAccess) -> Iterator[tuple[AccountAccess, int]]:
    for name in ("balance_changes", "nonce_changes"):
        for place, (index, _) in enumerate(getattr(account, name)):
            yield changed(account, name, place, lambda value: value + 1), index
    for place, (index, _) in enumerate(account.code_changes):
        yield changed(account, "code_changes", place, lambda code: code + b"\0"), index
    for at, (slot, changes) in enumerate(account.storage_changes):
        for place, (index, value) in enumerate(changes):
            lie = (*changes[:place], (index, value + 1), *changes[place + 1 :])
            slots = (*account.storage_changes[:at], (slot, lie), *account.storage_changes[at + 1 :])
            yield replace(account, storage_changes=slots), index


def test_a_wrong_link_is_named_by_whose_it_is(chain: Chain) -> None:
    bundle = many(chain)
    parts = parts_of(bundle)
    found = 0
    for address, index, lie in lies(BlockAccessList.decode(bundle.access_list)):
        wrong = replace(bundle, access_list=lie.encode())
        with pytest.raises((DecodeError, InvalidBlock)) as caught:
            verify_part(wrong, parts[index], chain=chain.spec)
        if bundle.block.header.block_access_list_hash is not None:
            assert "access list hash" in str(caught.value)  # the header names the list
        else:
            assert f"account 0x{address.hex()}" in str(caught.value)
            assert f"blockAccessIndex {index:#x}" in str(caught.value)
        found += 1
    assert found > 10


def test_an_entry_that_nobody_makes_is_named() -> None:
    with grown("cancun") as chain:
        bundle = many(chain)
        listed = BlockAccessList.decode(bundle.access_list)
        first = listed.accounts[0]
        more = replace(first, balance_changes=((0, 5), *first.balance_changes))
        wrong = replace(bundle, access_list=BlockAccessList((more, *listed.accounts[1:])).encode())
        with pytest.raises(
            DecodeError, match=r"balanceChanges blockAccessIndex 0x0: expected none"
        ):
            verify_part(wrong, "start", chain=chain.spec)


def late(account: AccountAccess, index: int) -> Iterator[AccountAccess]:
    """The account with a change more, at an index after those that it has."""
    for name, value in (("balance_changes", 5), ("nonce_changes", 5), ("code_changes", b"\0")):
        yield replace(account, **{name: (*getattr(account, name), (index, value))})
    for at, (slot, changes) in enumerate(account.storage_changes):
        slots = list(account.storage_changes)
        slots[at] = (slot, (*changes, (index, 7)))
        yield replace(account, storage_changes=tuple(slots))


def with_list(bundle: Bundle, listed: BlockAccessList) -> Bundle:
    """The bundle with another list, to which its header commits where it does to any."""
    block = bundle.block
    if block.header.block_access_list_hash is not None:
        header = replace(block.header, block_access_list_hash=listed.hash)
        block = replace(block, header=header, access_list=None)
    return replace(bundle, block=block, access_list=listed.encode())


def test_a_change_after_the_end_is_named_by_every_part(chain: Chain) -> None:
    bundle = many(chain)
    listed = BlockAccessList.decode(bundle.access_list)
    index = len(bundle.block.transactions) + 2
    nobody = AccountAccess(Address(b"\xff" * 20))
    assert any(account.storage_changes for account in listed.accounts)
    for at, account in enumerate((*listed.accounts, nobody)):
        for more in late(account, index):
            accounts = (*listed.accounts[:at], more, *listed.accounts[at + 1 :])
            wrong = with_list(bundle, BlockAccessList(accounts))
            for part in parts_of(bundle)[:: len(bundle.block.transactions)]:
                with pytest.raises(DecodeError, match=rf"blockAccessIndex {index:#x}, and"):
                    verify_part(wrong, part, chain=chain.spec)


@pytest.mark.parametrize("fork", ["cancun", "prague"])
def test_a_transaction_for_which_there_is_no_gas_is_named(fork: str) -> None:
    from tests.chain.test_bundles import verified

    with grown(fork) as chain:
        bundle = many(chain)
        block = bundle.block
        *others, old = block.transactions
        left = block.header.gas_limit - Receipt.decode(bundle.receipts[-2]).cumulative_gas_used
        for gas, is_valid in ((left, True), (left + 1, False)):
            new = signed(
                3, nonce=old.nonce, gas_price=old.gas_price, to=old.to, value=old.value, gas=gas
            )
            listed = (*others, new)  # the bundle has no hashes of them
            root = list_root([each.encode() for each in listed])
            header = replace(block.header, transactions_root=root)
            wrong = replace(bundle, block=replace(block, header=header, transactions=listed))
            for check in (
                lambda bundle: verified(bundle, chain.spec),
                *(partial(verify_part, part=part, chain=chain.spec) for part in parts_of(bundle)),
            ):
                if is_valid:
                    check(wrong)
                else:
                    with pytest.raises(InvalidBlock, match="gas above block") as caught:
                        check(wrong)
                    assert caught.value.index == len(others)


def test_an_account_that_is_not_listed_is_named() -> None:
    with grown("cancun") as chain:
        bundle = many(chain)
        listed = BlockAccessList.decode(bundle.access_list)
        refused = 0
        for at in range(len(listed.accounts)):
            accounts = listed.accounts[:at] + listed.accounts[at + 1 :]
            wrong = replace(bundle, access_list=BlockAccessList(accounts).encode())
            for part in parts_of(bundle):
                try:
                    verify_part(wrong, part, chain=chain.spec)
                except (BlockError, DecodeError):
                    refused += 1
                    break
        assert refused == len(listed.accounts)


def test_a_wrong_receipt_is_named(chain: Chain) -> None:
    bundle = many(chain)
    wrong = replace(bundle, receipts=(bundle.receipts[0], *bundle.receipts[:-1]))
    with pytest.raises(InvalidBlock, match=r"receipts root|gas used"):
        verify_part(wrong, 1, chain=chain.spec)
    with pytest.raises(DecodeError, match="not as many"):
        verify_part(replace(bundle, receipts=()), 0, chain=chain.spec)


@pytest.mark.parametrize("part", [-1, 99, "middle", 1.0, None, True])
def test_a_part_that_is_none_is_refused(chain: Chain, part: Any) -> None:
    with pytest.raises(InputError, match="a part is"):
        verify_part(prove_block(chain, 1), part, chain=chain.spec)


def test_parts_want_a_list_and_a_fork_that_names_all() -> None:
    with grown("shanghai") as chain, pytest.raises(InputError, match="from Cancun on"):
        verify_part(prove_block(chain, 1), "start", chain=chain.spec)
    with grown("cancun") as chain:
        first = replace(prove_block(chain, 1), hints=None, access_list=b"")
        assert first.version == 1
        with pytest.raises(InputError, match="version 1"):
            verify_part(first, "start", chain=chain.spec)


def test_a_witness_without_a_node_proves_no_part_that_reads_it(chain: Chain) -> None:
    bundle = many(chain)
    nodes = bundle.witness.nodes
    for at in range(len(nodes)):
        lacking = replace(bundle.witness, nodes=nodes[:at] + nodes[at + 1 :])
        found = []
        for part in parts_of(bundle):
            try:
                found.append(verify_part(replace(bundle, witness=lacking), part, chain=chain.spec))
            except (BlockError, MissingNode, InputError):
                found.append(-1)
        assert -1 in found


# ---- versions


def test_a_bundle_of_the_first_version_is_read_and_compared() -> None:
    from tests.chain.test_bundles import verified

    with grown("shanghai") as chain:
        first = replace(prove_block(chain, 2), hints=None, access_list=b"")
        again = Bundle.decode(first.encode())
        assert again.version == 1
        assert len(decode(first.encode()[32:])) == 11
        verified(again, chain.spec)
        with pytest.raises(DecodeError, match="accessList"):
            verified(replace(again, access_list=b"\xc0"), chain.spec)


def test_wrong_hints_are_named(chain: Chain) -> None:
    from tests.chain.test_bundles import verified

    bundle = many(chain)
    assert bundle.hints is not None
    assert any(bundle.hints)
    place = next(place for place, needed in enumerate(bundle.hints) if needed)
    lie = (*bundle.hints[:place], (), *bundle.hints[place + 1 :])
    with pytest.raises(DecodeError, match=rf"hints\[{place}\]"):
        verified(replace(bundle, hints=lie), chain.spec)


@pytest.mark.parametrize("fork", ["cancun", "amsterdam"])
def test_without_accesses_a_bundle_is_of_the_first_version(fork: str) -> None:
    import blockstm
    from blockstm.ethereum import WitnessState

    with grown(fork) as chain:
        proved = prove_block(chain, 1)
        parent, hashes = proved.witness.ancestry(proved.block)
        executed = blockstm.execute_block(
            *(proved.block, WitnessState(proved.witness), "evm"),
            chain=chain.spec, parent=parent, block_hashes=hashes,
        )  # fmt: skip
        with pytest.raises(InputError, match="accesses=True"):
            proved.compare(executed)  # its hints would go unseen
        bundle = Bundle.of(
            *(proved.block, proved.witness, executed),
            engine="test", chain_id=int(chain.spec.chain_id), difficulty=proved.difficulty,
        )  # fmt: skip
        again = Bundle.decode(bundle.encode())
        assert (again.version, again.hints) == (1, None)
        assert bool(again.access_list) == (fork == "amsterdam")
        again.compare(executed)
        with pytest.raises(DecodeError, match="receipts"):
            replace(again, receipts=again.receipts[1:]).compare(executed)


# ---- commands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with grown("prague") as chain:
        bundle = many(chain)
    (tmp_path / "block.bundle").write_bytes(bundle.encode())
    return tmp_path


def test_the_command_checks_a_part(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "block.bundle"
    bundle = Bundle.decode(path.read_bytes())
    verify = ["verify", str(path), "--fork", "prague", "--transaction"]
    gas = 0
    for part in parts_of(bundle):
        assert main([*verify, str(part), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["verdict"], said["transaction"]) == ("valid", part)
        gas += said["gas_used"]
    assert gas == bundle.block.header.gas_used
    assert main([*verify, "0"]) == 0
    assert "transaction 0 valid" in capsys.readouterr().out
    assert main([*verify, "99"]) == 2
    listed = BlockAccessList.decode(bundle.access_list)
    address, _, lie = next(each for each in lies(listed) if 0 < each[1] <= 1)
    path.write_bytes(replace(bundle, access_list=lie.encode()).encode())
    assert main([*verify, "0"]) == 1
    assert f"0x{address.hex()}" in capsys.readouterr().out


def test_a_part_wants_a_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[1] / "data" / "mainnet" / "2675001.json.xz"
    witness = path.parents[1] / "mainnet-witness" / "2675001.json.xz"
    assert main(["verify", str(path), "--witness", str(witness), "--transaction", "0"]) == 2
    assert "takes a bundle" in capsys.readouterr().err


def test_a_bundle_travels_in_chunks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, chunks = folder / "block.bundle", folder / "block.bundle.chunks"
    bundle = Bundle.decode(path.read_bytes())
    assert main(["chunks", "prove", str(path)]) == 0
    files = sorted(chunks.iterdir())
    assert len(files) == bundle.chunk_count > 2
    root = ["--bundle", f"0x{bundle.hash.hex()}"]
    assert main(["chunks", "verify", *map(str, files), *root]) == 0
    joined = folder / "joined.bundle"
    assert main(["chunks", "join", *map(str, files[::-1]), *root, "--output", str(joined)]) == 0
    assert joined.read_bytes() == path.read_bytes()
    capsys.readouterr()
    assert main(["chunks", "join", *map(str, files[1:]), *root, "--output", str(joined)]) == 1
    assert "is missing" in capsys.readouterr().err
    data = files[0].read_bytes()
    files[0].write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert main(["chunks", "verify", *map(str, files), *root]) == 1
    printed = capsys.readouterr().out
    assert printed.count("NOT PROVED") == 1
    assert printed.count(": proved") == len(files) - 1
    files[0].write_bytes(b"none")
    assert main(["chunks", "verify", str(files[0]), *root]) == 1
    assert main(["chunks", "prove", str(path), "--index", "999"]) == 2
    assert main(["chunks", "prove", str(files[0])]) == 2
    assert main(["chunks", "verify", str(files[1]), "--bundle", "0x11"]) == 2


def test_a_chunks_encoding_is_the_only_one() -> None:
    data = random.Random(1).randbytes(5 * CHUNK_SIZE + 3)
    root = commitment(data)
    with grown("prague") as chain:
        bundle = many(chain)
    proof = bundle.prove_chunk(1)
    assert ChunkProof.decode(proof.encode()) == proof
    draw = random.Random(2)
    encoding = proof.encode()
    for _ in range(500):
        at, bit = draw.randrange(len(encoding)), 1 << draw.randrange(8)
        try:
            found = ChunkProof.decode(
                encoding[:at] + bytes([encoding[at] ^ bit]) + encoding[at + 1 :]
            )
        except DecodeError:
            continue
        with pytest.raises(DecodeError):
            found.check(bundle.hash)
    with pytest.raises(DecodeError):
        ChunkProof.decode(encode([1, 2, b"", []])[:-1])
    with pytest.raises(DecodeError, match="chunk 0 is missing"):
        join_chunks([], root)
