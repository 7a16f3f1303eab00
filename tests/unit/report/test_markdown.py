"""The bug report: narrow plain text, and what a Markdown parser (CommonMark, with tables) makes of it."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from harness.model.records import Count, Mark, Outcome, Report, Series
from harness.report.formats.markdown import WIDTH, escape, render
from tests.unit.report.test_ktap import AGAIN, HOSTILE, KINDS, with_result
from tests.unit.results import KERNELS, report_of, series_of, under

PARSER = MarkdownIt("commonmark").enable("table")


def tokens(report: Report) -> list[Token]:
    return PARSER.parse(render(report))


def headings(report: Report) -> list[str]:
    every = tokens(report)
    inline = [after for token, after in pairwise(every) if token.type == "heading_open"]
    return [_plain(token).replace("\n", " ") for token in inline]


def _plain(inline: Token) -> str:
    return "".join("\n" if each.type == "softbreak" else each.content for each in inline.children or ())


def prose(report: Report) -> str:
    return " ".join(" ".join(_plain(token) for token in tokens(report) if token.type == "inline").split())


def code(report: Report) -> str:
    return "".join(token.content for token in tokens(report) if token.type == "code_block")


@pytest.mark.parametrize("kind", KINDS)
def test_no_line_is_too_long(kind: str) -> None:
    text = render(KINDS[kind])
    assert text.endswith("\n")
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
    assert all(each.isprintable() for each in text.replace("\n", ""))
    assert WIDTH < 76


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_report_gives_the_same_text(kind: str) -> None:
    assert render(KINDS[kind]) == render(AGAIN[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_no_markup_but_our_own(kind: str) -> None:
    """Each name stays what it is: no HTML, no emphasis, no link, no code in a sentence, no list within a list."""
    every = [child for token in tokens(KINDS[kind]) for child in (token, *(token.children or ()))]
    allowed = {"heading", "paragraph", "bullet_list", "ordered_list", "list_item"}
    allowed |= {"table", "thead", "tbody", "tr", "th", "td"}
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in every}
    assert kinds <= allowed | {"inline", "text", "text_special", "softbreak", "code_block", "hr"}
    assert max((token.level for token in every if token.type == "list_item_open"), default=1) == 1


def test_a_deadlock_is_shown_in_order() -> None:
    series = series_of("exit-flush-self", 200)
    assert headings(report_of(series)) == [
        "[BUG] fuse: a dying PID namespace deadlocks (exit-flush-self, 6.18.44)",
        "How to reproduce it",
        "What the kernel does",
        "Processes",
        "Stacks, innermost first",
        "Why it is a deadlock",
        "Form of the hang",
        "What ends it",
        "What a kernel without it does",
        "Figures",
    ]


def test_a_deadlock_is_shown_with_its_proof() -> None:
    report = report_of(series_of("exit-flush-self", 200))
    text = render(report)
    found = " ".join(text.split())
    verdict = report.series[0].examples[0].verdict
    for reason in verdict.reasons:
        assert " ".join(reason.split()) in found
    for task in verdict.snapshots[-1].live:
        for frame in task.stack or ():
            assert f"\n      {frame}\n" in text
    assert "\n          thread python 7317 D (exiting, in request_wait_answer)\n" in text
    assert "waits for python 7317: the cycle closes here" in found
    assert "filp_flush, filp_close: a descriptor is being closed" in found
    assert "[x] no new process can enter the namespace: setns succeeds, fork fails with ENOMEM" in found
    assert "By abort; gone 0.61 ms later. echo 1 > /sys/fs/fuse/connections/41/abort" in found
    assert "\n    fusezap run exit-flush-self\n" in text
    assert "\n| deadlock | 200 of 200 | 2.5 % to 100 %           |\n" in text
    assert "zap_pid_ns_processes() makes init send SIGKILL" in prose(report)


def test_a_behaviour_that_hangs_is_no_bug() -> None:
    report = report_of(series_of("server-stopped"))
    assert headings(report)[0] == "fuse: a dying PID namespace is stuck, by design (server-stopped, 6.18.44)"
    assert "What a kernel without it does" not in headings(report)
    assert "This is how FUSE is designed" in prose(report)


def test_what_is_well_comes_last_and_is_short() -> None:
    report = KINDS["mixed"]
    text = render(report)
    _, _, last = text.partition("\n* * *\n\nThe other scenarios\n")
    assert "| healthy                 | pass    | released 1 of 1 | 9.25 ms |\n" in last
    assert "- exit-flush-peer-outside needs what this machine lacks: root\n" in last
    nothing = report_of(series_of("healthy"))
    assert headings(nothing) == ["fusezap: no hang to report"]
    assert len(render(nothing).splitlines()) < 20


def test_a_matrix_comes_first() -> None:
    report = KINDS["matrix"]
    top, _, _ = render(report).partition("\n* * *\n")
    assert top.startswith("fusezap: 4 scenarios under 3 kernels\n====")
    assert "Kernel 6.1.0-49-amd64:\n\n- deadlock 20: exit-flush-self\n" in top
    assert "- DIFFERS: deadlock 17, released 3: exit-flush-self\n" in top
    assert "- lost-vm: exit-flush-peer-outside\n" in top
    assert "- starved 3, 2 warnings: server-stopped\n" in top
    assert "- not armed: healthy\n" in top
    assert "- skipped: exit-flush-peer-outside\n" in top
    assert "- not run: healthy\n" in top


@pytest.mark.parametrize(("kernels", "expected"), [(2, "| scenario        | 7.0 "), (5, "| scenario        | [1] ")])
def test_a_matrix_that_fits_is_a_table(kernels: int, expected: str) -> None:
    releases = ("7.0", *(f"6.12.{number}+deb13-amd64" for number in range(9)))[:kernels]
    many = [
        under(replace(KERNELS[0], release=release), series_of(name))
        for release in releases
        for name in ("exit-flush-self", "healthy")
    ]
    text = render(report_of(*many))
    assert expected in text
    assert "- [1] 7.0\n" in text or kernels == 2


def test_a_hang_of_several_kernels_is_one_report() -> None:
    (stopped,) = (each for each in headings(KINDS["matrix"]) if "server-stopped" in each)
    assert stopped.endswith("(server-stopped, 6.1.0-49-amd64 and 2 more kernels)")
    text = prose(KINDS["matrix"])
    assert "What follows is of 6.1.0-49-amd64." in text
    for kernel in KERNELS:
        assert f"Kernel {kernel.release} {kernel.version} {kernel.machine}:" in text


def test_a_lost_machine_is_no_bug_and_shows_its_console() -> None:
    assert "fuse: the virtual machine was lost (healthy, 6.18.44)" in headings(KINDS["lost"])
    assert "How the machine was lost" in headings(KINDS["lost"])
    assert "[    3.109120] Kernel panic - not syncing: Fatal exception in interrupt\n" in code(KINDS["lost"])


@pytest.mark.parametrize("kind", ["matrix", "lost"])
def test_the_kernel_is_quoted(kind: str) -> None:
    assert "BUG: kernel NULL pointer dereference, address: 0000000000000018\n" in code(KINDS[kind])


def test_a_race_shows_the_run_that_went_wrong() -> None:
    text = render(KINDS["two outcomes"])
    assert re.search(r"\| deadlock \| 199 of 200 \| 97\.2 % to over 99\.9 % +\|", text)
    assert re.search(r"\| released \| 1 of 200 +\| under 0\.1 % to 2\.8 % +\|", text)
    assert headings(KINDS["two outcomes"]).count("Processes") == 1


def test_several_ways_to_hang_are_kept_apart() -> None:
    hang, stopped = series_of("exit-flush-self", 2), series_of("server-stopped").examples[0]
    counts = (Count(Outcome.DEADLOCK, 1, 0.01, 0.99), Count(Outcome.STARVED, 1, 0.01, 0.99))
    both = replace(hang, counts=counts, examples=(*hang.examples, replace(stopped, about=hang.about)))
    found = headings(report_of(both))
    assert "Processes (deadlock)" in found
    assert "Processes (starved)" in found
    assert "Why it is stuck, and no deadlock (starved)" in found


def test_where_there_is_no_namespace() -> None:
    series = series_of("exit-flush-self")
    result = series.examples[0]
    snapshots = tuple(replace(snapshot, pid_ns=None) for snapshot in result.verdict.snapshots)
    report = report_of(with_result(series, replace(result, verdict=replace(result.verdict, snapshots=snapshots))))
    assert headings(report)[0].startswith("[BUG] fuse: a dying process deadlocks")
    assert "fusezap-init 7313 S (the process that must exit, exiting" in code(report)


def test_what_could_not_be_judged() -> None:
    assert headings(KINDS["not armed"])[0] == "fuse: a run that cannot be judged (healthy, 6.18.44)"
    assert "not armed: the mount did not answer within 10 s" in code(KINDS["not armed"])
    assert "left behind: a mount at /run/x" in code(KINDS["left behind"])
    assert "stack not readable by this user; wchan request_wait_answer" in code(KINDS["without stacks"])


def test_hostile_names_are_shown_as_they_are() -> None:
    shown = r"<b>&# SKIP *x*\x1b[2J\x0a\udcff\x00| `y`"
    assert shown in " ".join(code(KINDS["hostile"]).split())
    assert "<b>" not in PARSER.render(render(KINDS["hostile"]))
    assert f"1. {escape('<b>')}" in render(KINDS["hostile"])
    assert HOSTILE not in render(KINDS["hostile"])


@pytest.mark.parametrize(
    "text",
    [
        "1. one 2. two",
        "# heading",
        "- a - b",
        "+ a",
        "> quoted",
        "=== ---",
        "***",
        "a_b_c __d__ _e_ *f* `g`",
        "[x](y) [x]: z ![i](j)",
        "<script> &amp; &#35; a & b",
        "~~~ x",
        r"back\slash \* end\\",
        "a | b",
        "x " * 36 + "- 1) # > === ***",
        "long " * 14 + "1. 2. 3. # - + > --- === ***",
    ],
)
@pytest.mark.slow
def test_prose_is_what_it_was(text: str) -> None:
    """Wherever a line is broken: what a reader of the Markdown sees is the text."""
    for pad in range(40):
        padded = f"{'p' * pad} {text} {text}".strip()
        series = replace(series_of("healthy"), mark=Mark.UNSURE)
        report = report_of(replace(series, about=replace(series.about, why=padded, measured=(), steps=())))
        inline = [token for token in tokens(report) if token.type == "inline"]
        assert " ".join(padded.split()) in [" ".join(_plain(token).split()) for token in inline]


@pytest.mark.parametrize("length", [1, 60, 70, 74, 75, 76, 200])
def test_a_command_can_be_typed_as_it_stands(length: int) -> None:
    words = ["fusezap", "run", "--report", "markdown=/tmp/x", "y" * length, *("exit-flush-self",) * 9]
    report = replace(report_of(series_of("healthy")), command=" ".join(words))
    joined = code(report).replace("\\\n", "")
    assert shlex.split(joined) == words


def test_a_table_that_is_too_wide_becomes_a_list() -> None:
    series = series_of("healthy")
    named: Series = replace(series, about=replace(series.about, name="a-name-" * 12))
    text = render(report_of(named))
    assert "|" not in text
    assert f"- scenario: {'a-name-' * 4}"[:30] in text
