"""Every scenario comes to the outcome that its file states, resolved and without a trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import harness.report
from harness.catalogue import catalogue
from harness.linux import features
from harness.model.events import Counted
from harness.model.records import Outcome, Result
from harness.run.request import RunRequest
from harness.run.runner import run_once
from tests.schema import validate
from tests.unit.results import reported

HANGS = (
    *("exit-flush-self", "exit-flush-race", "exit-flush-single-thread", "exit-flush-voluntary", "nested-fsync"),
    *("exit-flush-nested-namespace", "exit-flush-no-namespace"),
    *("close-self", "read-self", "write-self", "fsync-self", "open-self", "getattr-self"),
)
WAITS = (
    *("exit-flush-peer-outside", "server-stopped", "close-queued", "tracer-outside", "frozen-cgroup"),
    *("close-outside", "read-outside", "write-outside", "fsync-outside", "open-outside", "getattr-outside"),
)
GOES = (
    *("healthy", "flush-delayed", "exit-flush-peer-inside", "sleepers", "zombies", "frozen-cgroup-v2"),
    *("etxtbsy-after-exit", "flush-enosys", "opendir-held", "getattr-queued", "open-queued"),
    *("mmap-fault-self", "mmap-fault-outside"),
)
ON_THIS_KERNEL = {
    **dict.fromkeys(HANGS, Outcome.DEADLOCK),
    **dict.fromkeys(WAITS, Outcome.STARVED),
    **dict.fromkeys(GOES, Outcome.RELEASED),
}
"""Outcomes of every kernel measured so far; a kernel with a fix makes this table wrong, and that is news."""
SCHEMA = Path(harness.report.__file__).parent / "result.schema.json"


def play(name: str, chosen: str | None = None, **options: object) -> Result:
    *_, last = run_once(RunRequest(catalogue()[name], resolver=chosen, **options))  # type: ignore[arg-type]
    assert isinstance(last, Counted)
    assert last.result is not None
    return last.result


def test_every_scenario_has_an_expected_outcome() -> None:
    assert set(ON_THIS_KERNEL) == set(catalogue())


@pytest.mark.parametrize("name", ON_THIS_KERNEL)
def test_scenario_comes_to_its_outcome(name: str) -> None:
    missing = features.lacking(catalogue()[name].requires)
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")
    result = play(name)
    assert result.verdict.outcome is ON_THIS_KERNEL[name], result.verdict.reasons
    assert result.leftovers == ()
    if result.verdict.outcome is Outcome.RELEASED:
        assert result.resolution is None
    else:
        assert result.resolution is not None
        assert result.resolution.released, result.resolution


def test_the_deadlock_has_every_line_of_the_form() -> None:
    verdict = play("exit-flush-self").verdict
    assert {check.check: check.holds for check in verdict.form} == {
        "init-in-zap": True,
        "leader-zombie": True,
        "one-live-task": True,
        "flush-in-exit": True,
        "sigkill-futile": True,
        "no-entry": True,
    }, verdict.form


def test_the_deadlock_rests_on_two_snapshots_and_names_the_knot() -> None:
    verdict = play("exit-flush-self").verdict
    assert len(verdict.snapshots) == 2
    assert verdict.graph is not None
    assert verdict.graph.root in verdict.dead
    assert f"connection:{verdict.connection}" in verdict.dead
    assert verdict.blockers == ()


def test_a_starved_namespace_names_who_could_still_end_it() -> None:
    result = play("exit-flush-peer-outside")
    assert result.armed is not None
    inside = {task.tid for task in result.armed.tasks}
    blockers = {int(name.partition(":")[2]) for name in result.verdict.blockers}
    assert blockers
    assert not blockers & inside


@pytest.mark.parametrize(
    ("scenario", "resolver", "helps"),
    [
        ("exit-flush-self", "abort", True),
        ("exit-flush-self", "unmount", True),
        ("exit-flush-self", "release", False),
        ("exit-flush-self", "kill-server", False),
        ("exit-flush-peer-outside", "unmount", True),
        ("exit-flush-peer-outside", "release", True),
        ("exit-flush-peer-outside", "kill-server", True),
        ("server-stopped", "release", True),
        ("server-stopped", "kill-server", True),
    ],
)
def test_resolver_helps_only_where_it_can(scenario: str, resolver: str, helps: bool) -> None:
    result = play(scenario, resolver)
    assert result.resolution is not None
    assert result.resolution.released is helps, result.resolution
    assert result.leftovers == ()


def test_sigkill_and_lazy_unmount_are_futile() -> None:
    result = play("exit-flush-self", futile=True)
    assert {attempt.action: attempt.released for attempt in result.attempts} == {
        "lazy-unmount": False,
        "sigkill": False,
    }
    assert result.resolution is not None
    assert result.resolution.released


@pytest.mark.parametrize("name", ["exit-flush-self", "exit-flush-peer-outside", "healthy", "tracer-outside"])
def test_the_document_is_valid(name: str) -> None:
    from harness.report.formats.json import document

    validate(json.loads(json.dumps(document(reported(play(name))))), SCHEMA)
