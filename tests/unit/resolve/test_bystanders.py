"""The effects of an act on everything that it was not meant for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.resolve.bystanders import Bystander, Mounted, Surroundings, ended, harmed

SERVER = Bystander(10, 1, "server", old=False, server=True)
OLD = Bystander(11, 1, "database", old=True, server=False)
YOUNG = Bystander(12, 1, "cron", old=False, server=False)
DYING = Bystander(13, 1, "init", old=True, server=False)
SHARED = Mounted(100, 41, "photos", "/mnt/photos", frozenset({10, 11, 12, 13}))
OWN = Mounted(101, 42, "hung", "/mnt", frozenset({13}))
BEFORE = Surroundings((SERVER, OLD, YOUNG, DYING), (SHARED, OWN), (41, 42))


def after(**values: object) -> Surroundings:
    return replace(BEFORE, **values)  # type: ignore[arg-type]


def test_nothing_has_changed() -> None:
    assert harmed(BEFORE, BEFORE, ()) == ()


def test_what_the_act_was_meant_for_is_no_harm() -> None:
    left = after(processes=(SERVER, OLD, YOUNG), mounts=(SHARED,), connections=(41,))
    assert harmed(BEFORE, left, {13}, {42}) == ()
    assert harmed(BEFORE, left, {13}) == (), "its mounts are seen by nobody else"
    assert ended(BEFORE, left, {13, 11}) == (13,)


@pytest.mark.parametrize(
    ("left", "line"),
    [
        (after(processes=(OLD, YOUNG, DYING)), "server server 10 has ended"),
        (after(processes=(SERVER, YOUNG, DYING)), "process database 11 has ended"),
        (
            after(processes=(SERVER, replace(OLD, start_time=2), YOUNG, DYING)),
            "process database 11 has ended",
        ),
        (after(mounts=(OWN,)), "the mount of photos (connection 41) at /mnt/photos is gone"),
        (after(mounts=(replace(SHARED, id=102), OWN)), "the mount of photos (connection 41) at /mnt/photos is gone"),
        (after(connections=(42,)), "connection 41 has ended"),
    ],
)
def test_each_harm_is_named(left: Surroundings, line: str) -> None:
    assert harmed(BEFORE, left, {13}, {42}) == (line,)


def test_what_comes_and_goes_is_no_harm() -> None:
    assert harmed(BEFORE, after(processes=(SERVER, OLD, DYING)), {13}, {42}) == ()


def test_a_process_that_was_in_execve_is_known_by_its_number() -> None:
    """Its start time could not be read before the act freed it."""
    held = after(processes=(SERVER, replace(OLD, start_time=0), YOUNG, DYING))
    assert harmed(held, BEFORE, ()) == ()
    assert harmed(BEFORE, held, ()) == ()
