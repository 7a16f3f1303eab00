"""The command line, without starting anything."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from harness import __version__, catalogue, cli, commands, registry
from harness.commands import _kernel
from harness.commands.check import CANNOT_TELL, FREE, HAS_IT
from harness.commands.check import status as check_status
from harness.commands.run import _good
from harness.errors import KernelError
from harness.model import events as events_of
from harness.model.records import Mark, Outcome, Series
from harness.run.tally import Tally
from harness.scenario.steps import about
from tests.unit.records import DATA
from tests.unit.results import result_of

COMMANDS = registry.names(commands)


REFUSED = {"check": 128, "judge": 3, "observe": 3, "diagnose": 3, "runtimes": 3, "servers": 3}
"""The status of usage errors, of commands to which 1 or 2 is an answer."""


class Ended(NamedTuple):
    status: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def fusezap(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command to its exit; puts back what main() changes in this process: signals and descriptor 1."""
    kept = os.dup(1)

    def run(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as caught:
            cli.main(list(arguments))
        assert isinstance(caught.value.code, int)
        return Ended(caught.value.code, *capsys.readouterr())

    yield run
    os.dup2(kept, 1)
    os.close(kept)


def test_there_are_the_promised_commands() -> None:
    assert {"run", "check", "list", "clean", "judge", "test"} <= set(COMMANDS)


def test_version(fusezap: Run) -> None:
    assert fusezap("--version") == Ended(0, f"fusezap {__version__}\n", "")


def test_help_lists_every_command_and_gives_examples(fusezap: Run) -> None:
    ended = fusezap("--help")
    assert ended.status == 0
    for name in COMMANDS:
        assert f"\n  {name} " in ended.out
    assert "examples:" in ended.out


def test_no_command_shows_the_same_and_is_a_mistake(fusezap: Run) -> None:
    assert fusezap().status == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command(name: str, fusezap: Run) -> None:
    ended = fusezap(name, "--help")
    assert ended.status == 0
    assert ended.out.startswith(f"usage: fusezap {name}")
    assert ended.err == ""


@pytest.mark.parametrize(
    "arguments",
    [*((name, "--no-such-option") for name in COMMANDS if name != "test"), ("--no-such-option",), ("judge",)],
    ids=" ".join,
)
def test_a_wrong_option_is_a_mistake(arguments: tuple[str, ...], fusezap: Run) -> None:
    ended = fusezap(*arguments)
    assert (ended.status, ended.out) == (REFUSED.get(arguments[0], 2), "")
    assert "usage: fusezap" in ended.err


@pytest.mark.parametrize(("word", "near"), [("rnu", "run"), ("chekc", "check"), ("clear", "clean")])
def test_an_unknown_command_with_one_near_it(word: str, near: str, fusezap: Run) -> None:
    ended = fusezap(word)
    assert ended.status == REFUSED.get(near, 2)
    assert ended.err == f"fusezap: unknown command '{word}'\nnear: {near}\n"


def test_an_unknown_command_with_none_near_it(fusezap: Run) -> None:
    ended = fusezap("zzz")
    assert ended.status == 2
    assert ended.err == f"fusezap: unknown command 'zzz'\nthere are: {', '.join(COMMANDS)}\n"


class TestList:
    def test_all(self, fusezap: Run) -> None:
        ended = fusezap("list")
        assert ended.status == 0
        rows = [line.split()[:2] for line in ended.out.splitlines()]
        assert sorted(name for name, _ in rows) == sorted(catalogue.catalogue())
        kinds = [kind for _, kind in rows]
        assert kinds == sorted(kinds, key=["defect", "behaviour", "control"].index), "what check runs comes first"

    def test_one_in_full(self, fusezap: Run) -> None:
        ended = fusezap("list", "healthy")
        assert catalogue.catalogue()["healthy"].why in ended.out
        assert "measured:" in ended.out

    def test_json(self, fusezap: Run) -> None:
        listed = json.loads(fusezap("list", "--json").out)
        assert sorted(each["name"] for each in listed) == sorted(catalogue.catalogue())

    def test_unknown_names(self, fusezap: Run) -> None:
        ended = fusezap("list", "helthy", "zzz")
        assert (ended.status, ended.out) == (2, "")
        assert "unknown scenario 'helthy'; near: healthy\nunknown scenario 'zzz'\n" in ended.err


class TestRunRefuses:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("exit-flush-slef",), "unknown scenario 'exit-flush-slef'; near: exit-flush-self"),
            (("--resolve", "umount"), "unknown resolver 'umount'; near: unmount"),
            (("--expect", "deadlok"), "unknown outcome 'deadlok'"),
            (("--patience", "-1"), "--patience"),
            (("--keep", "healthy", "exit-flush-self"), "--keep takes one scenario"),
        ],
        ids=lambda each: " ".join(each) if isinstance(each, tuple) else None,
    )
    def test_before_anything_is_started(self, arguments: tuple[str, ...], words: str, fusezap: Run) -> None:
        ended = fusezap("run", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert words in ended.err

    @pytest.mark.parametrize("patience", ["nan", "soon"])
    def test_a_patience_that_is_no_time(self, patience: str, fusezap: Run) -> None:
        assert fusezap("run", "--patience", patience, "--expect", "nothing").status == 2


class TestCheckIsRefused:
    """A status from 128 on: git bisect run stops, and calls no commit bad."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("helthy",), "unknown scenario 'helthy'; near: healthy"),
            (("healthy", "--kernal", "."), "unknown arguments: --kernal"),
            (("healthy", "--kernel", "./absent"), "it is not there"),
            (("healthy", "--repeat", "0"), "--repeat takes a number"),
            (("healthy", "--repeat", "many"), "invalid int value"),
            (("healthy", "--deadline", "nan"), "--deadline"),
            (("healthy", "--report", "junit=/no/such/folder/x"), "no file can be written there"),
            (("healthy", "--format", "jnuit"), "unknown format"),
            (("--invert",), "--invert needs the name of a scenario"),
        ],
        ids=lambda each: " ".join(each) if isinstance(each, tuple) else None,
    )
    def test_a_typo(self, arguments: tuple[str, ...], words: str, fusezap: Run) -> None:
        ended = fusezap("check", *arguments)
        assert (ended.status, ended.out) == (128, "")
        assert words in ended.err

    def test_a_scenario_that_cannot_be_read(self, fusezap: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        found = catalogue.read_catalogue()[0]
        monkeypatch.setattr(catalogue, "read_catalogue", lambda: (found, ("scenarios/x.py: SyntaxError",)))
        ended = fusezap("check")
        assert (ended.status, ended.out) == (128, "")
        assert "scenarios/x.py: SyntaxError" in ended.err

    def test_an_option_before_the_command(self, fusezap: Run) -> None:
        assert fusezap("--kernel", ".", "check").status == 128


class TestCheckInverted:
    """To bisect for the commit that ended a defect: 0 and 1 are swapped, and nothing else."""

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [(Outcome.RELEASED, HAS_IT), (Outcome.DEADLOCK, FREE), (Outcome.INCONCLUSIVE, CANNOT_TELL)],
        ids=str,
    )
    def test_answers(self, outcome: Outcome, status: int, fusezap: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        events = [events_of.Began(DEFECT, "", 1), events_of.Ended(series(DEFECT, outcome))]
        monkeypatch.setattr(_kernel, "session", lambda *_: ("6.3.0", (each for each in events)))
        ended = fusezap("check", DEFECT, "--invert")
        assert ended.status == status
        words = {HAS_IT: "free of the defect", FREE: "has the defect", CANNOT_TELL: "cannot tell"}
        assert ended.out.startswith(f"6.3.0: {words[status]}: {DEFECT}"), "the line says what the kernel is"

    def test_errors_stay(self, fusezap: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def stale(*_: object) -> None:
            raise KernelError("bzImage may not be of these sources")

        monkeypatch.setattr(_kernel, "session", stale)
        ended = fusezap("check", DEFECT, "--invert")
        assert ended.status == CANNOT_TELL
        assert "bzImage may not be of these sources" in ended.out
        assert fusezap("check", "no-such-scenario", "--invert").status == 128


class TestJudge:
    @pytest.mark.parametrize(
        ("name", "status", "outcome"),
        [
            ("exit-flush-self", 1, "deadlock"),
            ("exit-flush-peer-outside", 1, "starved"),
            ("server-stopped", 1, "starved"),
            ("healthy", 0, "released"),
        ],
    )
    def test_recorded(self, name: str, status: int, outcome: str, fusezap: Run) -> None:
        file = str(DATA / "6.18" / f"{name}.json")
        story, document = fusezap("judge", file), fusezap("judge", file, "--format", "json")
        assert (story.status, document.status) == (status, status)
        assert outcome.upper() in story.out
        assert json.loads(document.out)["outcome"] == outcome

    def test_standard_input(self, fusezap: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        data = (DATA / "6.18" / "healthy.json").read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert fusezap("judge", "-").status == 0

    def test_one_snapshot_alone_is_inconclusive(self, fusezap: Run, tmp_path: Path) -> None:
        raw = json.loads((DATA / "6.18" / "exit-flush-self.json").read_text())
        raw["snapshots"] = raw["snapshots"][-1:]
        (tmp_path / "one.json").write_text(json.dumps(raw))
        assert fusezap("judge", str(tmp_path / "one.json")).status == 2

    @pytest.mark.parametrize(
        "content",
        [b"", b"{}", b"not json", b"\xff\xfe\x00"],
        ids=["empty", "no recording", "no JSON", "no text"],
    )
    def test_a_file_that_is_no_recording_is_a_mistake_with_its_name(
        self, content: bytes, fusezap: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "some.json"
        file.write_bytes(content)
        ended = fusezap("judge", str(file))
        assert (ended.status, ended.out) == (3, "")
        assert f"{file} is no recording" in ended.err

    @pytest.mark.parametrize("content", ["[" * 100_000, '{"schema_version": ' + "9" * 100_000 + "}"])
    def test_depth_and_numbers_without_end_are_refused(self, content: str, fusezap: Run, tmp_path: Path) -> None:
        (tmp_path / "it").write_text(content)
        ended = fusezap("judge", str(tmp_path / "it"))
        assert (ended.status, ended.out) == (3, "")
        assert "is no recording" in ended.err

    def test_a_fifo_is_refused_without_waiting(self, fusezap: Run, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "it")
        ended = fusezap("judge", str(tmp_path / "it"))
        assert (ended.status, ended.out) == (3, "")
        assert "no plain file" in ended.err

    def test_a_file_that_is_not_there(self, fusezap: Run, tmp_path: Path) -> None:
        ended = fusezap("judge", str(tmp_path / "absent.json"))
        assert ended.status == 3
        assert f"{tmp_path}/absent.json: No such file or directory" in ended.err


def series(name: str, *outcomes: Outcome, **changes: object) -> Series:
    """The series of a scenario in which these outcomes were seen, in this order."""
    result = result_of("exit-flush-self")
    tally = Tally(result.kernel, about(catalogue.catalogue()[name]))
    for outcome in outcomes:
        verdict = replace(result.verdict, outcome=outcome)
        tally.add(replace(result, verdict=verdict, **changes))  # type: ignore[arg-type]
    return tally.series()


DEFECT, BEHAVIOUR, CONTROL = "exit-flush-self", "server-stopped", "healthy"


class TestStatuses:
    @pytest.mark.parametrize(
        ("chosen", "outcomes", "status"),
        [
            (DEFECT, [Outcome.RELEASED], FREE),
            (DEFECT, [Outcome.DEADLOCK], HAS_IT),
            (DEFECT, [Outcome.STARVED], HAS_IT),
            (DEFECT, [Outcome.FAILED], HAS_IT),
            (DEFECT, [Outcome.RELEASED, Outcome.RELEASED, Outcome.DEADLOCK], HAS_IT),
            (DEFECT, [Outcome.INCONCLUSIVE, Outcome.DEADLOCK], HAS_IT),
            (DEFECT, [Outcome.INCONCLUSIVE], CANNOT_TELL),
            (DEFECT, [Outcome.RELEASED, Outcome.INCONCLUSIVE], CANNOT_TELL),
            (DEFECT, [Outcome.NOT_EXERCISED], CANNOT_TELL),
            (DEFECT, [], CANNOT_TELL),
            (CONTROL, [Outcome.RELEASED], FREE),
            (CONTROL, [Outcome.DEADLOCK], CANNOT_TELL),
            (CONTROL, [Outcome.NOT_EXERCISED], CANNOT_TELL),
            (BEHAVIOUR, [Outcome.STARVED], FREE),
            (BEHAVIOUR, [Outcome.DEADLOCK], FREE),
            (BEHAVIOUR, [Outcome.INCONCLUSIVE], CANNOT_TELL),
        ],
        ids=str,
    )
    def test_of_check(self, chosen: str, outcomes: list[Outcome], status: int) -> None:
        assert check_status([series(chosen, *outcomes)], []) == status

    def test_of_check_with_something_left_behind(self) -> None:
        assert check_status([series(DEFECT, Outcome.RELEASED, leftovers=("it",))], []) == CANNOT_TELL

    def test_of_check_with_a_scenario_file_that_is_broken(self) -> None:
        assert check_status([series(DEFECT, Outcome.RELEASED)], ["scenarios/x.py: SyntaxError"]) == CANNOT_TELL
        assert check_status([series(DEFECT, Outcome.DEADLOCK)], ["scenarios/x.py: SyntaxError"]) == HAS_IT

    def test_of_check_with_what_this_machine_cannot_run(self) -> None:
        assert check_status([replace(series(CONTROL), mark=Mark.SKIPPED)], []) == CANNOT_TELL

    def test_of_run(self) -> None:
        deadlock, released = series(DEFECT, Outcome.DEADLOCK), series(DEFECT, Outcome.RELEASED, resolution=None)
        assert _good(deadlock, None, False)
        assert _good(deadlock, "deadlock", False)
        assert not _good(deadlock, "released", False)
        assert not _good(series(DEFECT, Outcome.DEADLOCK, Outcome.RELEASED), "deadlock", False)
        assert _good(released, None, False)
        assert not _good(series(DEFECT, Outcome.INCONCLUSIVE), None, False)
        assert not _good(series(DEFECT, Outcome.NOT_EXERCISED), "not-exercised", False)
        assert not _good(series(DEFECT, Outcome.DEADLOCK, resolution=None), None, False)
        assert _good(series(DEFECT, Outcome.DEADLOCK, resolution=None), None, True)
        assert not _good(series(DEFECT, Outcome.DEADLOCK, leftovers=("it",)), None, False)
        assert not _good(series(DEFECT), None, False)
