"""Whoever can still answer is not called dead, and whoever is dead is: the truth of each is what happens in the end.

A server that lives answers or lets the device go at the end, and its namespace ends.  Of the dead, nobody does: their
namespaces stay until the connections are aborted.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.linux.fusectl import Fusectl, fusectl_opened
from tests.live import hidden
from tests.live.conftest import Fusezap
from tests.live.situations import until

LIVE = {
    "in a table": (
        "plain", "node", "many", "threads", "leader-gone", "stolen", "cloned", "namespaces", "kept", "vforked",
        "stopped", "traced", "waits",
    ),
    "in no table": (
        "uring", "uring-poll", "aio", "poll-reused", "message", "in-flight", "nested-flight", "userfault",
        "close-range", "exiting", "execve",
    ),
    "with a daemon": ("far-uring",),
    "in other places": (
        "select", "poll-pipe", "poll-copy", "flock", "ofd-lock", "backlog", "backlog-flight", "peeked", "uring-mapped",
        "uring-bare", "uring-child", "uring-timeout", "table-shared", "vfork-parent", "deep",
    ),
    "on the move": ("fork-exit", "fork-stay", "fork-setsid", "relay", "pass", "pass-pidfd"),
}  # fmt: skip
DEAD = {
    "forms": (
        "hold", "client", "cloned", "own-flight", "own-uring", "inherited", "stolen-back", "nested", "cross", "chain",
        "overlay",
    ),
    "operations": tuple(
        f"op-{name}"
        for name in (
            "read", "write", "fsync", "stat", "truncate", "chmod", "unlink", "mkdir", "mknod", "symlink", "rename",
            "link", "create", "open", "opendir", "statfs", "getxattr", "listxattr", "setxattr", "lookup", "fallocate",
            "lseek", "access", "close", "copy",
        )
    ),
    "on a busy host": ("busy", "orphans", "talkers", "path-only", "idle-uring"),
    "beside main loops": ("poller", "selector", "watcher", "threads"),
}  # fmt: skip


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hidden")
    return {name: hidden.built(folder, name) for name in ("hidden", "dead", "keepers")}


@pytest.fixture
def ctl() -> Iterator[Fusectl]:
    with fusectl_opened() as found:
        assert found is not None, "no hang without the means to end it"
        yield found


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Short-lived processes of another session, which nothing leads to; each has a device that serves nobody."""
    argv = ["sh", "-c", "while :; do sleep 0.005 3<>/dev/fuse; done"]
    with subprocess.Popen(argv, start_new_session=True) as process:
        yield
        process.kill()


def diagnosed(fusezap: Fusezap, made: dict[str, hidden.Hidden]) -> dict[str, tuple[str, list[str]]]:
    """The outcome and the reasons of each that has not ended by itself; what is young is not listed at first."""
    found: dict[int, tuple[str, list[str]]] = {}

    def listed() -> bool:
        done = fusezap("diagnose", "--json")
        assert done.stdout, done.stderr
        found.update(
            (each["init_pid"], (each["outcome"], each["reasons"])) for each in json.loads(done.stdout)["findings"]
        )
        return all(each.init in found for each in made.values())

    until("all are listed", listed)
    assert [mode for mode, each in made.items() if each.gone] == [], "they ended before anybody answered"
    return {mode: found[each.init] for mode, each in made.items()}


@pytest.mark.parametrize("place", LIVE)
def test_who_can_answer_is_not_called_dead(
    place: str, fusezap: Fusezap, programs: dict[str, Path], tmp_path: Path, ctl: Fusectl
) -> None:
    program = programs["keepers" if place == "in other places" else "hidden"]
    with hidden.several(program, LIVE[place], tmp_path, ctl) as made:
        found = diagnosed(fusezap, made)
        wrong = {mode: each for mode, each in found.items() if each[0] not in ("starved", "inconclusive")}
        assert wrong == {}
        for mode, each in made.items():
            each.answer()
            until(f"{mode}: the namespace ends when the server answers", lambda each=each: each.gone)  # type: ignore[misc]


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("kind", DEAD)
def test_who_is_dead_is_called_dead(
    kind: str, fusezap: Fusezap, programs: dict[str, Path], tmp_path: Path, ctl: Fusectl
) -> None:
    with hidden.several(programs["dead"], DEAD[kind], tmp_path, ctl) as made:
        found = diagnosed(fusezap, made)
        assert {mode: each for mode, each in found.items() if each[0] != "deadlock"} == {}
        for mode, each in made.items():
            each.abort()
            until(f"{mode}: the namespace ends when its requests do", lambda each=each: each.gone)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("program", "mode", "outcomes"),
    [
        ("hidden", "uring", ("starved",)),
        ("hidden", "relay", ("starved", "inconclusive")),
        ("dead", "busy", ("deadlock",)),
    ],
)
def test_a_recording_is_judged_alike(
    program: str,
    mode: str,
    outcomes: tuple[str, ...],
    fusezap: Fusezap,
    programs: dict[str, Path],
    tmp_path: Path,
    ctl: Fusectl,
) -> None:
    with hidden.hidden(programs[program], mode, tmp_path, ctl) as made:
        observed = fusezap("observe", str(made.init))
        judged = fusezap("judge", "-", "--format", "json", input=observed.stdout)
        assert json.loads(judged.stdout)["outcome"] in outcomes, judged.stdout
        assert not made.gone
