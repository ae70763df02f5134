"""Hostile JSON files are read in linear time and bounded memory, or refused by type."""

from __future__ import annotations

import gzip
import json
import lzma
import re
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from timeit import repeat, timeit
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.layers import PACKAGE
from tests.patience import at_best

from blockstm.errors import ConfigError, DecodeError
from blockstm.ethereum.chains import chain_named
from blockstm.ethereum.codecs.fields import parse_data, parse_quantity, parse_word
from blockstm.ethereum.codecs.json_files import SIZE_MAX, parse_json, read_json
from blockstm.ethereum.codecs.loose_fields import loose_bytes, loose_number, loose_word
from blockstm.ethereum.genesis import read_genesis

CALL = re.compile(r"re\.(?:compile|sub|search|\w*match)\(\s*(\S+)")

# Texts that grow, on which a careless pattern takes quadratic time or worse.
HOSTILE: dict[str, Callable[[int], str]] = {
    "escaped quotes, never closed": lambda n: '{"a":"' + '\\"' * n,
    "backslashes": lambda n: '"' + "\\" * n,
    "quotes": lambda n: '"' * n,
    "strings": lambda n: '"a",' * n,
    "a long string": lambda n: '"' + "a" * n + '"',
    "a long string, never closed": lambda n: '["' + "a" * n,
    "brackets in a string": lambda n: '"' + "[" * n + '"',
    "brackets": lambda n: "[" * n,
    "closing brackets": lambda n: "]" * n,
    "objects": lambda n: "[" + "{}," * n,
    "digits": lambda n: "1" * n,
    "digits of a fraction": lambda n: "0." + "1" * n,
    "digits of an exponent": lambda n: "1e" + "1" * n,
    "spaces": lambda n: " " * n,
    "commas": lambda n: "," * n,
    "surrogates": lambda n: '"' + "\\ud800" * n + '"',
    "zeros": lambda n: "0x" + "0" * n,
    "hex digits and no hex digit": lambda n: "0x" + "a" * n + "g",
    "networks": lambda n: "aTo" * n + "At5x",
    "networks at": lambda n: "aToAt" * n,
}


def seconds(read: Callable[[str], object], text: str) -> float:
    """The least time of three, of this thread."""

    def once() -> None:
        with suppress(DecodeError, ConfigError):
            read(text)

    return min(repeat(once, timer=time.thread_time, number=1, repeat=3))


@pytest.mark.alone
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "read",
    [
        lambda text: parse_json(text.encode(), "file"),
        lambda text: parse_quantity(text, "here"),
        lambda text: parse_data(text, "here"),
        lambda text: parse_word(text, "here"),
        lambda text: loose_number(text, "here"),
        lambda text: loose_bytes(text, "here"),
        lambda text: loose_word(text, "here"),
        chain_named,
    ],
    ids=["json", "quantity", "data", "word", "number", "bytes", "loose word", "network"],
)
def test_time_grows_with_the_text_and_no_faster(name: str, read: Callable[[str], object]) -> None:
    """Sixteen times the text: a quadratic reader takes 256 times as long."""
    texts = [HOSTILE[name](size) for size in (20_000, 320_000)]
    at_best(
        lambda: [seconds(read, text) for text in texts],
        lambda taken: taken[1] < 64 * taken[0] + 0.1,
    )


def test_every_pattern_of_the_package_is_among_those_timed() -> None:
    """A new pattern comes with hostile texts, or with the reason why it needs none."""
    patterns = {
        (str(path.relative_to(PACKAGE)), pattern)
        for path in PACKAGE.rglob("*.py")
        for pattern in re.findall(
            r"re\.(?:compile|sub|search|\w*match)\(\s*(\S+)", path.read_text()
        )
    }
    timed = {"ethereum/codecs/json_files.py", "ethereum/codecs/fields.py"}
    timed |= {"ethereum/codecs/loose_fields.py", "ethereum/chains/chain.py"}
    others = {
        ("cli/fixtures/suites.py", 'r"stEOF|EOFTests|/eip7692_eof")'),  # no repetition
        ("cli/fixtures/suites.py", "self.match,"),  # the user's own
        ("cli/fixtures/command.py", "args.match)"),  # the user's own
        ("cli/transitions/consumers.py", "pattern)"),  # the user's own
        ("cli/chains/options.py", 'r"-?[0-9]+|0x[0-9a-fA-F]+")'),  # one repetition in a word
        ("cli/rpctest.py", "match"),  # the user's own
        ("rpc/exchanges.py", 'r"^//'),  # one repetition in a line
        ("rpc/params.py", 'r"[0-9a-fA-F]+",'),  # one repetition
        ("cli/block_ranges.py", 'r"[0-9]{1,20}")'),  # one repetition
        (
            "cli/block_ranges.py",
            'r"([0-9]{0,20})\\.\\.([0-9]{0,20})")',
        ),  # dots between
        # A repetition within a string begins where the one before cannot go on.
        (
            "ethereum/tracing/nested_json.py",
            r"""r'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"|[^\s\[\]{},:"]+')""",
        ),
        # Each end of a host is tried once, with seven characters behind it at most.
        ("cluster.py", 'r"(?:ray://)?\\[?([\\w.:-]+?)\\]?:(\\d{1,5})")'),
        ("replay/from_files.py", 'r"\\d+",'),  # one repetition
        # Alternatives begin with other characters, and the end is optional: nothing is tried twice.
        ("rpc/dispatch.py", r"""r'[\[\]{}]|"(?:[^"\\]+|\\.)*"?',"""),
        (
            "rpc/dev/mnemonic.py",
            r"""r"m(/[0-9]{1,9}'?)*",""",
        ),  # each turn begins with its own character
        ("rpc/dev/typed_data.py", 'r"(u?)int([0-9]{1,3})")'),  # three digits at most
        ("rpc/dev/typed_data.py", 'r"bytes([0-9]{1,2})")'),  # two digits at most
        # One repetition, matched whole: from its end back it looks for a bracket once.
        ("rpc/dev/typed_data.py", 'r"(.+)\\[([0-9]{0,9})\\]")'),
        ("bench/peak.py", 'rf"^{field}:\\s+(\\d+)'),  # the kernel's text
        ("bench/evm/assembly.py", 'r";[^\\n]*",'),  # one repetition to the end of the line
    }
    assert {each for each in patterns if each[0] not in timed} <= others


