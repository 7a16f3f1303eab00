"""Plans, carries out and verifies what ends the hang."""

from __future__ import annotations

import difflib
import functools
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from fakefs.errors import FakefsError
from harness import registry, resolvers
from harness.errors import UsageError
from harness.model import Attempt, Resolution
from harness.resolvers import Plan, Scene

RELEASE_S = 5.0
FUTILE_S = 0.25
"""How long a futile attempt is given to prove us wrong."""


@dataclass(frozen=True, slots=True)
class Resolver:
    name: str
    summary: str
    remedy: bool
    plan: Callable[[Scene], Plan]
    execute: Callable[[Scene], None]


def _resolver(module: ModuleType) -> Resolver:
    return Resolver(module.NAME, module.SUMMARY, module.REMEDY, module.plan, module.execute)


@functools.cache
def known() -> dict[str, Resolver]:
    found = registry.modules(resolvers, "NAME", "SUMMARY", "REMEDY", "plan", "execute")
    return {module.NAME: _resolver(module) for module in found}


def remedies() -> tuple[str, ...]:
    return tuple(each.name for each in known().values() if each.remedy)


def find(name: str) -> Resolver:
    if name not in remedies():
        near = difflib.get_close_matches(name, remedies(), n=3, cutoff=0.4)
        raise UsageError(
            f"unknown resolver {name!r}" + (f"; near: {', '.join(near)}" if near else ""),
            f"there are: {', '.join(remedies())}",
        )
    return known()[name]


def resolve(resolver: Resolver, scene: Scene) -> Resolution:
    """Acts, and waits until the namespace is gone or RELEASE_S is over.  A refusal is a resolution that failed."""
    plan = resolver.plan(scene)
    if plan.obstacle:
        return Resolution(resolver.name, plan.command, False, None, plan.obstacle)
    try:
        took = _timed(scene, resolver, RELEASE_S)
    except (OSError, FakefsError) as error:
        return Resolution(resolver.name, plan.command, False, None, str(error))
    if took is None:
        return Resolution(resolver.name, plan.command, False, None, f"still there after {RELEASE_S:g} s")
    return Resolution(resolver.name, plan.command, True, took, plan.effect)


def attempt(resolver: Resolver, scene: Scene) -> Attempt:
    """Tries what is not believed to help, and reports what came of it."""
    plan = resolver.plan(scene)
    if plan.obstacle:
        return Attempt(resolver.name, plan.command, plan.obstacle, False)
    try:
        took = _timed(scene, resolver, FUTILE_S)
    except OSError as error:
        return Attempt(resolver.name, plan.command, f"refused: {error.strerror}", False)
    if took is None:
        return Attempt(resolver.name, plan.command, f"no error, and no effect within {FUTILE_S:g} s", False)
    return Attempt(resolver.name, plan.command, f"the namespace is gone after {took:.1f} ms", True)


def futile() -> tuple[Resolver, ...]:
    return tuple(each for each in known().values() if not each.remedy)


def _timed(scene: Scene, resolver: Resolver, patience_s: float) -> float | None:
    """Milliseconds from the act until init is gone; None when it is not.

    The pidfd of init is readable once it has passed exit_notify(), which zap_pid_ns_processes() must return for.
    """
    try:
        pidfd = os.pidfd_open(scene.target.init)
    except ProcessLookupError:
        return 0.0
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        start = time.monotonic()
        resolver.execute(scene)
        if not poll.poll(patience_s * 1000):
            return None
        return (time.monotonic() - start) * 1000
    finally:
        os.close(pidfd)
