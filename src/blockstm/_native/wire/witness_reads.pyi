from collections.abc import Mapping

from blockstm._native.trie.tries import AccountTries

class WitnessReads:
    def __init__(
        self, tries: AccountTries, codes: Mapping[bytes, bytes], *, are_hashed: bool = False
    ) -> None: ...
    def __blockstm_state__(self) -> object: ...
