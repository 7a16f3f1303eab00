"""The story for a person."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness import catalogue
from harness.model.records import Outcome, Report, Result, Timings, Verdict
from harness.report.formats.terminal import Story, render
from tests.unit.records import HANG, recorded, unprivileged
from tests.unit.results import (
    CONSOLE,
    KERNELS,
    WARNINGS,
    large_report,
    lost_series,
    matrix_report,
    result_of,
    verdict_of,
)

ESCAPE = "\x1b["
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


class Screen(io.TextIOWrapper):
    """Standard output as the interpreter makes it: UTF-8, and strict."""

    def __init__(self, tty: bool) -> None:
        self.bytes = io.BytesIO()
        self.tty = tty
        super().__init__(self.bytes, encoding="utf-8", errors="strict", write_through=True)

    def isatty(self) -> bool:
        return self.tty

    @property
    def text(self) -> str:
        return self.bytes.getvalue().decode()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def printed(monkeypatch: pytest.MonkeyPatch, action: Callable[[Story], None], tty: bool = False) -> str:
    screen = Screen(tty)
    monkeypatch.setattr(sys, "stdout", screen)
    action(Story())
    return screen.text


def printing(verdict: Verdict) -> Callable[[Story], None]:
    return lambda story: story.verdict(verdict, verdict.form)


def test_the_deadlock_is_shown_with_all_that_proves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = verdict_of("exit-flush-self")
    text = printed(monkeypatch, printing(verdict))
    assert "DEADLOCK: proven" in text
    for reason in verdict.reasons:
        assert " ".join(reason.split()) in " ".join(text.split())
    for heading in ("Process tree", "Stacks, innermost first", "Who waits for whom", "Form"):
        assert f"\n{heading}\n" in text
    assert "python 7314 Z (zombie, 2 threads)" in text
    assert "thread python 7317 D (exiting, in request_wait_answer)" in text
    assert "connection 41 (fusezap-13551b92bf0f)" in text
    assert "the cycle closes here" in text
    for check in verdict.form:
        assert check.title in text


def test_every_frame_is_shown_and_the_known_ones_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, printing(verdict_of("exit-flush-self")))
    for task in HANG.live:
        assert task.stack is not None
        for frame in task.stack:
            assert frame in text
    assert re.search(r"fuse_flush\+\S+ .*FLUSH is sent and its answer awaited", text)


def test_marks_of_the_checklist(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = verdict_of("exit-flush-self")
    states = (True, False, None, True, False, None)
    form = tuple(replace(check, holds=holds) for check, holds in zip(verdict.form, states, strict=True))
    text = printed(monkeypatch, lambda story: story.verdict(verdict, form))
    lines = [next(line for line in text.splitlines() if check.title in line) for check in form]
    assert ["✔" in line for line in lines] == [holds is True for holds in states]
    assert ["✘" in line for line in lines] == [holds is False for holds in states]
    assert ["?" in line for line in lines] == [holds is None for holds in states]


@pytest.mark.parametrize("name", ["exit-flush-self", "exit-flush-peer-outside", "server-stopped", "healthy"])
def test_what_is_no_terminal_gets_no_codes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, printing(verdict_of(name)))
    assert text
    assert ESCAPE not in text


def test_a_terminal_gets_colours_unless_it_does_not_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    show = printing(verdict_of("exit-flush-self"))
    assert COLOUR.search(printed(monkeypatch, show, tty=True))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(printed(monkeypatch, show, tty=True))


def test_a_dumb_terminal_gets_no_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert ESCAPE not in printed(monkeypatch, printing(verdict_of("exit-flush-self")), tty=True)


def test_without_stacks_the_wait_channel_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = verdict_of("exit-flush-self")
    denied = replace(verdict, snapshots=tuple(map(unprivileged, verdict.snapshots)))
    text = printed(monkeypatch, printing(denied))
    assert text.count("not readable by this user; wchan") == 2
    assert "wchan request_wait_answer" in text


def test_the_released_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, printing(verdict_of("healthy")))
    assert "RELEASED: what was killed went away by itself" in text
    assert "Process tree" not in text


def test_markup_in_a_name_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = verdict_of("exit-flush-self")
    tasks = tuple(replace(task, comm="[red]x[/]") for task in HANG.tasks)
    text = printed(monkeypatch, printing(replace(verdict, snapshots=(replace(HANG, tasks=tasks),))))
    assert "[red]x[/] 7317" in text


def test_a_name_that_is_no_utf8_does_not_end_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """/proc is read with surrogateescape; what is stuck must be shown whatever it calls itself."""
    verdict = verdict_of("exit-flush-self")
    tasks = tuple(replace(task, comm="\udcff") for task in HANG.tasks)
    text = printed(monkeypatch, printing(replace(verdict, snapshots=(replace(HANG, tasks=tasks),))))
    assert "7317" in text


def test_a_name_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in a container chooses its name; root reads it."""
    verdict = verdict_of("exit-flush-self")
    tasks = tuple(replace(task, comm="\x1b[2J\x1b]0;x") for task in HANG.tasks)
    text = printed(monkeypatch, printing(replace(verdict, snapshots=(replace(HANG, tasks=tasks),))))
    assert "\x1b" not in text


def test_the_armed_tree_shows_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    armed = recorded("exit-flush-self")[0]
    text = printed(monkeypatch, lambda story: story.console.print(story.tree(armed, threads=False)))
    assert "fusezap-init 7313" in text
    assert "PID 1 of the namespace" in text
    assert "python 7314 S (4 threads" in text
    assert "thread" not in text.replace("4 threads", "")


