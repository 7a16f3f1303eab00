"""`fusezap bisect --tree` on histories of a toy: git chooses, make builds, and only the machines are played."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Generator, Iterable
from functools import partial
from pathlib import Path

import pytest

from harness.bisect import commit
from harness.commands import _kernel
from harness.errors import MachineError
from harness.kernels.image import Image
from harness.matrix import cluster, local
from harness.matrix.job import Job, KernelFound, Labelled
from harness.matrix.measure import Workers
from harness.model.events import Began, Ended, Event, Failed
from harness.model.records import Outcome
from tests.conftest import require
from tests.integration.bisect.toy import Toy, state
from tests.unit.commands.test_cli import DEFECT, Run, fusezap, series

__all__ = ["fusezap"]

OUTCOMES = {"bad": Outcome.DEADLOCK, "good": Outcome.RELEASED, "silent": Outcome.LOST_VM}


@pytest.fixture
def tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The states of the images that were started, in their order; each has the outcome that its state says."""
    require("git", "make", "gcc", "setpriv")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    started: list[str] = []

    def session(args: argparse.Namespace, *_: object) -> tuple[str, Generator[Event]]:
        found = state(Path(args.kernel))
        started.append(found)
        if found == "no-disk":
            raise MachineError("no room on the disk")
        return "6.1.0", (each for each in (Began(DEFECT, "", 1), Ended(series(DEFECT, OUTCOMES[found]))))

    monkeypatch.setattr(_kernel, "session", session)
    return started


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path / "linux")


def test_the_commit_is_found_and_the_log_replays(toy: Toy, tested: list[str], fusezap: Run, tmp_path: Path) -> None:
    commits = [toy.commit("good" if number < 11 else "bad") for number in range(16)]
    ended = fusezap("bisect", "--tree", str(toy.folder), commits[0], "HEAD")
    assert ended.status == 0, ended.err
    assert "the first that has the defect:" in ended.out
    assert f'{commits[11]} ("revision 12: bad")' in ended.out
    assert f'Fixes: {commits[11][:12]} ("revision 12: bad")' in ended.out
    assert f"#regzbot introduced: {commits[11]}" in ended.out
    assert len(tested) == 6, "two ends and four halvings"
    log = tmp_path / "log"
    log.write_text("".join(f"{line}\n" for line in ended.out.splitlines() if line.startswith(("#", "git bisect"))))
    toy.git("bisect", "replay", str(log))
    assert toy.git("rev-parse", "refs/bisect/defect") == commits[11]


def test_the_commit_that_ended_it_is_found_without_being_told_which_end_has_it(
    toy: Toy, tested: list[str], fusezap: Run
) -> None:
    commits = [toy.commit("bad" if number < 5 else "good") for number in range(9)]
    ended = fusezap("bisect", "--tree", str(toy.folder), commits[0], commits[-1], "--json")
    assert ended.status == 0, ended.err
    document = json.loads(ended.out)
    (change,) = document["changes"]
    assert [each["commit"] for each in change["commits"]] == [commits[5]]
    assert (change["before"], change["after"]) == ("has-it", "free")
    assert len(document["steps"]) == len(tested)


@pytest.mark.usefixtures("tested")
def test_what_does_not_build_is_skipped_and_the_rest_is_named(toy: Toy, fusezap: Run) -> None:
    states = ["good", "good", "broken", "silent", "bad", "bad"]
    commits = [toy.commit(each) for each in states]
    ended = fusezap("bisect", "--tree", str(toy.folder), commits[0], commits[-1])
    assert ended.status == 1
    assert "one of these is the first that has the defect" in ended.out
    named = {commit for commit in commits if f"  {commit} (" in ended.out}
    assert named == set(commits[2:5])
    assert "fs/fuse/file.c:7:1: error: it does not compile" in ended.err


@pytest.mark.usefixtures("tested")
def test_ends_that_agree(toy: Toy, fusezap: Run) -> None:
    commits = [toy.commit("bad") for _ in range(3)]
    ended = fusezap("bisect", "--tree", str(toy.folder), commits[0], commits[-1])
    assert ended.status == 1
    assert "no change was found: the older end has the defect, the newer end has the defect" in ended.out


def test_an_error_is_no_answer_and_the_search_resumes(toy: Toy, tested: list[str], fusezap: Run) -> None:
    states = ["good"] * 4 + ["no-disk"] + ["bad"] * 4
    commits = [toy.commit(each) for each in states]
    command = ("bisect", "--tree", str(toy.folder), commits[0], commits[-1])
    ended = fusezap(*command)
    assert (ended.status, ended.out) == (2, "")
    before = list(tested)
    ended = fusezap(*command)
    assert "2 answers are known already" in ended.err
    assert ended.status == 2
    assert before == ["good", "bad", "no-disk"]
    assert tested == [*before, "no-disk"], "only what was under way is made again"


