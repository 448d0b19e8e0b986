"""``python -m tests.fuzz``: damages small files until the time is over, and keeps what fails.

Only named errors may come out of a reader, within the memory and the time that ``reading`` allows.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.conftest import ROOT
from tests.fuzz.damage import damaged
from tests.fuzz.reading import Outcome, try_reading
from tests.fuzz.seeds import make_seeds

FOLDER = ROOT / "build" / "fuzz"
# Of every failure the smallest file is kept; this long is looked for a smaller one.
_SHRINK_S = 15.0


def main() -> int:
    """Search, and return 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to search")
    parser.add_argument("--seed", type=int, default=None, help="repeats a search")
    parser.add_argument("--kinds", nargs="*", help="only these, such as .png .mp4")
    parser.add_argument("--again", nargs="*", type=Path, help="read these files, and end")
    options = parser.parse_args()
    if options.again:
        outcomes = [(path, try_reading(path.read_bytes(), path.suffix)) for path in options.again]
        for path, outcome in outcomes:
            print(f"{path.name}: {_told(outcome)}\n{outcome.details}")
        return int(any(outcome.fault for _, outcome in outcomes))
    seed = int(time.time()) if options.seed is None else options.seed
    seeds = make_seeds()
    kinds = [kind for kind in seeds if not options.kinds or kind in options.kinds]
    print(f"Seed {seed}, {options.seconds:.0f} s, kinds: {' '.join(kinds)}")
    _check_seeds(kinds, seeds)
    counts, found = _search(kinds, seeds, seed, options.seconds)
    for kind in kinds:
        read, refused, failed = (counts[kind, what] for what in ("read", "refused", "failed"))
        print(f"{kind:6} {read:6} read {refused:6} refused {failed:6} failed")
    for (kind, fault), size in sorted(found.items()):
        print(f"{kind}: {fault}; the smallest file has {size:,} bytes")
    print(f"{len(found)} faults; their files are in {FOLDER}" if found else "Nothing found.")
    return int(bool(found))


def _check_seeds(kinds: list[str], seeds: dict[str, list[bytes]]) -> None:
    """Say which whole files are not read: their damaged copies tell little."""
    for kind in kinds:
        for number, content in enumerate(seeds[kind]):
            outcome = try_reading(content, kind)
            if outcome.fault or outcome.refused:
                print(f"Whole file {number} of {kind}: {_told(outcome)}\n{outcome.details}")


def _search(
    kinds: list[str], seeds: dict[str, list[bytes]], seed: int, seconds: float
) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], int]]:
    """Return how many files were read, refused and failed, and the sizes of what is kept."""
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str], int] = {}
    ends_s = time.monotonic() + seconds
    number = 0
    while time.monotonic() < ends_s:
        kind = kinds[number % len(kinds)]
        random = Random(f"{seed}-{number}")
        content = damaged(random.choice(seeds[kind]), seeds[kind], random)
        outcome = try_reading(content, kind)
        what = "failed" if outcome.fault else "refused" if outcome.refused else "read"
        counts[kind, what] += 1
        if outcome.fault and len(content) < found.get((kind, outcome.fault), sys.maxsize):
            if (kind, outcome.fault) not in found:
                print(f"{kind} {number}: {_told(outcome)}", flush=True)
                content, outcome = _smaller(content, kind, outcome)
            found[kind, outcome.fault] = len(content)
            _keep(content, kind, outcome)
        number += 1
    return counts, found


def _smaller(content: bytes, kind: str, outcome: Outcome) -> tuple[bytes, Outcome]:
    """Leave out parts of a file as long as it fails in the same way."""
    ends_s = time.monotonic() + _SHRINK_S
    part = len(content) // 2
    while part:
        at = 0
        while at < len(content):
            if time.monotonic() > ends_s:
                return content, outcome
            less = content[:at] + content[at + part :]
            tried = try_reading(less, kind)
            if tried.fault == outcome.fault:
                content, outcome = less, tried
            else:
                at += part
        part //= 2
    return content, outcome


def _keep(content: bytes, kind: str, outcome: Outcome) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(f"{kind} {outcome.fault}".encode()).hexdigest()[:12]
    (FOLDER / f"{name}{kind}").write_bytes(content)
    (FOLDER / f"{name}{kind}.txt").write_text(f"{_told(outcome)}\n\n{outcome.details}")


def _told(outcome: Outcome) -> str:
    what = outcome.fault or ("refused" if outcome.refused else "read")
    return f"{what}; {outcome.seconds:.1f} s, {outcome.bytes / 1e6:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