class TestSteps:
    def test_what_keeps_it_is_shown_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        verdict = verdict_of("exit-flush-peer-outside")

        def show(story: Story) -> None:
            for _ in range(3):
                story.looked(verdict)

        assert printed(monkeypatch, show).count("starved for now") == 1

    def test_nothing_is_printed_for_looks_that_lead_nowhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        verdict = replace(verdict_of("exit-flush-self"), outcome=Outcome.INCONCLUSIVE)
        assert printed(monkeypatch, lambda story: story.looked(verdict)) == ""

    def test_the_scenario(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (chosen,) = catalogue.find(("healthy",))
        assert printed(monkeypatch, lambda story: story.arming(chosen)).strip() == f"healthy: {chosen.summary}"

    def test_the_resolution(self, monkeypatch: pytest.MonkeyPatch) -> None:
        resolution = result_of("exit-flush-self").resolution
        assert resolution is not None
        good = printed(monkeypatch, lambda story: story.resolved(resolution))
        assert "✔ resolved by abort: namespace gone after 0.61 ms" in good
        assert "echo 1 > /sys/fs/fuse/connections/41/abort" in good
        failed = replace(resolution, released=False, release_ms=None, detail="still there after 5 s")
        bad = printed(monkeypatch, lambda story: story.resolved(failed))
        assert "✘ abort did not resolve it: still there after 5 s" in bad

    def test_a_command_is_on_one_line_however_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        resolution = result_of("exit-flush-self").resolution
        assert resolution is not None
        monkeypatch.setenv("COLUMNS", "40")
        command = f"nsenter --target 1 --mount umount -f {'/a long name' * 9}"
        text = printed(monkeypatch, lambda story: story.resolved(replace(resolution, command=command)), tty=True)
        assert f"    by hand: {command}\n" in text

    def test_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def end(result: Result) -> str:
            return printed(monkeypatch, lambda story: story.finished(result))

        result = result_of("exit-flush-self")
        assert "✔ nothing left behind; 101 ms in all" in end(result)
        left = end(replace(result, leftovers=("folder /run/x",)))
        assert "✘ left behind: folder /run/x" in left
        assert "nothing left behind" not in left
        assert "user namespace" in end(replace(result, mode="user-namespace", timings=Timings(total=1.0)))


class TestSummary:
    def lines(self, monkeypatch: pytest.MonkeyPatch, report: Report, columns: int = 120) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        return printed(monkeypatch, lambda story: story.summary(report.series), tty=True).splitlines()

    def test_several_kernels_are_columns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        lines = [COLOUR.sub("", line).replace("\x1b[0m", "") for line in self.lines(monkeypatch, matrix_report())]
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
        assert lines[0].split() == ["scenario", *(kernel.release for kernel in KERNELS)]
        cells = {line.split()[0]: re.split(r"  +", line.strip())[1:] for line in lines[1:5]}
        assert cells == {
            "exit-flush-self": ["✘ deadlock 20", "✘ deadlock 17 · released 3", "✔ released 20"],
            "exit-flush-peer-outside": ["✘ starved", "† lost-vm", "○ skipped"],
            "server-stopped": ["• starved 3", "• starved 3, 2 warnings", "• starved 3"],
            "healthy": ["✔ released", "? not armed", "not run"],
        }
        assert f"    {WARNINGS[0]}" in lines

    def test_what_differs_is_striking(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (race,) = [line for line in self.lines(monkeypatch, matrix_report()) if "deadlock 17" in line]
        assert "\x1b[1;7;31m✘ deadlock 17 · released 3" in race

    def test_without_room_one_kernel_is_below_the_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        lines = self.lines(monkeypatch, matrix_report(), columns=60)
        plain = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in lines]
        assert [line for line in plain if line in [kernel.release for kernel in KERNELS]] == [
            kernel.release for kernel in KERNELS
        ]

    def test_a_report_names_the_kernel_of_each_run(self) -> None:
        text = render(matrix_report())
        assert text.count("under 6.12.43+deb13-amd64\n") == 4
        assert "Summary" not in text
        assert ESCAPE not in text

    @pytest.mark.slow
    def test_many_kernels(self) -> None:
        stream = io.StringIO()
        Story(stream).summary(large_report(30).series)
        assert "6.12.29+deb13-amd64\n" in stream.getvalue()


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("tty", [False, True])
def test_the_width_is_that_of_the_reader_and_no_line_ends_in_blanks(
    monkeypatch: pytest.MonkeyPatch, width: int, tty: bool
) -> None:
    """A pager reads a pipe, and has COLUMNS or the terminal of standard error."""
    monkeypatch.setenv("COLUMNS", str(width))

    def show(story: Story) -> None:
        story.verdict(verdict_of("exit-flush-self"), verdict_of("exit-flush-self").form)
        story.summary(matrix_report().series)

    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in printed(monkeypatch, show, tty).splitlines()]
    assert [line for line in lines if line != line.rstrip()] == []
    log = [line for line in lines if any(warning in line for warning in WARNINGS)]
    assert [line for line in lines if len(line) > width and line not in log] == []


def test_the_console_of_a_lost_machine_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = lost_series("healthy").examples[0].verdict
    monkeypatch.setenv("COLUMNS", "40")
    text = printed(monkeypatch, printing(verdict), tty=True)
    assert "LOST-VM" in text
    assert [line for line in text.splitlines() if line.startswith("    [")] == [f"    {line}" for line in CONSOLE]
