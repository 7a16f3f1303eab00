"""Every remedy that is printed is typed into a shell, on a real hang of its kind: it ends that, and nothing else."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from harness.catalogue import catalogue
from harness.linux import features, procfs
from harness.linux.mountinfo import fuse_mounts
from harness.linux.timed_reader import TimedReader
from harness.resolve import bystanders, resolver
from harness.run.request import RunRequest
from harness.run.runner import armed
from tests.live.conftest import Fusezap
from tests.live.situations import Situations, below, killed, until
from tests.live.test_diagnose import Document, diagnosed

SHELL = "grep -q ' - fusectl ' /proc/self/mountinfo || mount -t fusectl none /sys/fs/fuse/connections; "
"""A host has fusectl mounted; where it has not, the shell's own mount namespace gets it."""


@dataclass(frozen=True)
class Neighbour:
    """A healthy server, its mount, and a client in a PID namespace that holds a file of it."""

    server: int
    init: int
    client: int
    point: str
    before: tuple[object, ...]

    @classmethod
    def started(cls, situations: Situations) -> Neighbour:
        point = situations.point()
        server = situations.alone("serve", "none", point)
        init = outside(situations, server, point)
        (client,) = procfs.read_children(init, init)
        return cls(server, init, client, point, seen(server, init, client))

    def assert_as_before(self) -> None:
        """The same processes see the same mount, and the server answers."""
        assert seen(self.server, self.init, self.client) == self.before
        argv = ["nsenter", f"--mount=/proc/{self.server}/ns/mnt", "stat", "--format=%s", f"{self.point}/file"]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30)
        assert done.stdout == "4096\n"


def seen(*pids: int) -> tuple[object, ...]:
    """Start times, states and FUSE mounts of processes that are well."""
    stats = [procfs.read_process_stat(pid) for pid in pids]
    assert all(stat.state in "SRD" for stat in stats)
    mounts = [[(entry.id, entry.device, entry.point) for entry in fuse_mounts(pid, pid)] for pid in pids]
    return ([stat.start_time for stat in stats], mounts)


def outside(situations: Situations, server: int, point: str) -> int:
    """The init of a container whose one process holds a file of a server outside."""
    argv = ["nsenter", f"--mount=/proc/{server}/ns/mnt", "unshare", "--pid", "--fork", "--kill-child", "sh", "-c"]
    outer = situations.started(*argv, '"$@" & wait', "sh", situations.program, "hold", f"{point}/file")
    (init,) = procfs.read_children(outer.pid, outer.pid)
    return init


def no_server_any_more(situations: Situations) -> int:
    return killed(situations.container("serve", "flush", situations.point(), "hold"))


def no_server_and_no_namespace(situations: Situations) -> int:
    return killed(situations.alone("serve", "flush", situations.point(), "hold"))


def client_of_a_server_that_asks_itself(situations: Situations) -> int:
    point = situations.point()
    server = situations.alone("nest", point)
    asker = subprocess.Popen(["nsenter", f"--mount=/proc/{server}/ns/mnt", "cat", f"{point}/outer"])
    situations.reaped(asker)
    situations.waits(server)
    situations.waits(asker.pid)
    return min(server, asker.pid)


def server_that_never_answers(situations: Situations) -> int:
    point = situations.point()
    return killed(outside(situations, situations.alone("serve", "flush", point), point))


def with_server(situations: Situations, halt: Callable[[int], object]) -> int:
    """A server outside that would answer, and is kept from it."""
    point = situations.point()
    server = situations.alone("serve", "none", point)
    init = outside(situations, server, point)
    halt(server)
    return killed(init)


def stopped_server(situations: Situations) -> int:
    return with_server(situations, lambda server: os.kill(server, signal.SIGSTOP))


def frozen_server(situations: Situations) -> int:
    return with_server(situations, lambda server: situations.frozen([server]))


