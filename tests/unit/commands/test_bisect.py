"""`fusezap bisect` on a line of kernels whose machines are played: order, answers, words, statuses, journal."""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Generator
from pathlib import Path

import pytest

from harness.commands import _kernel
from harness.errors import Interrupted, KernelError, MachineError
from harness.model.events import Began, Ended, Event
from harness.model.records import Outcome
from tests.unit.commands.test_cli import DEFECT, Run, fusezap, series
from tests.unit.kernels.test_architectures import KERNEL, bzimage

__all__ = ["fusezap"]


class Machines:
    """Stands for the virtual machines: `says` gives the outcome under each kernel, by its spec."""

    def __init__(self, says: dict[str, Outcome | BaseException]) -> None:
        self.says = says
        self.started: list[str] = []

    def session(self, args: argparse.Namespace, *_: object) -> tuple[str, Generator[Event]]:
        self.started.append(args.kernel)
        said = self.says[args.kernel]
        if isinstance(said, BaseException):
            raise said
        return f"release of {args.kernel}", (each for each in (Began(DEFECT, "", 1), Ended(series(DEFECT, said))))


HAS_IT, FREE = Outcome.DEADLOCK, Outcome.RELEASED
NAMES = tuple(f"./{number}" for number in range(8))


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Eight images, of which 2 to 4 are free."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in NAMES:
        Path(name).write_bytes(bzimage(gzip.compress(KERNEL + name.encode())))
    found = Machines({name: FREE if 2 <= number <= 4 else HAS_IT for number, name in enumerate(NAMES)})
    monkeypatch.setattr(_kernel, "session", found.session)
    return found


def test_every_change_is_named(machines: Machines, fusezap: Run) -> None:
    ended = fusezap("bisect", "--kernels", ",".join(NAMES), "--boundaries", "all")
    assert ended.status == 0
    assert "exit-flush-self: 2 changes found in 8 kernels, by 8 tests" in ended.out
    assert "  DDfffDDD   from ./0 to ./7" in ended.out
    assert "./1 has the defect, and ./2 after it is free of the defect" in ended.out
    assert "./4 is free of the defect, and ./5 after it has the defect" in ended.out
    assert "step 1, some 8 left: ./0" in ended.err
    assert sorted(machines.started) == list(NAMES)


def test_one_change_takes_a_few_of_them(machines: Machines, fusezap: Run) -> None:
    ended = fusezap("bisect", "--kernels", ",".join(NAMES[:5]), "--json")
    assert ended.status == 0
    document = json.loads(ended.out)
    assert [(each["before"], each["after"], each["answer"]) for each in document["changes"]] == [("./1", "./2", "free")]
    assert len(document["steps"]) == len(machines.started) == 4
    assert document["steps"][0]["release"] == "release of ./0"


@pytest.mark.usefixtures("machines")
def test_ends_that_agree_are_said_to(fusezap: Run) -> None:
    ended = fusezap("bisect", "--kernels", ",".join(NAMES))
    assert ended.status == 1
    assert "both ends agree: each has the defect; --boundaries all looks for changes between them" in ended.out
    assert "not looked into: 6 between ./0 and ./7" in ended.out


def test_what_cannot_be_told_is_between(machines: Machines, fusezap: Run) -> None:
    machines.says["./1"] = KernelError("it lacks FUSE (CONFIG_FUSE_FS)")
    machines.says["./2"] = Outcome.INCONCLUSIVE
    ended = fusezap("bisect", "--kernels", ",".join(NAMES[:5]))
    assert ended.status == 1
    assert (
        "between ./0, which has the defect, and ./3, which is free of the defect: the 2 between them cannot"
        in ended.out
    )
    assert "it lacks FUSE (CONFIG_FUSE_FS)" in ended.err
    assert "  D??" in ended.out


def test_an_error_is_no_answer_and_the_search_resumes(machines: Machines, fusezap: Run) -> None:
    machines.says["./2"] = MachineError("no room on the disk")
    command = ("bisect", "--kernels", ",".join(NAMES[:5]))
    ended = fusezap(*command)
    assert (ended.status, ended.out) == (2, "")
    assert "no room on the disk" in ended.err
    before = list(machines.started)
    machines.says["./2"] = FREE
    ended = fusezap(*command)
    assert ended.status == 0
    assert f"{len(before) - 1} answers are known already" in ended.err
    assert not set(before[:-1]) & set(machines.started[len(before) :]), "nothing is tested twice"


def test_an_interrupt_says_that_the_same_command_goes_on(machines: Machines, fusezap: Run) -> None:
    machines.says["./4"] = Interrupted(2)
    ended = fusezap("bisect", "--kernels", ",".join(NAMES[:5]))
    assert ended.status == 130
    assert "the same command goes on after 1 answers" in ended.err


def test_an_image_that_was_built_anew_is_tested_anew(machines: Machines, fusezap: Run) -> None:
    command = ("bisect", "--kernels", ",".join(NAMES[:5]))
    fusezap(*command)
    Path("./0").write_bytes(bzimage(gzip.compress(KERNEL + b"another")))
    before = len(machines.started)
    assert fusezap(*command).status == 0
    assert len(machines.started) == 2 * before


def test_a_list_in_a_file(machines: Machines, fusezap: Run) -> None:
    Path("list").write_text("# ours\n" + "\n".join(f"{name}  # it" for name in NAMES[:3]))
    assert fusezap("bisect", "--kernels", "@list").status == 0
    assert len(machines.started) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kernels", "./0"), "two kernels or more"),
        (("--kernels", "./0,./absent"), "it is not there"),
        (("--kernels", "./0,./1", "--scenario", "*"), "several scenarios"),
        (("--kernels", "./0,./1", "--scenario", "helthy"), "near: healthy"),
        (("--kernels", "./0,./1", "--gap", "3"), "--boundaries all"),
        (("--kernels", "./0,./1", "--confidence", "0.9"), "goes with --flaky"),
        (("--kernels", "@/no/such/list"), "No such file"),
    ],
)
@pytest.mark.usefixtures("machines")
def test_what_cannot_be_searched(arguments: tuple[str, ...], words: str, fusezap: Run) -> None:
    ended = fusezap("bisect", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err
