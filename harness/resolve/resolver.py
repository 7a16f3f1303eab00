"""Plans, carries out and verifies what ends the hang."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from types import ModuleType

from fakefs.errors import FakefsError
from harness import registry
from harness.model.records import Attempt, Resolution
from harness.record import record
from harness.resolve import bystanders, futile, resolvers
from harness.resolve.scene import Plan, Scene

DEFAULTS = ("abort", "unmount", "thaw", "kill-tracer")
"""In this order: each ends what the ones before it cannot."""
_NEEDED = ("SUMMARY", "plan", "execute")
RELEASE_S = 5.0
FUTILE_S = 0.25
"""Seconds in which a futile attempt could prove us wrong."""


@record(frozen=True, slots=True)
class Resolver:
    name: str
    summary: str
    plan: Callable[[Scene], Plan]
    execute: Callable[[Scene], None]


def _resolver(name: str, module: ModuleType) -> Resolver:
    return Resolver(name, module.SUMMARY, module.plan, module.execute)


def _load(package: ModuleType, name: str) -> Resolver:
    return _resolver(name, registry.module(package, name, *_NEEDED))


def names() -> tuple[str, ...]:
    return registry.names(resolvers)


def find(name: str) -> Resolver:
    return _resolver(name, registry.chosen(resolvers, "resolver", name, *_NEEDED))


def default(scene: Scene) -> Resolver:
    """The first that nothing stands in the way of; the abort, with its obstacle, where there is none."""
    found = (_load(resolvers, name) for name in DEFAULTS)
    return next((each for each in found if each.plan(scene).obstacle is None), _load(resolvers, DEFAULTS[0]))


def futiles() -> tuple[Resolver, ...]:
    return tuple(_load(futile, name) for name in registry.names(futile))


def resolve(resolver: Resolver, scene: Scene, watch_others: bool = True) -> Resolution:
    """Act, and wait until the namespace is gone or RELEASE_S is over.

    Args:
        resolver: How to act.
        scene: What to act on.
        watch_others: Whether to look for harm to everything else, which takes two looks at the machine.

    Returns:
        What came of it; a refusal is a resolution that failed.
    """
    plan = resolver.plan(scene)
    if plan.obstacle:
        return Resolution(resolver.name, plan.command, False, None, plan.obstacle)
    before = bystanders.nearby() if watch_others else None
    took, detail = None, f"still there after {RELEASE_S:g} s"
    try:
        took = _timed(scene, resolver, RELEASE_S)
    except (OSError, FakefsError) as error:
        detail = str(error)
    harmed = None if before is None else bystanders.harmed(before, bystanders.nearby(), _meant(scene))
    if took is None:
        return Resolution(resolver.name, plan.command, False, None, detail, harmed)
    return Resolution(resolver.name, plan.command, True, took, plan.effect, harmed)


def _meant(scene: Scene) -> Iterator[int]:
    """Yield the processes of the run, which may all end with it."""
    snapshot = scene.verdict.snapshots[-1]
    yield from (task.tgid for task in snapshot.tasks)
    yield from (claim.tgid for claim in snapshot.claims)
    if scene.server is not None:
        yield scene.server.pid
    if scene.remedy is not None and scene.remedy[0] == "tracer":
        yield int(scene.remedy[1])


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
