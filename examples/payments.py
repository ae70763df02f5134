"""Payments by a VM in plain Python: conditions instead of reads, deltas instead of writes.

Run it: ``python examples/payments.py``.
"""

from __future__ import annotations

from typing import Any

import blockstm


def transfer(view: blockstm.View, tx: Any) -> None:
    """Moves an amount if the source has it."""
    source, target, amount = tx
    if not view.at_least(source, amount):  # a condition, not a read of the value
        raise blockstm.Revert("insufficient funds")
    view.add(source, -amount)  # deltas commute
    view.add(target, amount)


def main() -> blockstm.BlockResult:
    """Pay on, in order: Carol can pay Dan only because Bob paid her before."""
    block = [("alice", "bob", 5), ("bob", "carol", 3), ("carol", "dan", 3), ("bob", "dan", 9)]
    result = blockstm.execute_block(block, state={"alice": 10}, vm=transfer)

    statuses = [outcome.status for outcome in result.outcomes]
    assert statuses == ["success", "success", "success", "reverted"]
    assert str(result.outcomes[3].error) == "insufficient funds"
    assert result.writes == {"alice": 5, "bob": 2, "carol": 0, "dan": 3}
    return result


if __name__ == "__main__":
    print(dict(main().writes))
