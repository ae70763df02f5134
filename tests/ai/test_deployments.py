"""A compiled model deployed by transactions, called in blocks; inferences that others verify."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from typing import Any

import pytest
from tests.evm.world_blocks import SENDERS, context, transaction, world

from blockstm import ai
from blockstm.ai.building import Builder
from blockstm.ai.deployment import initcode
from blockstm.ai.inference import Inference
from blockstm.ai.model import CODE_BYTES, Model, Scale, Tensor
from blockstm.errors import DecodeError, InputError, PrecompileFailure
from blockstm.ethereum import Message, estimate_gas
from blockstm.ethereum.codecs import rlp
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import AccountState
from blockstm.testing import assert_serial_equivalent
from blockstm.types import Address
from blockstm.vm.evm import Evm

FORK = "cancun"
RUN = ai.ADDRESSES["run"]


def made(width: int = 700, seed: int = 1) -> Model:
    """A network of two layers with weights in several codes."""
    rng = random.Random(seed)
    builder = Builder(64)
    hidden = builder.add(
        "product", [1, 64, width, 0], [builder.input, rng.randbytes(64 * width), None], 4 * width
    )
    scaling = [struct.pack("<i", 2**30), bytes([40])]
    rounded = builder.add("requantise", [1, 1, width, 3, 3, 127], [hidden, *scaling], width)
    bias = struct.pack("<10i", *range(-5, 5))
    sums = builder.add("product", [1, width, 10, 0], [rounded, rng.randbytes(10 * width), bias], 40)
    places = builder.add("top", [1, 10, 2, 1], [sums], 64)
    instructions, constants, register = builder.finish(places)
    given = Tensor("image", "int8", (64,), (Scale(0.5, -3),))
    output = Tensor("places", "words", (2,))
    return Model("two layers", given, output, tuple(instructions), constants, register, 74 * width)


MODEL = made()
INPUTS = [random.Random(seed).randbytes(64) for seed in range(6)]


def creations(deployment: ai.Deployment) -> list[Any]:
    steps = deployment.steps
    return [
        transaction(0, None, nonce=step.nonce, data=step.initcode, gas=step.gas) for step in steps
    ]


def block_of(deployment: ai.Deployment) -> list[Any]:
    """Asks before the model is there, deploys it, asks again."""
    asked = [
        transaction(1 + turn, deployment.contract, data=data, gas=2_000_000)
        for turn, data in enumerate(INPUTS)
    ]
    return [asked[0], *creations(deployment), *asked[1:]]


@pytest.mark.parametrize("fork", ["istanbul", "cancun"])
def test_a_model_is_deployed_and_called_in_one_block(fork: str) -> None:
    deployment = ai.Deployment(MODEL, Address(SENDERS[0]))
    assert [step.what for step in deployment.steps] == [*["weights"] * 3, "program", "contract"]
    evm = Evm(fork, context(fork), precompiles=ai.precompiles())
    steps = block_of(deployment)
    checked = assert_serial_equivalent(
        steps, AccountState(world()), evm, schedules=4, reference_vm=evm
    )
    assert checked.result is not None
    outcomes = checked.result.outcomes
    assert all(outcome.value.succeeded for outcome in outcomes)
    state = AccountState(world())
    state.apply(checked.result.writes)
    for step in deployment.steps:
        account = state.account(step.address)
        assert account is not None
        assert state.code(account.code_hash) == step.code
    assert outcomes[0].value.output == b""  # nobody was there yet
    answers = [outcome.value.output for outcome in outcomes[1 + len(deployment.steps) :]]
    assert answers == [MODEL.run(data) for data in INPUTS[1:]]


def test_on_amsterdam_a_model_is_deployed_with_the_gas_that_is_estimated() -> None:
    """A byte of code costs more there (EIP-8037): the file's gas, which lasts to Osaka, is less."""
    model = made(width=20)
    deployment = ai.Deployment(model, Address(SENDERS[0]))
    block = replace(context("cancun"), gas_limit=500_000_000)
    evm = Evm("amsterdam", block, precompiles=ai.precompiles())
    state = AccountState(world())
    gas = [
        estimate_gas(
            state, Message(sender=Address(SENDERS[0]), data=step.initcode), fork="amsterdam"
        )
        for step in deployment.steps
    ]
    for limits, succeeds in ((gas, True), ([step.gas for step in deployment.steps], False)):
        steps = [
            transaction(0, None, nonce=step.nonce, data=step.initcode, gas=limit)
            for step, limit in zip(deployment.steps, limits, strict=True)
        ]
        asked = transaction(1, deployment.contract, data=INPUTS[0], gas=2_000_000)
        checked = assert_serial_equivalent(
            [*steps, asked], state, evm, schedules=2, reference_vm=evm
        )
        assert checked.result is not None
        values = [outcome.value for outcome in checked.result.outcomes]
        assert [value.succeeded for value in values[:-1]] == [succeeds] * len(steps)
        assert values[-1].output == (model.run(INPUTS[0]) if succeeds else b"")


