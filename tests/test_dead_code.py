"""Nothing is defined that nothing uses: Python by vulture, native functions by a scan of names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import vulture
from tests.layers import PACKAGE, ROOT

# Modules that implement what another library calls (py-evm's classes, Numba's compiler, Python's
# HTTP server) or what the native core fills in or calls by name (inspectors, failures).
INTERFACES = (
    *("vm/pyevm/accounts.py", "vm/pyevm/computation.py", "vm/pyevm/state.py"),
    *("cli/transitions/server.py", "vm/evm/inspection.py", "vm/evm/recording.py"),
    *("compat/eth_tester/backend.py", "compat/eth_tester/beginning.py"),
    *("ethereum/calls/access_lists.py", "ethereum/calls/failures.py"),
    *("chain/store.py", "chain/memory_store.py"),
    "ethereum/simulation/call_logs.py",
    *("compat/pyrevm/environment.py", "compat/pyrevm/evm.py", "compat/pyrevm/results.py"),
    *("compat/boa/computations.py", "compat/boa/evm.py", "compat/boa/patch.py"),
    *("compat/pyevm/chain.py", "compat/pyevm/state.py"),
    *("vm/kernel/compiling.py", "vm/kernel/lowering.py", "vm/kernel/viewtype.py"),
)
USED_ELSEWHERE = {
    "_contract_repr_before_revert": "read by titanoboa",
    "_read_error": "called by the native engine",
    "CONSTANTINOPLE_UNCORRECTED": "an earlier name",
    "__getattr__": "called by Python",
    "add_nodes": "public",
    "align": "read by LLVM",
    "block_overrides": "an option, read by name",
    "begun_early": "public",
    "begun_early_in_vain": "public",
    "taken_in_vain": "public",
    "baseline_seconds": "printed by name",
    "baseline_spread": "printed by name",
    "code_at": "public",
    "create_module": "called by Python",
    "estimates": "read by the native engine",
    "exec_module": "called by Python",
    "gate": "read by the native engine",
    "hints_report": "public",
    "long_transactions": "public",
    "plain_gas": "printed by name",
    "seconds_max": "printed by name",
    "seconds_min": "printed by name",
    "precision": "public",
    "PyEVMBackend": "read by eth-tester's tests",
    "has_access_list": "read by the native EVM",
    "has_block": "public",
    "commuting_share": "read by name",
    "facts": "public",
    "followed": "public",
    "group_sizes": "public",
    "largest_group": "read by name",
    "longest_chain": "read by name",
    "merges": "public",
    "misled": "public",
    "root_seconds": "a column of a table",
    "run_seconds": "a column of a table",
    "save": "public",
    "sender_seconds": "a column of a table",
    "splits": "public",
    "OPTIMISTIC": "found by name",
    "GROUPED": "found by name",
    "LISTED": "found by name",
    "import_blocks": "public",
    "ignored": "public",
    "in_memory": "public",
    "memo": "passed by copy.deepcopy",
    "oldest_state": "public",
    "proof": "public",
    "revalidation": "read by the native engine",
    "should_exit": "read by uvicorn",
    "signing_hash": "public",
    "simulated_per_second": "printed by name",
    "speedup_over_baseline": "printed by name",
    "state_at": "public",
    "throttle": "read by the native engine",
    "relay": "read by the native engine",
    "together_per_second": "printed by name",
    "transactions_per_second": "printed by name",
    "work_turns": "printed by name",
}
NATIVE_USED_ELSEWHERE = {
    "allocate": "called by containers of C++",
    "deallocate": "likewise",
    "end_threads": "called at the end of the interpreter",
    "madvise": "the C library's",
    "nanosleep": "the C library's",
    "pread": "the C library's",
    "volatile": "a word of C++: `asm volatile(`",
}

CPP = {".hpp", ".cpp", ".inc", ".h"}
CPP_NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
CYTHON_NOISE = re.compile(r'#[^\n]*|""".*?"""', re.DOTALL)
CPP_FUNCTION = re.compile(r"^[ \t]*[\w:<>,&* \[\]]*?[\w>&*][ &*]+(\w+)\(", re.MULTILINE)
CYTHON_FUNCTION = re.compile(
    r"^[ \t]*c?p?def(?: inline)? (?:[\w.\[\]*& ]+ )?\*?(\w+)\(", re.MULTILINE
)


def unused_python(*folders: Path) -> Iterator[str]:
    finder = vulture.Vulture()
    finder.scavenge([str(folder) for folder in folders])
    for item in finder.get_unused_code(min_confidence=60):
        yield f"{Path(item.filename).as_posix()}:{item.first_lineno} {item.name}"


def unused_native(folder: Path) -> set[str]:
    """Names of functions that stand nowhere but where they are defined."""
    counts: Counter[str] = Counter()
    functions: set[str] = set()
    for path in folder.rglob("*"):
        if path.suffix in CPP:
            text = CPP_NOISE.sub("", path.read_text())
            functions |= set(CPP_FUNCTION.findall(text))
        elif path.suffix in {".pyx", ".pxd", ".py", ".pyi"}:
            text = CYTHON_NOISE.sub("", path.read_text())
            if path.suffix in {".pyx", ".pxd"}:
                functions |= set(CYTHON_FUNCTION.findall(text))
        else:
            continue
        counts.update(re.findall(r"\b[A-Za-z_]\w*\b", text))
    return {each for each in functions if counts[each] == 1 and not each.startswith("_")}


def test_every_python_name_is_used() -> None:
    found = unused_python(PACKAGE, ROOT / "bench", ROOT / "examples")
    ours = [line for line in found if "src/blockstm/" in line]
    assert [
        line
        for line in ours
        if line.split()[-1] not in USED_ELSEWHERE
        and not any(f"/{module}:" in line for module in INTERFACES)
    ] == []


def test_every_native_function_is_used() -> None:
    assert unused_native(PACKAGE) - NATIVE_USED_ELSEWHERE.keys() == set()


def test_what_nothing_uses_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def used(): ...\n\n\ndef dead(): ...\n\n\nused()\n")
    assert [line.split()[-1] for line in unused_python(tmp_path)] == ["dead"]
    (tmp_path / "b.hpp").write_text(
        "// dead_comment()\ninline bool dead_cpp(int x) noexcept { return live(x); }\n"
        "inline bool live(int x) { return true; }\n"
    )
    (tmp_path / "c.pxd").write_text("cdef inline int dead_cdef(int x) noexcept nogil:\n    pass\n")
    assert unused_native(tmp_path) == {"dead_cpp", "dead_cdef"}
