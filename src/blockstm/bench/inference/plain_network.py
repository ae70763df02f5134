"""The network in opcodes, as somebody would write it who counts gas.

Numbers lie in words, what is above their zero point, an image with a border of zeros around it. A
window is copied to fixed places first; then each output is a run of opcodes without a jump, 23 gas
a multiply-accumulate: weights come 32 to a word, 128 added, which is taken off again with the
window's sum.
"""

from __future__ import annotations

from blockstm.bench.evm.assembly import assemble
from blockstm.bench.inference.network import Layer, Network
from blockstm.types import Address

__all__ = ["plain_contract", "weights_code"]

_INPUT, _OUTPUT, _COLUMN, _ROW, _SUM = range(0, 160, 32)
_WINDOW = 192
_WORD = 32


def weights_code(layer: Layer) -> bytes:
    """What an account holds for a layer: each output's weights in whole words, and its bias."""
    rows = []
    for weights, bias in zip(layer.weights, layer.biases, strict=True):
        packed = bytes(weight + 128 for weight in weights)
        rows.append(packed + bytes(-len(packed) % _WORD) + bias.to_bytes(_WORD, "big", signed=True))
    return b"".join(rows)


def plain_contract(network: Network, holders: tuple[Address, Address]) -> bytes:
    """The code that takes an image as call data and returns the place that answers most.

    Args:
        holders: accounts whose codes are the layers' `weights_code`.
    """
    first, second = network.layers
    side, border = network.side, network.side + 2
    image = _WINDOW + _WORD * 9 * max(first.channels, second.channels)
    middle = image + _WORD * border**2 * first.channels
    result = middle + _WORD * border**2 * second.channels
    weights = result + _WORD * side**2 * len(second.weights)
    source = [_load_image(network, image)]
    for number, (layer, given) in enumerate(((first, image), (second, middle))):
        source += [
            f"{len(weights_code(layer))} 0 {weights} 0x{holders[number].hex()} EXTCODECOPY",
            _convolution(
                f"layer{number}", layer, side, given, weights, *((middle, 1), (result, 0))[number]
            ),
        ]
    source.append(_largest(result, side**2 * len(second.weights)))
    return assemble("\n".join(source))


def _load_image(network: Network, image: int) -> str:
    """Bytes of the call data as words, a row at a time, inside the border."""
    side, border = network.side, network.side + 2
    row = " ".join(
        f"DUP2 {at} ADD CALLDATALOAD 0 BYTE 0 SIGNEXTEND DUP2 {_WORD * at} ADD MSTORE"
        for at in range(side)
    )
    parts = []
    for channel in range(network.layers[0].channels):
        target = image + _WORD * (channel * border**2 + border + 1)
        parts.append(f"""
            {channel * side**2} {target}
            load{channel}: {row}
            {_WORD * border} ADD SWAP1 {side} ADD SWAP1
            DUP1 {target + _WORD * border * side} GT @load{channel} JUMPI
            POP POP
        """)
    return "\n".join(parts)


def _convolution(
    name: str, layer: Layer, side: int, given: int, weights: int, target: int, margin: int
) -> str:
    """All places of the image, one after another; outputs with a border where ``margin`` is 1."""
    border, wide = side + 2, side + 2 * margin
    depth = 9 * layer.channels
    row_bytes = -(-depth // _WORD) * _WORD + _WORD
    plane = _WORD * wide * (wide if margin else side)
    begin = target + _WORD * margin * (wide + 1)
    return f"""
        {given} {_INPUT} MSTORE {begin} {_OUTPUT} MSTORE
        {side} {_COLUMN} MSTORE {side} {_ROW} MSTORE
        {name}_place:
            {_INPUT} MLOAD 0 {_copy_window(layer, border)} 128 MUL {_SUM} MSTORE POP
            {_OUTPUT} MLOAD {weights}
        {name}_output:
            0 {_products(depth)}
            {_SUM} MLOAD SWAP1 SUB DUP2 {row_bytes - _WORD} ADD MLOAD ADD
            {layer.multiplier} MUL {1 << (layer.shift - 1)} ADD {layer.shift} SAR
            DUP1 0 SLT MUL                                       ; at least 0
            DUP1 255 LT DUP1 255 MUL SWAP2 SWAP1 ISZERO MUL ADD  ; at most 255
            DUP3 MSTORE SWAP1 {plane} ADD SWAP1 {row_bytes} ADD
            DUP1 {weights + row_bytes * len(layer.weights)} GT @{name}_output JUMPI
            POP POP
            {_INPUT} MLOAD {_WORD} ADD {_INPUT} MSTORE {_OUTPUT} MLOAD {_WORD} ADD {_OUTPUT} MSTORE
            1 {_COLUMN} MLOAD SUB DUP1 {_COLUMN} MSTORE @{name}_place JUMPI
            {_INPUT} MLOAD {2 * _WORD} ADD {_INPUT} MSTORE
            {_OUTPUT} MLOAD {2 * _WORD * margin} ADD {_OUTPUT} MSTORE
            {side} {_COLUMN} MSTORE
            1 {_ROW} MLOAD SUB DUP1 {_ROW} MSTORE @{name}_place JUMPI
    """


def _copy_window(layer: Layer, border: int) -> str:
    """With the place on the stack and a sum above it, which what is copied is added to."""
    places = [
        _WORD * (channel * border**2 + down * border + along)
        for channel in range(layer.channels)
        for down in range(3)
        for along in range(3)
    ]
    return " ".join(
        f"DUP2 {place} ADD MLOAD DUP1 {_WINDOW + _WORD * number} MSTORE ADD"
        for number, place in enumerate(places)
    )


def _products(depth: int) -> str:
    """With the weights' place on the stack and a sum above it, which all products are added to."""
    parts = []
    for first in range(0, depth, _WORD):
        count = min(_WORD, depth - first)
        each = " ".join(
            f"DUP2 {at} BYTE {_WINDOW + _WORD * (first + at)} MLOAD MUL ADD" for at in range(count)
        )
        parts.append(f"DUP2 {first} ADD MLOAD SWAP1 {each} SWAP1 POP")
    return "\n".join(parts)


def _largest(begin: int, count: int) -> str:
    """The place of the largest of so many words; of equals, the first."""
    return f"""
        0 {begin}
        scan:
            DUP1 MLOAD 65536 MUL DUP2 {begin + _WORD * 65_535} SUB 5 SHR ADD
            DUP3 DUP2 GT @larger JUMPI
            POP @next JUMP
        larger: SWAP2 POP
        next: {_WORD} ADD DUP1 {begin + _WORD * count} GT @scan JUMPI
        POP 65535 AND 65535 SUB 0 MSTORE 32 0 RETURN
    """