def test_an_input_of_another_size_reverts() -> None:
    deployment = ai.Deployment(MODEL, Address(SENDERS[0]))
    wrong = transaction(1, deployment.contract, data=INPUTS[0][:-1], gas=2_000_000)
    evm = Evm(FORK, context(FORK), precompiles=ai.precompiles())
    checked = assert_serial_equivalent(
        [*creations(deployment), wrong], AccountState(world()), evm, schedules=2, reference_vm=evm
    )
    assert checked.result is not None
    assert checked.result.outcomes[-1].value.error == "reverted"


def test_every_kernel_and_every_code_limit_give_the_same() -> None:
    for data in INPUTS:
        answers = {MODEL.run(data, kernel=kernel) for kernel in ai.kernels()}
        for limit in (100_000, 2_000):
            deployment = ai.Deployment(MODEL, Address(SENDERS[0]), 7, limit)
            asked = ai.call_data("run", (), [data], [deployment.program])
            answers.add(ai.call("run", asked, deployment.codes).output)
        assert len(answers) == 1


def test_codes_that_are_equal_are_each_in_its_place() -> None:
    """Off chain too, where equal codes have one address: two of zeros, then a table, then ones."""
    part = CODE_BYTES - 1  # without the STOP that each begins with
    zeros, ones, table = bytes(2 * part), b"\1" * 64, bytes(range(255, -1, -1))
    builder = Builder(64)
    columns = len(zeros) // 50
    builder.add("product", [1, 50, columns, 0], [builder.input, zeros, None], 4 * columns)
    looked_up = builder.add("table", [64], [builder.input, table], 64)
    sums = builder.add("product", [1, 64, 1, 0], [looked_up, ones, None], 4)
    instructions, constants, register = builder.finish(sums)
    given, output = Tensor("bytes", "int8", (64,), (Scale(1),)), Tensor("sum", "int32", (1,))
    model = Model("pruned", given, output, tuple(instructions), constants, register, 64)
    assert model.codes()[0] == model.codes()[1]
    deployment = ai.Deployment(model, Address(SENDERS[0]))
    for data in INPUTS:
        meant = sum(struct.unpack("<64b", data.translate(table[128:] + table[:128])))
        asked = ai.call_data("run", (), [data], [deployment.program])
        on_chain = ai.call("run", asked, deployment.codes).output
        assert model.run(data) == on_chain == struct.pack("<i", meant)
        assert Inference.decode(Inference.of(model, data).encode()).verify(model.hash)


