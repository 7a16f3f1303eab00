"""Feeds a million inputs, or as many as are asked for, to readers: `python -m tests.fuzz [INPUTS [SEED [READER...]]]`.

The inputs are shared out to all readers, or to those that are named.  Each exception that a reader does not promise is
printed, and its input kept in the corpus.  A line for each reader has its slowest input and the memory so far.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback

from tests.fuzz.mutate import mutated
from tests.fuzz.readers import CORPUS, READERS, check


def main(inputs: int, seed: str, *names: str) -> int:
    """Run; the number of readers that broke is the exit status."""
    choose = random.Random(seed)
    broken: dict[str, str] = {}
    chosen = {name: READERS[name] for name in names or READERS}
    for name, reader in chosen.items():
        slowest, longest, worst = 0.0, 0, b""
        check(name, reader.seeds[0])  # what it imports late is no part of the first input's time
        for _ in range(inputs // len(chosen)):
            data = mutated(choose.choice(reader.seeds), choose)
            began = time.process_time()
            try:
                check(name, data)
            except Exception:
                if name not in broken:
                    broken[name] = traceback.format_exc(limit=-3)
                    (CORPUS / name).mkdir(parents=True, exist_ok=True)
                    (CORPUS / name / f"{choose.getrandbits(32):08x}").write_bytes(data)
            took = time.process_time() - began
            if took > slowest:
                slowest, worst = took, data
            longest = max(longest, len(data))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        mark = "BROKEN" if name in broken else "ok"
        print(
            f"{name:<18} {mark:<7} slowest {slowest:.3f} s ({len(worst)} bytes), largest {longest} bytes, {memory} MiB",
            flush=True,
        )
    for name, trace in broken.items():
        print(f"\n{name}:\n{trace}")
    return len(broken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("inputs", nargs="?", type=int, default=1_000_000, help="of all readers together")
    parser.add_argument("seed", nargs="?", default="1")
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"default: all, which are {', '.join(READERS)}")
    chosen = parser.parse_args()
    if unknown := set(chosen.readers) - set(READERS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    sys.exit(main(chosen.inputs, chosen.seed, *chosen.readers))
