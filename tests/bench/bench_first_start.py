"""The first `./fusezap run` in a clean Debian root: `python -m tests.bench.bench_first_start [SUITE]`.

The root has a compiler and headers, as a developer's machine has.

Prints one JSON object: seconds of the first run, which makes the environment, and of the second.
"""

from __future__ import annotations

import json
import sys
import time

from tests.setup.roots import debian_root, typed

PACKAGES = ("gcc", "libc6-dev", "libcap-dev", "python3-dev", "python3-venv", "libfuse2")


def main() -> None:
    """Makes the root, installs the compiler and the headers in it, and times two runs."""
    suite = sys.argv[1] if len(sys.argv) > 1 else None
    with debian_root(suite) as root:
        install = "apt-get update && apt-get install -y --no-install-recommends " + " ".join(PACKAGES)
        typed(root, "sh", "-c", f"DEBIAN_FRONTEND=noninteractive; {install}", check=True, capture_output=True)
        seconds = []
        for _ in range(2):
            began = time.monotonic()
            typed(root, "/root/fusezap/fusezap", "run", check=True, capture_output=True)
            seconds.append(round(time.monotonic() - began, 1))
    print(json.dumps({"first_s": seconds[0], "second_s": seconds[1]}, indent=2))


if __name__ == "__main__":
    main()
