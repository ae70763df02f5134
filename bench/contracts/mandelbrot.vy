# pragma version ~=0.4.3
"""
@title The Mandelbrot set
@notice In fixed-point numbers with 64 bits behind the point; a grid of 64 x `turns` points.
"""

ONE: constant(int256) = 2 ** 64
STEPS: constant(uint256) = 64


@external
def run(turns: uint256) -> uint256:
    """
    @return How many steps all points took, together.
    """
    total: uint256 = 0
    for row: uint256 in range(turns, bound=4096):
        b: int256 = (convert(row, int256) % 64 - 32) * ONE // 26
        for column: uint256 in range(64):
            a: int256 = (convert(column, int256) - 44) * ONE // 24
            x: int256 = 0
            y: int256 = 0
            for step: uint256 in range(STEPS):
                xx: int256 = (x * x) >> 64
                yy: int256 = (y * y) >> 64
                if xx + yy > 4 * ONE:
                    break
                y = ((x * y) >> 63) + b
                x = xx - yy + a
                total += 1
    return total
