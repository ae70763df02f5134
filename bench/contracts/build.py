"""Compile the contracts of benchmarks and examples: ``python bench/contracts/build.py [NAME...]``.

They lie in this folder, and beside the examples that they belong to. Vyper for ``.vy``, our
assembler for ``.easm``. The artefacts, one JSON a contract, go to where the package finds them;
they say what they were made from, so that a test sees one that is out of date. With ``--count`` the
instructions of the workloads are counted too, which takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from blockstm.bench.evm.assembly import assemble
from blockstm.bench.evm.instructions import count
from blockstm.bench.evm.instructions import digest as digest_of_workload
from blockstm.bench.evm.workloads import WORKLOADS, workload_named

SOURCES = Path(__file__).parent
ROOT = SOURCES.parents[1]
OF_EXAMPLES = (
    "compute_market/contracts/market.vy",
    "ai_dex/contracts/fee_pool.vy",
    "agents/contracts/exchange.vy",
)
ARTEFACTS = ROOT / "src" / "blockstm" / "bench" / "evm" / "contracts"
SETTINGS = ("--evm-version", "cancun", "--optimize", "gas")


def artefact(source: Path, vyper: str) -> dict[str, object]:
    """What the package keeps of a contract; ``vyper`` is the compiler's command."""
    by_vyper = source.suffix == ".vy"
    made = _by_vyper(source, vyper) if by_vyper else _by_hand(source)
    return {"source": source.name, "sha256": digest(source), **made}


def digest(source: Path) -> str:
    """What tells one version of a source, and of the modules that it imports, from another."""
    hashed = hashlib.sha256(source.read_bytes())
    for line in source.read_text().splitlines():
        if source.suffix == ".vy" and line.startswith("import "):
            hashed.update(source.with_name(f"{line.split()[1]}.vy").read_bytes())
    return hashed.hexdigest()


def _by_vyper(source: Path, vyper: str) -> dict[str, object]:
    def said(*arguments: str) -> str:
        done = subprocess.run([vyper, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    formats = ("-f", "bytecode_runtime,method_identifiers")
    runtime, selectors = said(*formats, *SETTINGS, str(source)).splitlines()
    return {
        "compiler": f"vyper {said('--version')} {' '.join(SETTINGS)}",
        "selectors": {  # Vyper leaves out a first 0
            name: f"0x{int(selector, 16):08x}" for name, selector in json.loads(selectors).items()
        },
        "runtime": runtime,
    }


def _by_hand(source: Path) -> dict[str, object]:
    return {
        "compiler": "blockstm.bench.evm.assembly",
        "runtime": "0x" + assemble(source.read_text()).hex(),
    }


def count_workloads() -> None:
    """Write how often each workload executes each opcode; what is counted already stays."""
    target = ARTEFACTS / "instructions.json"
    before = json.loads(target.read_text()) if target.exists() else {}
    counts = {}
    for name in WORKLOADS:
        key = digest_of_workload(workload_named(name))
        counts[key] = before.get(key) or count(workload_named(name))
        print(f"{name}: {sum(counts[key].values()):,} instructions", flush=True)
    target.write_text(json.dumps(counts, indent=1) + "\n")


def sources() -> list[Path]:
    """Every source, by name."""
    here = [path for path in SOURCES.iterdir() if path.suffix in {".vy", ".easm"}]
    return sorted([*here, *(ROOT / "examples" / each for each in OF_EXAMPLES)])


def main() -> int:
    """Write the artefacts; 1 where a source does not compile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    beside = Path(sys.executable).with_name("vyper")
    parser.add_argument(
        "--vyper",
        default=str(beside) if beside.exists() else shutil.which("vyper") or "vyper",
        metavar="COMMAND",
        help="the compiler; default: the one beside this Python, or on the path",
    )
    parser.add_argument("--count", action="store_true", help="count instructions; takes long")
    args = parser.parse_args()
    for source in sources():
        if args.names and source.stem not in args.names:
            continue
        try:
            made = artefact(source, args.vyper)
        except subprocess.CalledProcessError as error:
            print(error.stderr, file=sys.stderr)
            return 1
        ARTEFACTS.mkdir(exist_ok=True)
        target = ARTEFACTS / f"{source.stem}.json"
        target.write_text(json.dumps(made, indent=1) + "\n")
        print(f"{source.name}: {len(str(made['runtime'])) // 2 - 1} bytes of code")
    if args.count:
        count_workloads()
    return 0


if __name__ == "__main__":
    sys.exit(main())
