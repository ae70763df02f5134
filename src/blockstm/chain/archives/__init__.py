"""Archives of a chain's history, e2store files: ``.era1`` up to the merge, ``.ere`` of any block.

An archive holds up to 8,192 blocks with their receipts and total difficulties, each part in Snappy
frames, and at its end what it is checked by: the accumulator of headers, the index of blocks.

Imports point down::

    reading      an archive read and checked
    writing      an archive written
    layout       where the parts of each block stand, by the order of entries and by the index
    receipts     receipts as archives have them
    accumulator  the SSZ root over the headers of an archive
    frames       Snappy's framing format
    e2store      entries of a type, a length and data

Source: eth-clients/e2store-format-specs, ``formats/era1.md`` and ``formats/ere.md``.
"""

from blockstm.chain.archives.layout import BLOCKS_MAX, Format, find_layout
from blockstm.chain.archives.reading import ArchivedBlock, archived_blocks, read_archive
from blockstm.chain.archives.writing import WrittenArchive, write_archive

__all__ = [
    "BLOCKS_MAX",
    "ArchivedBlock",
    "Format",
    "WrittenArchive",
    "archived_blocks",
    "find_layout",
    "read_archive",
    "write_archive",
]
