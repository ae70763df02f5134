"""Constants of a C++ source that follow the mutant that is on. No test of its own.

What the compiler computes knows no switch. So a mutated source computes its constants when it is
loaded, and a `Refresher` beside each computes it once more when a mutant is turned on.
"""

from __future__ import annotations

import re

from tests.mutation.native_tokens import partners, tokens

__all__ = ["REFRESHER", "evaluated_late"]

REFRESHER = """\
namespace blockstm_mutants {
struct Refresher;
}
extern "C" {
using blockstm_mutants::Refresher;
[[gnu::visibility("default"), gnu::used]] inline Refresher* blockstm_mutants_first = nullptr;
[[gnu::visibility("default"), gnu::used]] inline Refresher* blockstm_mutants_last = nullptr;
}
namespace blockstm_mutants {
struct Refresher {
    explicit Refresher(void (*compute)()) : compute{compute} {
        auto*& end = blockstm_mutants_last ? blockstm_mutants_last->next : blockstm_mutants_first;
        end = this;
        blockstm_mutants_last = this;
    }
    void (*compute)();
    Refresher* next = nullptr;
};
template <class T, unsigned long SIZE>
void copy(const T (&from)[SIZE], const T (&to)[SIZE]) {
    for (unsigned long i = 0; i < SIZE; ++i) const_cast<T&>(to[i]) = from[i];
}
}
extern "C" [[gnu::visibility("default"), gnu::used]] inline void blockstm_mutants_refresh() {
    for (auto* each = blockstm_mutants_first; each != nullptr; each = each->next) each->compute();
}
"""

FUNCTION = re.compile(r"\b(?:inline )?constexpr (?=[^=;{}]*\([^;{}]*\)[^;{}=]*\{)")
CONSTANT = re.compile(
    r"^(?P<inline>inline )?constexpr (?P<type>[\w:]+) (?P<list>[^;]*);", re.MULTILINE
)
TABLE = re.compile(
    r"^constinit const (?P<type>[\w:]+) (?P<name>\w+)\[(?P<size>\w+)\] = (?P<list>\{.*?\n\});",
    re.MULTILINE | re.DOTALL,
)


def evaluated_late(text: str) -> str:
    """A source without compile-time values. Lines keep their numbers."""
    text = re.sub(r"\bstatic_assert\([^;]*;", "", text)
    text = FUNCTION.sub("inline ", text)
    text = CONSTANT.sub(_variable, text)
    text = TABLE.sub(_table, text)
    # Within functions and classes only what changes: the rest may be what an array's length is.
    return re.sub(r"\bconstexpr (?=.*MUTANT\()", "const ", text)


def _variable(found: re.Match[str]) -> str:
    """Constants as variables: ``type a = 1, b = 2;`` and what sets them anew."""
    inline, kind, listed = found["inline"] or "", found["type"], found["list"]
    words = tokens(listed)
    partner = partners(words)
    names, commas, place = [], [], 0
    while place < len(words):
        if words[place].text == "=":
            names.append(words[place - 1].text)
        if words[place].text == ",":
            commas.append(words[place].start)
        place = partner.get(place, place) + 1
    if not names:  # set by a constructor: nothing that a mutant changes
        return f"{inline}const {kind} {listed};"
    again = "".join(";" if at in commas else each for at, each in enumerate(listed))
    refresher = f"const blockstm_mutants::Refresher refresh_{names[0]}{{[] {{ {again}; }}}};"
    return f"{inline or 'static '}{kind} {listed}; {inline or 'static '}{refresher}"


def _table(found: re.Match[str]) -> str:
    """A table that another source declares: it stays a constant by name."""
    kind, name, size = found["type"], found["name"], found["size"]
    again = found["list"].replace("\n", " ")
    return (
        f"const {kind} {name}[{size}] = {found['list']}; "
        f"static const blockstm_mutants::Refresher refresh_{name}{{[] {{ "
        f"const {kind} fresh[{size}] = {again}; blockstm_mutants::copy(fresh, {name}); }}}};"
    )