# ---- what a document may be


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff{}", "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "not JSON"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[Infinity]", "Infinity is no number"),
        (b"-Infinity", "-Infinity is no number"),
        (b"1" * 5000, "5,000 digits"),
        (b"-" + b"1" * 10**6, "digits"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a' is there twice"),
        (b'{"' + b"a" * 10**6 + b'": 1, "' + b"a" * 10**6 + b'": 1}', "is there twice"),
        (b"[" * 65 + b"]" * 65, "nested deeper than 64"),
        (b'{"a":' * 10**6, "nested deeper than 64"),
        (b"]" * 100 + b"[" * 200, "not JSON|nested"),
    ],
)
def test_what_is_no_document_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=message) as caught:
        parse_json(text, "file")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("\ufeff{}", {}),
        ('{"a": [1, 2.5, -3, "]["]}', {"a": [1, 2.5, -3, "]["]}),
        ('"\\ud800"', "\ud800"),
        ("[" * 64 + "]" * 64, json.loads("[" * 64 + "]" * 64)),
        ("9" * 4300, int("9" * 4300)),
        ('"\\"[[[\\\\"', '"[[[\\'),
    ],
)
def test_what_is_a_document_is_read(text: str, document: Any) -> None:
    assert parse_json(text.encode(), "file") == document


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_every_document_is_read_as_python_reads_it(document: Any) -> None:
    text = json.dumps(document).encode()
    assert parse_json(text, "file") == json.loads(text)


@given(st.binary() | st.text('[]{}":,\\019e.x', max_size=40).map(str.encode))
def test_any_bytes_are_a_document_or_no_document(text: bytes) -> None:
    try:
        found = parse_json(text, "file")
    except DecodeError:
        return
    assert found == json.loads(text.decode("utf-8-sig"))


# ---- files


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_a_file_that_decompresses_without_end_is_refused_in_bounded_memory(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    block = compress(b" " * (1 << 25))  # both formats may stand one behind another
    path = tmp_path / ("bomb.json.gz" if compress is gzip.compress else "bomb.json.xz")
    path.write_bytes(block * (2 * SIZE_MAX >> 25))
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match="longer than 268,435,456 bytes"):
            read_json(path, "file")
        assert tracemalloc.get_traced_memory()[1] < 3 * SIZE_MAX
    finally:
        tracemalloc.stop()


def test_a_plain_file_has_the_same_bound(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    with path.open("wb") as file:
        file.truncate(SIZE_MAX + 1)
    with pytest.raises(DecodeError, match="longer than"):
        read_json(path, "file")


def test_an_xz_file_that_asks_for_gigabytes_to_be_read_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 24}]
    raw = bytearray(lzma.compress(b"{}", filters=filters))
    # The size of the dictionary is one byte of the block's header, which ends in a checksum.
    header_at, header_size = 12, (raw[12] + 1) * 4
    at = raw.index(b"\x21\x01", header_at) + 2
    raw[at] = 40  # 4 GiB - 1

    checked = bytes(raw[header_at : header_at + header_size - 4])
    raw[header_at + header_size - 4 : header_at + header_size] = zlib.crc32(checked).to_bytes(
        4, "little"
    )
    path = tmp_path / "wide.json.xz"
    path.write_bytes(raw)
    with pytest.raises(DecodeError, match=r"not a xz file: .*[Mm]emory"):
        read_json(path, "file")


@pytest.mark.parametrize("padding", [b"", b"\0" * 4, b"\0" * 200_000])
def test_streams_of_an_xz_file_stand_one_behind_another(tmp_path: Path, padding: bytes) -> None:
    path = tmp_path / "two.json.xz"
    path.write_bytes(lzma.compress(b'{"a"') + padding + lzma.compress(b": 1}") + padding)
    assert read_json(path, "file") == {"a": 1}


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", lzma.compress(b"{}")[:-1], lzma.compress(b"{}") + b"x", lzma.compress(b"")],
)
def test_a_spoilt_xz_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "spoilt.json.xz"
    path.write_bytes(content)
    with pytest.raises(DecodeError):
        read_json(path, "file")


@pytest.mark.alone
def test_many_short_streams_take_no_longer_than_they_are(tmp_path: Path) -> None:
    path = tmp_path / "many.json.xz"
    path.write_bytes(lzma.compress(b"") * 30_000 + lzma.compress(b"{}"))
    at_best(
        lambda: timeit(lambda: read_json(path, "file"), timer=time.thread_time, number=1),
        lambda seconds: seconds < 5,
    )
    assert read_json(path, "file") == {}


def test_a_genesis_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_text('\ufeff{"alloc": {}}', encoding="utf-8")
    assert not read_genesis(tmp_path / "genesis.json").accounts
