EPOCH_BLOCKS: int
"""How many blocks share a cache."""

EPOCHS: int
"""How many epochs are known: for 61 million blocks, four times as many as there were."""

class EthashCache:
    """What checking the work of an epoch takes: 16 MB and 128 kB an epoch, filled in a second.

    Safe from any thread; works without the GIL.

    Raises:
        ValueError: there is no such epoch.
    """

    def __init__(self, epoch: int) -> None: ...
    @property
    def sizes(self) -> tuple[int, int]:
        """Of the cache and of the data set that it stands for, in bytes."""

    def work(self, header_hash: bytes, nonce: bytes) -> tuple[bytes, bytes]:
        """The mix hash and the result that a nonce (8 bytes) has for a header, 32 bytes each.

        Raises:
            ValueError: the hash has not 32 bytes, or the nonce not 8.
        """