def test_a_program_takes_its_price_and_no_less() -> None:
    """Of each instruction it is charged ahead of the next: the sum, and one less, are the same."""
    deployment = ai.Deployment(MODEL, Address(SENDERS[0]))
    asked = ai.call_data("run", (), [INPUTS[0]], [deployment.program])
    price = ai.call("run", asked, deployment.codes).gas_used
    assert ai.call("run", asked, deployment.codes, gas=price).gas_used == price
    for gas in (0, 1, price // 2, price - 1):
        with pytest.raises(PrecompileFailure):
            ai.call("run", asked, deployment.codes, gas=gas)


def test_a_models_hash_names_every_bit_of_it() -> None:
    assert MODEL.hash == made().hash != made(seed=2).hash
    assert replace(MODEL, output_register=9).hash != MODEL.hash
    changed = replace(MODEL, constants=MODEL.constants[:-1] + b"\x55")
    assert changed.hash != MODEL.hash


def test_more_codes_than_a_program_names_are_refused() -> None:
    with pytest.raises(InputError, match="a program names 255"):
        MODEL.codes(limit=101)


@pytest.mark.parametrize("limit", [-1, 0, 1, 2.5, None])
def test_a_limit_that_leaves_nothing_is_refused(limit: Any) -> None:
    with pytest.raises(InputError, match="a code is at most 2 bytes or more, not"):
        MODEL.codes(limit)
    with pytest.raises(InputError, match="a code is at most 2 bytes or more, not"):
        ai.Deployment(MODEL, Address(SENDERS[0]), 0, limit)


def test_a_program_that_no_account_can_have_is_refused() -> None:
    with pytest.raises(InputError, match="4 instructions and 52 codes is 3104 bytes; a code is 1"):
        ai.Deployment(MODEL, Address(SENDERS[0]), 0, 1_000)


def test_a_code_that_no_creation_returns_is_refused() -> None:
    sizes = initcode(bytes(65_535))[1:3], len(initcode(bytes(65_535)))
    assert sizes == (b"\xff\xff", 65_545)
    deployment = ai.Deployment(made(width=1_000), Address(SENDERS[0]), 0, 100_000)
    with pytest.raises(InputError, match="a code is 65535 bytes at most, not 7"):
        _ = deployment.steps[0].initcode


def test_integers_and_real_numbers() -> None:
    assert MODEL.quantised([0.0] * 62 + [1.0, 1e9]) == bytes([253] * 62 + [255, 127])
    assert MODEL.real((7).to_bytes(32, "big") + (9).to_bytes(32, "big")) == [7, 9]
    with pytest.raises(InputError, match="has 64 numbers, not 1"):
        MODEL.quantised([1.0])
    with pytest.raises(InputError, match="the output is 64 bytes, not 1"):
        MODEL.real(b"1")
    with pytest.raises(InputError, match="the input image is 64 bytes"):
        MODEL.run(b"")


# ---- inferences that others verify


def test_an_inference_is_verified_from_its_bytes_alone() -> None:
    inference = Inference.of(MODEL, INPUTS[0])
    again = Inference.decode(inference.encode())
    assert again == inference
    assert again.hash == keccak(inference.encode())
    assert again.verify()
    assert again.verify(MODEL.hash)
    assert not again.verify(bytes(32))


def test_one_of_a_deployed_model_has_its_hash_on_chain() -> None:
    deployment = ai.Deployment(MODEL, Address(SENDERS[0]))
    codes = {at: code for at, code in deployment.codes.items() if at != deployment.contract}
    inference = Inference(deployment.program, codes, INPUTS[0], MODEL.run(INPUTS[0]))
    assert Inference.decode(inference.encode()).verify(deployment.program.hash)


def test_no_mutation_verifies() -> None:
    """None but of the input, where the answer is the same."""
    inference = Inference.of(made(width=20), INPUTS[0])
    data, model, rng = inference.encode(), inference.program.hash, random.Random(3)
    refused = 0
    for _ in range(1000):
        at = rng.randrange(len(data))
        changed = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        try:
            found = Inference.decode(changed)
        except DecodeError:
            refused += 1
            continue
        if found.verify(model):
            assert (found.codes, found.output) == (inference.codes, inference.output)
            assert found.input != inference.input
        else:
            refused += 1
    assert refused > 900


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (b"", "an inference is five items"),
        ([b"", bytes(20), [], b"", b""], "its version is not"),
        ([b"blockstm inference 1", bytes(20), [], b"", b""], "the program is none of its codes"),
        ([b"blockstm inference 1", bytes(20), [b""], b"", b""], "a code is an address"),
        (
            [b"blockstm inference 1", bytes(20), [[bytes(20), b""]] * 2, b"", b""],
            "two codes have one address",
        ),
    ],
)
def test_bytes_that_are_no_inference_are_refused(items: Any, said: str) -> None:
    with pytest.raises(DecodeError, match=said):
        Inference.decode(rlp.encode(items))


def test_the_vyper_contract_has_the_program_and_the_sizes() -> None:
    deployment = ai.Deployment(MODEL, Address(SENDERS[0]))
    source = ai.vyper_source(MODEL, deployment.program)
    assert deployment.program.hash.hex() in source
    assert "given: Bytes[64]) -> Bytes[64]" in source
    assert RUN.hex()[-4:] in source.lower()


def test_the_name_of_a_graph_stays_within_the_docstring() -> None:
    hostile = replace(MODEL, name='net-1.0 _x"""\n\n@external\ndef own(): pass\n"""\\\u2028é')
    source = ai.vyper_source(hostile, ai.Deployment(hostile, Address(SENDERS[0])).program)
    assert "@title Inference by net-1.0 _xexternaldef own pass\n" in source
    nameless = ai.vyper_source(
        replace(MODEL, name='"""'), ai.Deployment(MODEL, Address(SENDERS[0])).program
    )
    assert "@title Inference by a compiled model\n" in nameless


def test_the_vyper_contract_answers_as_the_other_one(tmp_path: Any) -> None:
    """Where Vyper is installed (the extra ``contracts``)."""
    vyper = pytest.importorskip("vyper")
    deployment = ai.Deployment(MODEL, Address(SENDERS[0]))
    compiled = vyper.compile_code(ai.vyper_source(MODEL, deployment.program))
    creation = bytes.fromhex(compiled["bytecode"].removeprefix("0x"))
    nonce = len(deployment.steps)
    contract = Address(keccak(rlp.encode([SENDERS[0], bytes([nonce])]))[12:])
    word = (32).to_bytes(32, "big")
    asked = keccak(b"infer(bytes)")[:4] + word + (64).to_bytes(32, "big") + INPUTS[0]
    steps = [
        *creations(deployment),
        transaction(0, None, nonce=nonce, data=creation, gas=1_000_000),
        transaction(1, contract, data=asked, gas=1_000_000),
    ]
    evm = Evm(FORK, context(FORK), precompiles=ai.precompiles())
    checked = assert_serial_equivalent(
        steps, AccountState(world()), evm, schedules=2, reference_vm=evm
    )
    assert checked.result is not None
    output = checked.result.outcomes[-1].value.output
    assert output == word + (64).to_bytes(32, "big") + MODEL.run(INPUTS[0])
