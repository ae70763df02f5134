"""Ten lines of the sources without their file: ``python tests/draw_lines.py [SEED]``.

Name the room of each from docs/layers.md alone; ``--answers`` then tells where they stand. A line
whose room takes longer than half a minute to name stands in the wrong room, speaks another
language than the page, or is missing from it.
"""

from __future__ import annotations

import argparse
import random
import secrets
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "blockstm"
KINDS = {".py", ".pyx", ".pxd", ".hpp", ".cpp", ".h"}
AROUND = 2  # lines shown before and behind
TELLING = 25  # characters from which on a line says something


def lines() -> list[tuple[Path, int]]:
    """Every line that says something, as file and place."""
    files = sorted(path for path in SOURCES.rglob("*") if path.suffix in KINDS)
    return [
        (path, place)
        for path in files
        for place, line in enumerate(path.read_text().splitlines())
        if len(line.strip()) >= TELLING and "import" not in line and "#include" not in line
    ]


def main() -> None:
    """Print the lines drawn by a seed, and on request where they stand."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("seed", nargs="?", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--answers", action="store_true", help="tell where the lines stand")
    args = parser.parse_args()
    print(f"seed {args.seed}")
    drawn = random.Random(args.seed).sample(lines(), 10)
    for number, (path, place) in enumerate(drawn, 1):
        print(f"\n{number}. " + (str(path.relative_to(ROOT)) if args.answers else ""))
        text = path.read_text().splitlines()
        for each in range(max(place - AROUND, 0), min(place + AROUND + 1, len(text))):
            print(">" if each == place else " ", text[each])


if __name__ == "__main__":
    main()
