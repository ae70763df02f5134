"""Pools whose fee a network on chain sets, beside pools with a fixed fee, in the same market.

Every swap asks the network, by the instructions of `blockstm.ai`, what its fee is. The same prices
and the same people come to each pool; what the pools take and lose is printed. Then
the swaps run on chain, where each must give what it gave here, to the last unit.

Run it: ``python -m examples.ai_dex.main``.
"""

from __future__ import annotations

from examples.ai_dex.market import Books, new_pool, on_chain, trade
from examples.ai_dex.orders import DEPTH, moments

__all__ = ["main"]

FIXED_FEES = (5, 30, 60, 100)
NETWORK = 0


def main(blocks: int = 2_000, seed: int = 1) -> dict[int, Books]:
    """The network's pool and those with fixed fees: the books of each.

    Raises:
        AssertionError: a swap gave something else on chain.
    """
    happening = list(moments(blocks, seed))
    print(f"{blocks:,} blocks; figures in parts of a million of what is in a pool")
    print(_line("fee", "average", "swaps", "refused", "fees", "to arbitrage", "by others", "net"))
    found = {}
    for fee in (NETWORK, *FIXED_FEES):
        traded, books = trade(new_pool(fee), happening)
        for workers in (1, 2):
            given = on_chain(fee, traded, workers)
            assert given == [each.amount_out for each in traded], "another amount on chain"
        print(_row(f"{fee / 100:.2f} %" if fee else "network", books))
        found[fee] = books
    print("every swap gave on chain what it gave here, on one worker and on two")
    return found


def _row(name: str, books: Books) -> str:
    lost, earned = books.lost / DEPTH * 1e6, books.earned / DEPTH * 1e6
    return _line(
        name,
        f"{books.fee_average / 100:.2f} %",
        f"{books.swaps:,}",
        f"{books.refused:,}",
        f"{books.fees / DEPTH * 1e6:,.0f}",
        f"{-lost:,.0f}",
        f"{earned:,.0f}",
        f"{earned - lost:,.0f}",
    )


def _line(*cells: str) -> str:
    return f"{cells[0]:<9}" + "".join(f"{cell:>13}" for cell in cells[1:])


if __name__ == "__main__":
    main()