def test_every_change_is_found_also_inside_a_merge(toy: Toy, tested: list[str], fusezap: Run) -> None:
    """The fix came with a merge, and went by a revert: two changes between ends that agree."""
    first = toy.commit("bad")
    toy.git("checkout", "--quiet", "-b", "side")
    toy.commit("bad")
    fix = toy.commit("good", "the fix")
    toy.commit("good")
    toy.git("checkout", "--quiet", "main")
    toy.git("commit", "--quiet", "--allow-empty", "-m", "meanwhile")
    toy.git("merge", "--quiet", "--no-ff", "-m", "the merge", "side")
    for _ in range(4):
        toy.commit("good")
    back = toy.commit("bad", "the revert")
    toy.git("tag", "v2")
    toy.commit("bad")
    ended = fusezap("bisect", "--tree", str(toy.folder), first, "HEAD", "--boundaries", "all", "--json")
    assert ended.status == 0, ended.err
    found = [[each["commit"] for each in change["commits"]] for change in json.loads(ended.out)["changes"]]
    assert found == [[fix], [back]]
    ended = fusezap("bisect", "--tree", str(toy.folder), first, "HEAD", "--boundaries", "all")
    assert f'{fix} ("the fix")' in ended.out
    assert f"fusezap: {len(tested)} answers are known already" in ended.err, "the second search starts nothing"


def test_a_race_is_followed_into_the_merge_that_brought_it(toy: Toy, tested: list[str], fusezap: Run) -> None:
    first = toy.commit("good")
    toy.commit("good")
    toy.git("checkout", "--quiet", "-b", "side")
    toy.commit("good")
    back = toy.commit("bad", "the race")
    toy.commit("bad")
    toy.git("checkout", "--quiet", "main")
    toy.git("commit", "--quiet", "--allow-empty", "-m", "meanwhile")
    toy.git("merge", "--quiet", "--no-ff", "-m", "the merge", "side")
    toy.commit("bad")
    command = ("bisect", "--tree", str(toy.folder), first, "HEAD", "--flaky", "0.5", "--confidence", "0.9", "--json")
    ended = fusezap(*command)
    assert ended.status == 0, ended.err
    (change,) = json.loads(ended.out)["changes"]
    assert [each["commit"] for each in change["commits"]] == [back]
    assert 0.9 <= change["confidence"] < 1
    assert len(tested) > 6, "a commit is free of it after several runs only"


