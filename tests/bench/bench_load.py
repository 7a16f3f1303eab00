"""`fusezap diagnose` on a machine under load, beside `ps -eLf`: `python -P -m tests.bench.bench_load [LOAD[:N] ...]`.

Each load stands for a short time only: `clients` (1,500 tasks hung on one connection), `execs` (560 processes hung in
execve(), where ps does not end), `mounts` (100,000 in one mount namespace), `crowd` (50,000 healthy tasks) and `chain`
(1,500 servers, each of which waits for the next).  Next to each one, a namespace hangs in its exit, and must be found.
Prints one JSON object a load: seconds of diagnose and of ps, in all and on a processor, their ratios, the most memory,
and what was found.  Needs root and a C compiler; sets kernel.pid_max and fs.mount-max for the time being.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.linux import procfs
from harness.linux.fusectl import fusectl_opened
from harness.linux.polling import wait_until
from tests.live.situations import Situations, built, killed, wchans

SOURCE = Path(__file__).with_name("load.c")
PS_S = 60.0
"""Seconds after which ps is taken not to end."""
LIMITS = {"kernel/pid_max": 200000, "fs/mount-max": 300000}
THREADS = 50


def _waiting(situations: Situations, number: int, least: int) -> None:
    wait_until(f"{least} requests wait", 60, lambda: situations.ctl.waiting(number) >= least)


def clients(situations: Situations, load: str, count: int) -> tuple[str, ...]:
    """Killed, while the server has their requests and never answers."""
    point = situations.point()
    server = situations.alone("serve", "read", point)
    number = situations.number
    inside = ("nsenter", f"--mount=/proc/{server}/ns/mnt")
    parent = situations.started(*inside, load, "clients", str(count), f"{point}/file")
    _waiting(situations, number, count)
    # A request that is still queued would die with its caller: the server sleeps in its read once it has taken all.
    wait_until("the server has read all requests", 60, lambda: "fuse_dev_do_read" in wchans(server))
    for pid in procfs.read_children(parent.pid, parent.pid):
        os.kill(pid, signal.SIGKILL)
    return ()


def execs(situations: Situations, load: str, count: int) -> tuple[str, ...]:
    point = situations.point()
    server = situations.alone("serve", "flush", point)
    number = situations.number
    situations.started("nsenter", f"--mount=/proc/{server}/ns/mnt", load, "execs", str(count), f"{point}/file")
    _waiting(situations, number, count)
    return ()


def mounts(situations: Situations, load: str, count: int) -> tuple[str, ...]:
    process = situations.started(load, "mounts", str(count), situations.point(), ready_s=120)
    return ("nsenter", f"--mount=/proc/{process.pid}/ns/mnt")


def crowd(situations: Situations, _: str, count: int) -> tuple[str, ...]:
    situations.started(situations.program, "crowd", str(count // THREADS), str(THREADS), ready_s=120)
    return ()


def chain(situations: Situations, load: str, count: int) -> tuple[str, ...]:
    process = situations.started(load, "chain", str(count), situations.point(), ready_s=120)
    situations.hold(process.pid)
    numbers = situations.ctl.numbers()
    wait_until(
        "each server waits", 60, lambda: sum(bool(situations.ctl.waiting(each)) for each in numbers) >= count, 0.1
    )
    return ()


LOADS: dict[str, tuple[Callable[[Situations, str, int], tuple[str, ...]], int]] = {
    "clients": (clients, 1500),
    "execs": (execs, 560),
    "mounts": (mounts, 100_000),
    "crowd": (crowd, 50_000),
    "chain": (chain, 1500),
}
"""A context manager that makes it and returns the prefix of commands that run in it; and how many there are."""


@contextmanager
def raised(limits: dict[str, int]) -> Iterator[None]:
    """Limits of the kernel, at least as high as wanted, until the block is left."""
    paths = {Path("/proc/sys", name): wanted for name, wanted in limits.items()}
    before = {path: path.read_text() for path in paths}
    try:
        for path, wanted in paths.items():
            path.write_text(str(max(int(before[path]), wanted)))
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)


def timed(argv: list[str], output: Path, most_s: float) -> tuple[float | None, float, float]:
    """Seconds, None where it does not end; processor seconds of it and its children; and MiB of the largest one."""
    start = time.monotonic()
    actions = [(os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    while True:
        ended, _, usage = os.wait4(pid, os.WNOHANG)
        took = time.monotonic() - start
        if ended:
            return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        if took > most_s:
            os.kill(pid, signal.SIGKILL)
            os.wait4(pid, 0)
            return None, 0.0, 0.0
        time.sleep(0.002)


def measured(name: str, count: int, folder: Path, program: Path, load: Path, runs: int) -> dict[str, object]:
    with fusectl_opened() as ctl, ExitStack() as stack:
        if ctl is None:
            sys.exit("no fusectl filesystem: run it as root")
        situations = stack.enter_context(Situations(program, folder, ctl))
        other = killed(situations.container("serve", "flush", situations.point(), "hold"))
        prefix = LOADS[name][0](situations, str(load), count)
        output = folder / "diagnosis.json"
        diagnose = [*prefix, sys.executable, "-P", "-m", "harness", "diagnose", "--json"]
        seen = []
        for _ in range(runs):
            ps = timed([*prefix, "ps", "-eLf"], Path(os.devnull), PS_S)
            own = timed(diagnose, output, 600)
            text = output.read_text()
            seen.append((own, ps, json.loads(text) if text else {}))
        (took, processor_s, _), (ps_s, ps_processor_s, _), found = min(seen, key=lambda each: each[0][1])
        findings = found.get("findings", [])
        return {
            "load": f"{name}:{count}",
            "tasks": found.get("tasks"),
            "diagnose_s": took and round(took, 2),
            "ps_s": ps_s and round(ps_s, 2),
            "ratio_to_ps": took and ps_s and round(took / ps_s, 2),
            "processor_s": round(processor_s, 2),
            "ratio_of_processor_s": ps_s and round(processor_s / ps_processor_s, 2),
            "memory_mib": round(max(own[2] for own, _, _ in seen), 1),
            "findings": Counter(f"{each['outcome']} {each['kind']}" for each in findings),
            "stuck_tasks": sum(len(each["blockers"]) for each in findings),
            "the_other_is_found": other in {each["init_pid"] for each in findings},
            "unseen": len(found.get("unseen", ())),
        }


def main() -> None:
    wanted = [each.partition(":")[::2] for each in sys.argv[1:]] or [(name, "") for name in LOADS]
    with tempfile.TemporaryDirectory() as top, raised(LIMITS):
        load = Path(top, "load")
        compiler = sysconfig.get_config_var("CC").split()[0]
        subprocess.run([compiler, "-Wall", "-O1", "-o", load, SOURCE], check=True)
        program = built(Path(top))
        for name, number in wanted:
            folder = Path(tempfile.mkdtemp(dir=top))
            count = int(number) if number else LOADS[name][1]
            print(json.dumps(measured(name, count, folder, program, load, 2)), flush=True)


if __name__ == "__main__":
    main()
