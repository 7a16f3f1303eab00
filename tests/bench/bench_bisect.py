"""A whole bisect of a real kernel tree: `python -m tests.bench.bench_bisect FOLDER [--jobs J] [--kill N] [--recipe]`.

Writes the history of `tests.vm.kernel_history` into FOLDER, where that is not there yet, and searches it by `fusezap
bisect --boundaries all`, with a cache in FOLDER, so that the second time no kernel is built.  `--kill N` ends the
search by SIGKILL after each N answers, and lets the same command resume.  With `--jobs`, `--kill-worker` kills the
first worker that is seen.  `--recipe` runs plain `git bisect run` instead, once for each boundary, with the object
folder of the search before; where make fails, the image of the commit before is left in the way.  Prints one JSON
object: whether both boundaries were found to the commit, what was built and tested twice, seconds of the steps, and
their shares.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from harness.record import asdict
from tests.vm.kernel_history import KernelHistory, unpack, written


def history_in(folder: Path) -> tuple[Path, KernelHistory]:
    """The tree, and its history, which is written where it is not there yet."""
    known, tree = folder / "history.json", folder / "linux"
    if not known.exists():
        tree.mkdir(parents=True)
        unpack(tree)
        known.write_text(json.dumps(asdict(written(tree))))
    return tree, KernelHistory(**json.loads(known.read_text()))


def bisected(folder: Path, argv: list[str], kill: int | None, worker: bool) -> tuple[dict[str, object], int, int]:
    """The document, the number of times that a process was killed, and that of the builds."""
    environment = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache", "XDG_STATE_HOME": f"{folder}/state"}
    killed = builds = 0
    while True:
        answers = 0
        with subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            assert process.stderr is not None
            assert process.stdout is not None
            for line in process.stderr:
                sys.stderr.write(line)
                builds += line.startswith("fusezap:   building")
                answers += any(word in line for word in ("has the defect:", "free of the defect:", "cannot tell:"))
                if worker and not killed:
                    killed = int(kill_worker(process.pid))
                if kill is not None and answers >= kill and line.startswith("fusezap: step"):
                    process.send_signal(signal.SIGKILL)
                    killed += 1
                    break
            said = process.stdout.read()
        if process.returncode != -signal.SIGKILL:
            return json.loads(said), killed, builds


def kill_worker(pid: int) -> bool:
    """Kill a worker of a search; False where none is there."""
    for child in psutil.Process(pid).children():
        # A worker has a session of its own.
        if child.name().startswith("python") and os.getsid(child.pid) == child.pid:
            child.kill()
            return True
    return False


def by_recipe(folder: Path, history: KernelHistory) -> dict[str, object]:
    """The figures of plain `git bisect run`, in the worktree of an earlier search."""
    (source,) = folder.glob("cache/fusezap/kernels/trees/*/source")
    (objects,) = source.parent.glob("build-*")
    check = f"{sys.executable} -P -m harness check --kernel {objects} exit-flush-self"
    make = f"make -C {source} O={objects}"
    figures: dict[str, object] = {}
    # Git tries the commit that does not build first, in the second one.
    ends = {"change": (history.old, f"{history.broken}^"), "revert": ("v1", history.revert)}
    for name, (old, new) in ends.items():
        began = time.monotonic()
        inverted = check.replace(" check ", " check --invert ") if name == "change" else check
        git(source, "bisect", "start", "--term-old=older", "--term-new=newer", new, old)
        said = git(source, "bisect", "run", "sh", "-c", f"{make} olddefconfig && {make} -j2 bzImage; {inverted}")
        sys.stderr.write(said)
        figures[f"{name}_found"] = git(source, "rev-parse", "refs/bisect/newer") == getattr(history, name)
        figures[f"{name}_steps"] = said.count("of the defect: ") + said.count("has the defect: ")
        figures[f"{name}_stale"] = said.count("may not be of these sources")
        figures[f"{name}_s"] = round(time.monotonic() - began, 1)
        git(source, "bisect", "reset", history.new)
    return figures


def git(folder: Path, *argv: str) -> str:
    command = ("git", "-C", str(folder), *argv)
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kill", type=int)
    parser.add_argument("--kill-worker", action="store_true")
    parser.add_argument("--recipe", action="store_true")
    args = parser.parse_args()
    folder = args.folder.absolute()
    tree, history = history_in(folder)
    if args.recipe:
        print(json.dumps(by_recipe(folder, history), indent=2))
        return
    command = [sys.executable, "-P", "-m", "harness", "bisect", "--tree", str(tree), history.old, history.new]
    command += ["--boundaries", "all", "--json", "--jobs", str(args.jobs)]
    document, killed, builds = bisected(folder, command, args.kill, args.kill_worker)
    steps, changes = document["steps"], document["changes"]
    assert isinstance(steps, list)
    assert isinstance(changes, list)
    found = [[each["commit"] for each in change["commits"]] for change in changes]
    warm = [each for each in steps if each["answer"] != "skip"][1:]
    figures = {
        "both_found": found == [[history.change], [history.revert]],
        "tested": len(steps),
        "tested_twice": len(steps) - len({each["commit"] for each in steps}),
        "skipped": [each["commit"] for each in steps if each["answer"] == "skip"] == [history.broken],
        "builds": builds,
        "killed": killed,
        "first_step_s": steps[0]["duration_s"],
        "later_step_s": round(statistics.median(each["duration_s"] for each in warm), 1),
        "later_step_without_build_s": round(
            statistics.median(each["duration_s"] - each["build_s"] for each in warm), 1
        ),
        "shares_s": document["steps_s"],
        "whole_s": document["duration_s"],
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