def frozen_server_v2(situations: Situations) -> int:
    return with_server(situations, lambda server: situations.frozen([server], 2))


def traced_server(situations: Situations) -> int:
    return with_server(situations, lambda server: situations.started(situations.program, "interrupt", str(server)))


def frozen_inside(situations: Situations) -> int:
    init = situations.container("hold", "/dev/null")
    situations.frozen(below(init))
    return killed(init)


def traced_inside(situations: Situations) -> int:
    init = situations.container("hold", "/dev/null")
    situations.started(situations.program, "trace", str(procfs.read_children(init, init)[0]))
    return killed(init)


def parent_that_never_reaps(situations: Situations) -> int:
    init = situations.container("hold", "/dev/null")
    situations.started(situations.program, "enter", str(init))
    return killed(init)


def parent_that_is_stopped(situations: Situations) -> int:
    """nsenter waits for what it started in the namespace, and is stopped."""
    init = situations.container("hold", "/dev/null")
    argv = ["nsenter", f"--pid=/proc/{init}/ns/pid", situations.program, "hold", "/dev/null"]
    parent = situations.started(*argv)
    os.kill(parent.pid, signal.SIGSTOP)
    until("it is stopped", lambda: procfs.read_process_stat(parent.pid).state == "T")
    return killed(init)


REMEDIES = (
    (no_server_any_more, "abort", ""),
    (no_server_any_more, "unmount", ""),
    (no_server_and_no_namespace, "abort", ""),
    (no_server_and_no_namespace, "unmount", ""),
    (client_of_a_server_that_asks_itself, "abort", ""),
    (client_of_a_server_that_asks_itself, "unmount", ""),
    (server_that_never_answers, "abort", ""),
    (server_that_never_answers, "unmount", ""),
    (stopped_server, "continue", ""),
    (frozen_server, "thaw", "cgroup v1 freezer"),
    (frozen_server_v2, "thaw", "cgroup v2 freezer"),
    (traced_server, "kill-tracer", ""),
    (frozen_inside, "thaw", "cgroup v1 freezer"),
    (traced_inside, "kill-tracer", ""),
    (parent_that_never_reaps, "kill-parent", ""),
    (parent_that_is_stopped, "continue", ""),
)
"""The situation, the remedy, and what the machine must have for it."""


@dataclass(frozen=True)
class Hang:
    """One of those that hang at once."""

    name: str
    pid: int
    action: str
    connection: int
    ended: int
    """A descriptor that shows the end of the process."""


def ends(hang: Hang, situations: Situations) -> bool:
    situations.reap_adopted()
    return dead(hang.ended)


def command_of(finding: Document, hang: Hang) -> str:
    """The command of its one remedy of that kind; of several candidates, that of its own connection."""
    found: list[str] = [each["command"] for each in finding["remedies"] if each["action"] == hang.action]
    if len(found) > 1:  # others on this machine hang, too
        found = [each for each in found if f"/{hang.connection}/abort" in each]
    (command,) = found
    return command


def of_init(document: Document, init: int) -> Document:
    findings = {each["init_pid"] or each["blockers"][0]["pid"]: each for each in document["findings"]}
    found: Document = findings[init]
    return found


def typed(command: str) -> None:
    subprocess.run(["unshare", "--mount", "sh", "-ec", SHELL + command], check=True, timeout=60)


@contextmanager
def opened(pid: int) -> Iterator[int]:
    """A descriptor of the process, which shows its death whoever reaps it."""
    pidfd = os.pidfd_open(pid)
    try:
        yield pidfd
    finally:
        os.close(pidfd)


def dead(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 0)[0])


def gone(fusezap: Fusezap, identity: str) -> bool:
    return identity not in {each["id"] for each in json.loads(fusezap("diagnose", "--json").stdout)["findings"]}