class Crew:
    """Stands for the workers: they start what the states of the images say, and one of them may be killed."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.at_a_time: list[int] = []
        """Number of images that were under way together."""
        self.killed: set[str] = set()
        """States whose first worker is killed."""

    def run(self, jobs: Iterable[Job], at_a_time: int) -> Generator[Labelled]:
        under_way: list[Job] = []
        waiting = iter(jobs)
        more = True
        while more or under_way:
            while more and len(under_way) < at_a_time:
                job = next(waiting, None)
                more = job is not None
                under_way += [job] if job is not None else []
            self.at_a_time.append(len(under_way))
            if under_way:
                yield from self._test(under_way.pop())

    def _test(self, job: Job) -> Generator[Labelled]:
        found = state(Path(job.spec))
        self.started.append(found)
        if found in self.killed:
            self.killed.remove(found)
            yield job.spec, Failed("its worker process ended with status -9")
        else:
            yield job.spec, KernelFound(Image(job.spec, "6.1.0", "", "x86_64", "", None))
            yield job.spec, Began(DEFECT, "", 1)
            yield job.spec, Ended(series(DEFECT, OUTCOMES[found]))
        yield job.spec, None


@pytest.fixture
def crew(tested: list[str], monkeypatch: pytest.MonkeyPatch) -> Crew:
    assert tested == []
    found = Crew()
    monkeypatch.setattr(local, "run", found.run)
    return found


def test_two_at_a_time_take_fewer_rounds_and_a_worker_that_is_killed_changes_no_answer(
    toy: Toy, crew: Crew, tested: list[str], fusezap: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = ["good", "good-2", "good-3", "broken", "good-4", "bad", "bad-2", "bad-3", "bad-4", "bad-5"]
    for each in states:
        if each != "broken":
            monkeypatch.setitem(OUTCOMES, each, OUTCOMES[each.partition("-")[0]])
    commits = [toy.commit(each) for each in states]
    crew.killed = {"bad-2", "good-3"}
    ended = fusezap("bisect", "--tree", str(toy.folder), commits[0], "HEAD", "--jobs", "2", "--json")
    assert ended.status == 0, ended.err
    document = json.loads(ended.out)
    assert [each["commit"] for each in document["changes"][0]["commits"]] == [commits[5]]
    assert tested == [], "everything was tested by workers"
    assert max(crew.at_a_time) == 2
    twice = {each for each in crew.started if crew.started.count(each) > 1}
    assert twice <= {"bad-2", "good-3"}


def test_a_cluster_tests_what_is_built_here(
    toy: Toy, crew: Crew, tested: list[str], fusezap: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def workers(address: str) -> Workers:
        asked.append(address)
        return partial(crew.run, at_a_time=8)

    monkeypatch.setattr(cluster, "workers", workers)
    commits = [toy.commit("good" if number < 3 else "bad") for number in range(6)]
    command = ("bisect", "--tree", str(toy.folder), commits[0], "HEAD", "--cluster", "tcp://127.0.0.1:8786")
    ended = fusezap(*command, "--jobs", "3", "--json")
    assert ended.status == 0, ended.err
    assert [each["commit"] for each in json.loads(ended.out)["changes"][0]["commits"]] == [commits[3]]
    assert set(asked) == {"tcp://127.0.0.1:8786"}
    assert tested == []


@pytest.mark.usefixtures("tested")
def test_a_worker_that_always_dies_is_an_error(toy: Toy, crew: Crew, fusezap: Run, tmp_path: Path) -> None:
    commits = [toy.commit(each) for each in ("good", "bad")]
    crew.killed = {"bad"}
    real = crew._test

    def dies(job: Job) -> Generator[Labelled]:
        crew.killed.add("bad")
        yield from real(job)

    crew._test = dies  # type: ignore[method-assign]
    report = tmp_path / "report.md"
    command = ("bisect", "--tree", str(toy.folder), commits[0], commits[1], "--jobs", "2")
    ended = fusezap(*command, "--report", f"markdown={report}")
    assert (ended.status, ended.out) == (2, "")
    assert "cannot be tested: its worker process ended with status -9" in ended.err
    crew._test = real  # type: ignore[method-assign]
    crew.killed.clear()
    ended = fusezap(*command, "--report", f"markdown={report}")
    assert ended.status == 0, ended.err
    assert "1 answers are known already" in ended.err
    assert commits[1][:12] in report.read_text(), "the report names each commit"


def test_answers_that_are_known_narrow_the_history_first(toy: Toy, tested: list[str], fusezap: Run) -> None:
    commits = [toy.commit("good" if number < 21 else "bad") for number in range(32)]
    folder = str(toy.folder)
    assert fusezap("bisect", "--tree", folder, commits[19], commits[23]).status == 0
    before = len(tested)
    ended = fusezap("bisect", "--tree", folder, commits[0], commits[-1], "--json")
    assert [each["commit"] for each in json.loads(ended.out)["changes"][0]["commits"]] == [commits[21]]
    assert len(tested) == before + 2, "the ends alone"


def test_the_functions_of_a_diff() -> None:
    diff = """\
--- a/fs/fuse/file.c
+++ b/fs/fuse/file.c
@@ -513,0 +514,9 @@ static int fuse_release(struct inode *inode, struct file *file)
+static void fuse_late_flush_end(struct fuse_mount *fm, struct fuse_args *args,
+\t\t\t\tint error)
+{
+\tfput(late->file);
+int declared(void);
@@ -543 +585 @@ static int fuse_flush(struct file *file, fl_owner_t id)
-\told();
"""
    assert commit.changed_functions(diff) == ("fuse_late_flush_end", "fuse_flush")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("HEAD", "HEAD"), "are the same commit"),
        (("HEAD",), "--tree takes OLD and NEW"),
        (("v6.2", "HEAD"), "'v6.2' is no commit"),
        (("HEAD", "HEAD~1", "--boundaries", "all"), "is no ancestor"),
        (("HEAD~1", "HEAD", "--make-jobs", "0"), "--make-jobs"),
        (("HEAD~1", "HEAD", "--jobs", "0"), "--jobs"),
        (("HEAD~1", "HEAD", "--config", "/no/such/file"), "No such file"),
    ],
)
@pytest.mark.usefixtures("tested")
def test_what_cannot_be_searched(arguments: tuple[str, ...], words: str, toy: Toy, fusezap: Run) -> None:
    toy.commit("good")
    toy.commit("bad")
    ended = fusezap("bisect", "--tree", str(toy.folder), *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err


@pytest.mark.usefixtures("tested")
def test_git_keeps_no_search_of_ours(toy: Toy, fusezap: Run) -> None:
    """The user may have a bisect of their own under way: its state is that of another worktree."""
    commits = [toy.commit("good" if number < 3 else "bad") for number in range(6)]
    toy.git("bisect", "start", commits[-1], commits[0])
    before = toy.git("bisect", "log")
    assert fusezap("bisect", "--tree", str(toy.folder), commits[0], commits[-1]).status == 0
    assert toy.git("bisect", "log") == before
    listed = subprocess.run(
        ["git", "-C", str(toy.folder), "for-each-ref", "refs/bisect"], capture_output=True, text=True, check=True
    )
    assert "defect" not in listed.stdout
