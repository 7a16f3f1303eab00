"""Ends one finding: by the means that was shown, on the very thing that was found, or not at all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.diagnosis.records import Aftermath, Diagnosis, Finding, Remedy
from harness.errors import MachineError, UsageError
from harness.linux import fusectl
from harness.linux.fusectl import Fusectl
from harness.linux.polling import poll
from harness.linux.timed_reader import TimedReader
from harness.resolve import bystanders

RELEASE_S = 5.0
_SIGNALS = {"continue": signal.SIGCONT, "kill-tracer": signal.SIGKILL}

Look = Callable[[], Diagnosis]


def named(diagnosis: Diagnosis, identity: str) -> Finding:
    """UsageError lists the alternatives."""
    found = next((each for each in diagnosis.findings if each.id == identity), None)
    if found is None:
        known = ", ".join(each.id for each in diagnosis.findings) or "nothing is stuck"
        raise UsageError(f"there is no finding {identity}, or it has changed since", f"there are now: {known}")
    return found


def chosen(finding: Finding, action: str | None) -> Remedy:
    """The mildest that fusezap can do, or the one that was asked for."""
    own = [each for each in finding.remedies if each.resolver]
    if not own:
        by_hand = "; ".join(each.command or each.effect for each in finding.remedies)
        raise UsageError(f"nothing that fusezap does would end {finding.id}", f"by hand: {by_hand}")
    found = [each for each in own if action in (None, each.action)]
    if not found:
        raise UsageError(f"{finding.id} has no remedy {action!r}", f"it has: {', '.join(each.action for each in own)}")
    return found[0]


def resolve(finding: Finding, remedy: Remedy, ctl: Fusectl | None, look: Look, reader: TimedReader) -> Aftermath:
    """Act, wait until the finding is gone or `RELEASE_S` is over, and look at what the act did to whom.

    What is acted on is opened first and looked at then: an abort file stays bound to its connection, a pidfd to its
    process, so that neither can become another's between the look and the act.

    Args:
        finding: What to end.
        remedy: How.
        ctl: The machine's fusectl.
        look: Looks at the machine again.
        reader: Remembers the processes that make their readers wait.

    Returns:
        What became of the finding and of everything else.

    Raises:
        MachineError: The remedy cannot be carried out here.
        UsageError: The finding has changed since.
    """
    with _taken(finding, remedy, ctl) as act:
        seen = look()
        now = named(seen, finding.id)
        before = bystanders.everywhere(ctl, reader)
        began = time.monotonic()
        act()
        last = seen

        def gone() -> bool:
            nonlocal last
            last = look()
            return not any(_same(each, finding) for each in last.findings)

        took = time.monotonic() - began if poll(RELEASE_S, gone, 0.02) else None
    after = bystanders.everywhere(ctl, reader)
    return _aftermath(now, remedy, (seen, last), (before, after), took)


def _aftermath(
    finding: Finding,
    remedy: Remedy,
    looks: tuple[Diagnosis, Diagnosis],
    around: tuple[bystanders.Surroundings, bystanders.Surroundings],
    took: float | None,
) -> Aftermath:
    """Compare the machine before the act and after it.  Pure."""
    number = finding.connection.number if finding.connection is not None and remedy.resolver == "abort" else None
    sharing = [
        each
        for each in looks[0].findings
        if each.id == finding.id
        or (number is not None and each.connection is not None and each.connection.number == number)
    ]
    own = frozenset(task.tgid for each in sharing for task in each.verdict.snapshots[-1].tasks) | frozenset(
        each.pid for found in sharing for each in found.blockers
    )
    meant = set(own)
    if remedy.resolver == "kill-tracer":
        meant.add(int(remedy.target))
    if number is not None:
        devices = finding.verdict.snapshots[-1].devices
        meant |= {each.tgid for each in devices if each.connection == number}
    known = {each.id for each in looks[0].findings}
    before, after = around
    harmed = bystanders.harmed(before, after, meant, () if number is None else (number,))
    appeared = tuple(f"{each.id} is stuck now: {each.kind}" for each in looks[1].findings if each.id not in known)
    gone = bystanders.ended(before, after, own)
    return Aftermath(
        took,
        gone,
        tuple(sorted({each.pid for each in before.processes if each.pid in own} - set(gone))),
        (*harmed, *appeared),
        (len(after.processes), len(after.mounts), len(after.connections)),
    )


def _same(each: Finding, finding: Finding) -> bool:
    """The same tasks, whatever has become of their form."""
    return each.id.partition("-")[0] == finding.id.partition("-")[0]


@contextmanager
def _taken(finding: Finding, remedy: Remedy, ctl: Fusectl | None) -> Iterator[Callable[[], None]]:
    """The inputs of an act, and the act."""
    try:
        if remedy.resolver == "abort":
            if ctl is None or finding.connection is None:
                raise MachineError("no fusectl filesystem can be had here", "run as root on the host")
            with ctl.abort_opened(finding.connection.number) as file:
                yield lambda: fusectl.abort(file)
        elif remedy.resolver == "thaw":
            descriptor = os.open(remedy.target, os.O_WRONLY | os.O_CLOEXEC)
            try:
                yield lambda: _written(descriptor, _thawing(remedy.target))
            finally:
                os.close(descriptor)
        else:
            pidfd = os.pidfd_open(int(remedy.target))
            try:
                yield lambda: signal.pidfd_send_signal(pidfd, _SIGNALS[str(remedy.resolver)])
            finally:
                os.close(pidfd)
    except OSError as error:
        raise MachineError(f"{remedy.action} cannot be done: {error.strerror}", f"by hand: {remedy.command}") from error


def _thawing(file: str) -> bytes:
    """The words that thaw a control group: in cgroup v2's `cgroup.freeze` a 0, in v1's `freezer.state` a word."""
    return b"0" if file.endswith("/cgroup.freeze") else b"THAWED"


def _written(descriptor: int, data: bytes) -> None:
    os.write(descriptor, data)
