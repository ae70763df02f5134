"""What values are to the engine; see `blockstm.values`."""

from blockstm.values import ABSENT, check_number, is_number, plus, same_value

__all__ = ["ABSENT", "check_number", "is_number", "plus", "same_value"]
