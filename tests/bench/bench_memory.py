"""Several hangs at once, told apart by kernel memory, under each kernel, live and in a dump; and the cost of that.

    python -P -m tests.bench.bench_memory [SPEC ...]

Each guest has KASLR on and hangs in SCENARIOS, all at once. `diagnose` reads it live, with kernel memory and without,
then its memory is dumped and judged by its debug information. Before 5.11 modules have no BTF: there `diagnose` has to
say so, and the dump alone shows all.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.kernels import spec as kernel_spec
from harness.kernels.image import Image
from tests.vm import debug_info, inside

KERNELS = {
    "debian:5.10.223:cloud-amd64": "bullseye",
    "debian:bookworm:cloud-amd64": "bookworm",
    "debian:trixie:cloud-amd64": "trixie",
    "debian:sid:cloud-amd64": "sid",
}
"""And the suite that has the debug information."""
SCENARIOS = {
    "exit-flush-self": "deadlock",
    "exit-flush-voluntary": "deadlock",
    "read-self": "deadlock",
    "exit-flush-peer-outside": "starved",
    "server-stopped": "starved",
}
"""And what is true of each, by how it was made."""
_MARK = "--- a document ---"


def main() -> None:
    wrong = 0
    for spec in sys.argv[1:] or KERNELS:
        image = inside.randomized(kernel_spec.find(spec, print))
        with _symbols(KERNELS.get(spec), image.release) as folder:
            wrong += _of_kernel(image, folder)
    sys.exit(1 if wrong else 0)


@contextlib.contextmanager
def _symbols(suite: str | None, release: str) -> Iterator[Path | None]:
    """None where the mirror has none: then the dump is not judged."""
    if suite is None:
        yield None
        return
    with debug_info.unpacked(suite, release) as folder:
        yield folder


def _of_kernel(image: Image, folder: Path | None) -> int:
    lines = [f"{inside.FUSEZAP} run {name} --keep >/dev/null 2>&1; echo {name}" for name in SCENARIOS]
    lines += [f"echo '{_MARK}'; {inside.FUSEZAP} diagnose --json"]
    lines += ["echo 2 >/proc/sys/kernel/kptr_restrict"]
    lines += [f"echo '{_MARK}'; {inside.FUSEZAP} diagnose --json"]
    with tempfile.TemporaryDirectory() as kept:
        vmcore = Path(kept) / "vmcore"
        text = inside.of_image(image, "\n".join(lines), deadline_s=1800, vmcore=vmcore if folder else None)
        _, live, without = text.split(_MARK)
        known, blind = json.loads(live), json.loads(without)
        said = " ".join(known["unseen"])
        wrong = 0 if "has no BTF" in said else _shown(f"{image.release} live", known)
        print(f"{image.release}: unseen: {said or 'nothing'}")
        took = known["duration_s"], blind["duration_s"]
        print(
            f"{image.release}: {took[0]:.1f} s with kernel memory, {took[1]:.1f} s without: {took[0] / took[1]:.2f} x"
        )
        _shown(f"{image.release} without kernel memory", blind)
        if folder is not None:
            wrong += _judged(image.release, vmcore, folder)
    return wrong


def _judged(release: str, vmcore: Path, folder: Path) -> int:
    argv = [sys.executable, "-P", "-m", "harness", "judge", "--format", "json", "--vmcore", str(vmcore)]
    began = time.monotonic()
    child = subprocess.Popen([*argv, "--debug-info", str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    took, used = time.monotonic() - began, usage.ru_maxrss / 1024
    print(f"{release}: processor time {usage.ru_utime + usage.ru_stime:.1f} s")
    size = os.stat(vmcore).st_size >> 20
    print(f"{release}: a dump of {size} MiB opened and judged in {took:.1f} s, {used:.0f} MiB resident at the most")
    if os.waitstatus_to_exitcode(status) != 1:
        return 1
    return _shown(f"{release} dump", json.loads(said))


def _shown(title: str, document: dict[str, list[dict[str, object]]]) -> int:
    """Prints the outcomes; 1 where they are not what is true."""
    found = sorted(f"{each['outcome']}" for each in document["findings"])
    proofs = sorted(f"{each['proof']}" for each in document["findings"] if each.get("proof"))
    right = found == sorted(SCENARIOS.values())
    print(f"{title}: {', '.join(found)}; proofs: {', '.join(proofs)}: {'right' if right else 'WRONG'}", flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    main()
