# pragma version ~=0.4.3
"""
@title Numbers of 1,024 bits
@notice Squares a number modulo 2**1024 over and over: limbs of 128 bits, schoolbook products.
"""

LIMBS: constant(uint256) = 8
LOW: constant(uint256) = 2 ** 128 - 1


@external
def run(turns: uint256) -> uint256[LIMBS]:
    """
    @return x after `turns` times x = x * x + 12345, from x = 3, least limb first.
    """
    x: uint256[LIMBS] = empty(uint256[LIMBS])
    x[0] = 3
    for turn: uint256 in range(turns, bound=1_000_000):
        square: uint256[LIMBS] = empty(uint256[LIMBS])
        square[0] = 12345
        for i: uint256 in range(LIMBS):
            carry: uint256 = 0
            for j: uint256 in range(LIMBS - i, bound=LIMBS):
                # Fits: (2**128 - 1)**2 + 2 * (2**128 - 1) is the largest word.
                t: uint256 = unsafe_add(
                    unsafe_mul(x[i], x[j]), unsafe_add(square[i + j], carry)
                )
                square[i + j] = t & LOW
                carry = t >> 128
        x = square
    return x
