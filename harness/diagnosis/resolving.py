"""Ends one finding: by the means that was shown, on the very thing that was found, or not at all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.diagnosis.records import Diagnosis, Finding, Remedy
from harness.errors import MachineError, UsageError
from harness.linux import fusectl
from harness.linux.fusectl import Fusectl
from harness.linux.polling import poll

RELEASE_S = 5.0
_SIGNALS = {"continue": signal.SIGCONT, "kill-tracer": signal.SIGKILL}

Look = Callable[[], Diagnosis]


def named(diagnosis: Diagnosis, identity: str) -> Finding:
    """UsageError tells what there is instead."""
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


def resolve(finding: Finding, remedy: Remedy, ctl: Fusectl | None, look: Look) -> float | None:
    """Seconds until it was gone; None when it is there after `RELEASE_S`.

    What is acted on is opened first and looked at then: an abort file stays bound to its connection, a pidfd to its
    process, so that neither can become another's between the look and the act.
    """
    with _taken(finding, remedy, ctl) as act:
        named(look(), finding.id)
        began = time.monotonic()
        act()
        gone = poll(RELEASE_S, lambda: not any(_same(each, finding) for each in look().findings), 0.02)
        return time.monotonic() - began if gone else None


def _same(each: Finding, finding: Finding) -> bool:
    """The same tasks, whatever has become of their form."""
    return each.id.partition("-")[0] == finding.id.partition("-")[0]


@contextmanager
def _taken(finding: Finding, remedy: Remedy, ctl: Fusectl | None) -> Iterator[Callable[[], None]]:
    """What is needed to act, and the act."""
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
    """What thaws: in cgroup v2's `cgroup.freeze` a 0, in v1's `freezer.state` a word."""
    return b"0" if file.endswith("/cgroup.freeze") else b"THAWED"


def _written(descriptor: int, data: bytes) -> None:
    os.write(descriptor, data)