def test_what_is_printed_ends_its_own_hang_and_harms_nobody(fusezap: Fusezap, situations: Situations) -> None:
    """All of them hang at once: each command ends its own, and the others go on hanging."""
    neighbour = Neighbour.started(situations)
    with ExitStack() as stack:
        left = []
        for made, action, needs in REMEDIES:
            if not needs or not features.lacking([needs]):
                pid = made(situations)
                ended = stack.enter_context(opened(pid))
                left.append(Hang(f"{made.__name__}: {action}", pid, action, situations.number, ended))
        document = diagnosed(fusezap)
        commands = [command_of(of_init(document, hang.pid), hang) for hang in left]
        for command in commands:
            typed(command)
            hang = left.pop(0)
            until(f"{hang.name} has ended it", lambda hang=hang: ends(hang, situations))  # type: ignore[misc]
            assert [other.name for other in left if dead(other.ended)] == [], hang.name
            neighbour.assert_as_before()
    diagnosed(fusezap, 0)


def test_of_several_candidates_the_right_one_ends_it_alone(fusezap: Fusezap, situations: Situations) -> None:
    """Nothing tells which is whose: each is printed, and one of them ends it while the other hang stays."""
    neighbour = Neighbour.started(situations)
    points = [situations.point() for _ in range(2)]
    first, second = (situations.container("serve", "flush", point, "hold") for point in points)
    (number,) = {entry.device for entry in fuse_mounts(first, first) if entry.point == points[0]}
    killed(first)
    killed(second)
    for point in points:
        os.rmdir(point)  # of another mount namespace: what is mounted there is detached
    document = diagnosed(fusezap)
    finding, other = of_init(document, first), of_init(document, second)
    commands = [each["command"] for each in finding["remedies"] if each["action"] == "abort"]
    assert not any(each["by_fusezap"] for each in finding["remedies"])
    (right,) = (each for each in commands if f"/{number}/abort" in each)
    typed(right)
    until("it is gone", lambda: gone(fusezap, finding["id"]))
    assert not gone(fusezap, other["id"])
    neighbour.assert_as_before()


@pytest.mark.parametrize(
    ("scenario", "name"),
    [
        ("exit-flush-self", "abort"),
        ("exit-flush-self", "unmount"),
        ("exit-flush-peer-outside", "kill-server"),
        ("exit-flush-peer-outside", "release"),
        ("server-stopped", "release"),
        ("frozen-cgroup", "thaw"),
        ("tracer-outside", "kill-tracer"),
    ],
)
def test_what_a_run_prints_ends_its_hang(scenario: str, name: str) -> None:
    """The command by hand of each resolver."""
    if missing := features.lacking(catalogue()[scenario].requires):
        pytest.skip(f"missing: {', '.join(missing)}")
    with armed(RunRequest(catalogue()[scenario])) as trial:
        trial.kill()
        for _ in trial.judge():
            pass
        assert trial.stuck, trial.verdict.reasons
        plan = resolver.find(name).plan(trial.scene)
        assert plan.obstacle is None
        with opened(trial.victim.target.init) as init:
            typed(plan.command)
            until("init is gone", lambda: dead(init))
        trial.clean_up()


def test_harm_to_a_neighbour_is_seen(situations: Situations) -> None:
    """Looked at as before and after an act that killed its server."""
    neighbour = Neighbour.started(situations)
    before = bystanders.everywhere(situations.ctl, TimedReader())
    unharmed = bystanders.harmed(before, bystanders.everywhere(situations.ctl, TimedReader()), ())
    os.kill(neighbour.server, signal.SIGKILL)
    until("it has ended", lambda: procfs.read_process_stat(neighbour.server).state in "ZX")
    after = bystanders.everywhere(situations.ctl, TimedReader())
    word = f"server situations {neighbour.server} has ended"
    assert word not in unharmed
    assert word in bystanders.harmed(before, after, ())
    assert word not in bystanders.harmed(before, after, (neighbour.server,))
    assert bystanders.ended(before, after, (neighbour.server, neighbour.client)) == (neighbour.server,)
