"""Plans, carries out and verifies what ends the hang."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from types import ModuleType

from fakefs.errors import FakefsError
from harness import registry
from harness.model.records import Attempt, Resolution
from harness.record import record
from harness.resolve import futile, resolvers
from harness.resolve.scene import Plan, Scene

DEFAULTS = ("abort", "unmount", "thaw", "kill-tracer")
"""In this order: each ends what the ones before it cannot."""
_NEEDED = ("SUMMARY", "plan", "execute")
RELEASE_S = 5.0
FUTILE_S = 0.25
"""How long a futile attempt is given to prove us wrong."""


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
