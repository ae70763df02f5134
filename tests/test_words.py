"""One word for one thing: those that the glossary does not use stand nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.test_style import ROOT, TEXT, files, name
from tests.words import GLOSSARY, avoided, found, plain, riddles

AVOIDED = avoided()
# Names that programs read stay as they were; so do those of other people's files.
KEPT = {
    "checks_seals": "a field of the public `Chain`",
    "--laps": "the earlier name of an option of the command line",
}
# Where the words are the subject, or the earlier names of what has moved.
EXEMPT = {"docs/glossary.md", "src/blockstm/earlier_paths.py", "tests/test_words.py"}


@pytest.mark.parametrize("path", files(TEXT | {".c", ".sh"}), ids=name)
def test_only_the_words_of_the_field(path: Path) -> None:
    if name(path) in EXEMPT:
        return
    text = path.read_text()
    for kept in KEPT:
        text = text.replace(kept, " ")
    wrong = {
        f"{around!r}: instead of {word!r} write {AVOIDED[word]}"
        for word, around in found(text, AVOIDED.keys())
    }
    assert wrong == set()


@pytest.mark.parametrize("path", files(TEXT | {".c"}), ids=name)
def test_a_sentence_has_a_noun_for_its_subject(path: Path) -> None:
    if name(path) not in EXEMPT:
        assert riddles(path.read_text()) == []


def test_a_riddle_is_found_and_a_question_is_none() -> None:
    assert riddles("# Who claims may have come past\n# it since.")
    assert not riddles("Who signed it? `Who` knows.")


@pytest.mark.parametrize(
    "text",
    [
        "def lend_a_hand(worker):",
        "class StretchOfTransactions:",
        "# Runs what another has in\n    # hand.",
        "/* let\n * go */",
        "Whoever claims it.",
    ],
)
def test_a_word_is_found_in_names_and_over_lines(text: str) -> None:
    assert list(found(text, AVOIDED))


def test_other_words_are_left_alone() -> None:
    assert not list(found("collapse, overlap, sealed, letting, PackedBlock, rivalled", AVOIDED))


def test_the_table_says_what_to_write_instead() -> None:
    assert all(AVOIDED.values())
    used = plain(GLOSSARY.read_text().split("## Words not used")[0])
    for word in ("batch", "back off", "tombstone", "work stealing", "access entry", "violation"):
        assert word in used
    assert ROOT in GLOSSARY.parents
