"""Whoever keeps a device where no descriptor table shows it can still answer: no deadlock is said of its namespace.

The truth of each is established by what then happens: the server answers or lets the device go, and the namespace ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.linux.fusectl import Fusectl, fusectl_opened
from tests.live import hidden
from tests.live.conftest import Fusezap
from tests.live.situations import until

MODES = (
    "plain",
    "node",
    "many",
    "uring",
    "uring-poll",
    "aio",
    "poll-reused",
    "message",
    "in-flight",
    "userfault",
    "close-range",
    "execve",
    "exiting",
    "threads",
    "fork-exit",
    "pass",
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hidden.built(tmp_path_factory.mktemp("hidden"))


@pytest.fixture
def ctl() -> Iterator[Fusectl]:
    with fusectl_opened() as found:
        assert found is not None, "no hang without the means to end it"
        yield found


@pytest.mark.parametrize("mode", MODES)
def test_it_is_not_called_a_deadlock(mode: str, fusezap: Fusezap, program: Path, tmp_path: Path, ctl: Fusectl) -> None:
    with hidden.hidden(program, mode, tmp_path, ctl) as made:
        observed = fusezap("observe", str(made.init))
        judged = fusezap("judge", "-", "--format", "json", input=observed.stdout)
        outcome = json.loads(judged.stdout)["outcome"]
        found = json.loads(fusezap("diagnose", "--json").stdout)["findings"]
        named = {each["init_pid"]: each["outcome"] for each in found}
        assert not made.gone, "it ended before anybody answered"
        assert outcome in ("starved", "inconclusive"), judged.stdout
        assert named.get(made.init) in ("starved", "inconclusive"), named
        made.answer()
        until("the namespace ends when the server answers", lambda: made.gone)
