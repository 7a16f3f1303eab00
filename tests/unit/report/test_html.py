"""The page: complete, escaped, bounded, and its drawings legible."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.records import (
    Check,
    Edge,
    Mark,
    Milestone,
    Need,
    Node,
    Outcome,
    Progress,
    Report,
    Result,
    Series,
    Sighting,
    Strength,
    Timeline,
    Verdict,
    WaitGraph,
)
from harness.model.terms import Proof
from harness.report.formats import html
from harness.report.page.budget import BUDGETS, LIMIT, Merge
from harness.report.page.graph import MOST, waits
from harness.report.page.histogram import bins, histogram, ticks
from harness.report.page.lanes import timeline_view
from harness.report.page.layers import Layout, layout
from harness.report.page.template import policy_hash
from tests.unit.records import INIT, LEADER, unprivileged
from tests.unit.results import (
    CONSOLE,
    KERNELS,
    WARNINGS,
    large_report,
    lost_series,
    matrix_report,
    report_of,
    result_of,
    series_of,
    skipped_series,
    verdict_of,
)

NAMES = ("exit-flush-self", "exit-flush-peer-outside", "server-stopped", "healthy")
VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """The text that a reader of the markup sees; fails where an element is closed that was not opened last."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(attribute)) is not None]


def page_of(*series: Series) -> Page:
    return Page(html.render(report_of(*series)))


def with_result(name: str, runs: int = 1, **changes: Any) -> Series:
    series = series_of(name, runs)
    return replace(series, examples=(replace(series.examples[0], **changes),))


def with_verdict(name: str, **changes: Any) -> Series:
    return with_result(name, verdict=replace(verdict_of(name), **changes))


def graph_of(*edges: tuple[str, str]) -> WaitGraph:
    names = dict.fromkeys(name for edge in edges for name in edge)
    nodes = tuple(Node(name, f"task {name}", Need.ALL, Progress.WAITS, f"why {name}") for name in names)
    return WaitGraph(edges[0][0], nodes, tuple(Edge(a, b, Strength.DERIVED, f"because {a} and {b}") for a, b in edges))


def verdict_with(graph: WaitGraph, dead: tuple[str, ...] = ()) -> Verdict:
    return replace(verdict_of("exit-flush-self"), graph=graph, dead=dead, blockers=())


EVERY = report_of(*(series_of(name, 30) for name in NAMES), skipped_series("server-stopped"))


def test_it_has_one_line_about_itself() -> None:
    assert html.SUMMARY
    assert "\n" not in html.SUMMARY


def test_the_same_report_is_the_same_page() -> None:
    assert html.render(EVERY) == html.render(EVERY)


def test_what_every_page_has() -> None:
    page = Page(html.render(EVERY))
    for text in (EVERY.command, EVERY.version, "6.18.44", "2026-11-24 01:30:00 UTC", *NAMES):
        assert text in page.text
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1


def test_headings_leave_no_level_out() -> None:
    levels = [int(tag[1]) for tag, _ in Page(html.render(EVERY)).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_ids_are_unique_and_what_refers_to_one_finds_it() -> None:
    twice = series_of("healthy")
    odd = replace(twice, about=replace(twice.about, name="page-content"))
    for page in (Page(html.render(EVERY)), page_of(twice, twice, odd)):
        ids = Counter(page.values("id"))
        assert set(ids.values()) == {1}
        links = [value[1:] for value in page.values("href") if value.startswith("#")]
        refers = [*links, *page.values("aria-labelledby"), *page.values("for")]
        assert refers
        assert set(refers) <= set(ids)


def test_a_table_only_where_there_is_something_to_compare() -> None:
    assert 'class="overview"' in html.render(report_of(series_of("healthy"), series_of("exit-flush-self")))
    assert 'class="overview"' not in html.render(report_of(series_of("healthy")))


def test_several_kernels_are_kept_apart() -> None:
    series = series_of("healthy")
    other = replace(series, kernel=replace(series.kernel, release="5.10.200"))
    text = html.render(report_of(series, other))
    assert ">Kernel</th>" in text or ">Kernel<" in text
    assert text.count("<td>5.10.200</td>") == 1
    assert 'id="healthy-5-10-200"' in text


def test_counts_have_their_interval() -> None:
    page = page_of(series_of("exit-flush-self", 200), series_of("healthy"))
    assert "deadlock in 200 of 200 runs; its rate is 2.5 % to 100 %, at 95 % confidence" in page.text
    assert "released in 1 of 1 run" in page.text


# --- several kernels ---


def cells(text: str) -> list[tuple[str, str, str]]:
    """Class, place and words of each cell that leads somewhere."""
    return re.findall(r'<td class="([^"]+)"><a href="#([^"]+)">([^<]+)</a></td>', text)


def test_a_matrix_shows_what_each_cell_can_be() -> None:
    text = html.render(matrix_report())
    assert [(look, words) for look, _, words in cells(text)] == [
        ("fail", "deadlock 20"),
        ("fail mixed", "deadlock 17 · released 3"),
        ("pass", "released 20"),
        ("fail", "starved"),
        ("lost", "lost-vm"),
        ("skipped", "skipped"),
        ("reported", "starved 3"),
        ("reported", "starved 3, 2 warnings"),
        ("reported", "starved 3"),
        ("pass", "released"),
        ("unsure", "not armed"),
    ]
    assert text.count("<td>not run</td>") == 1
    assert "<b>1 scenario</b> came out differently from kernel to kernel" in text
    assert "1 cell</b> came out differently from run to run" in text


def test_a_cell_leads_to_the_part_of_its_kernel() -> None:
    text = html.render(matrix_report())
    sections = dict(re.findall(r'<section class="came [^"]+" id="([^"]+)">\s*<h3>[^<]+<small>on ([^<]+)<', text))
    names = [kernel.release for kernel in KERNELS]
    found = [sections[place] for _, place, _ in cells(text)]
    assert found == [*names, *names, *names, *names[:2]]


def test_a_scenario_of_several_kernels_is_explained_once() -> None:
    text = html.render(matrix_report())
    assert text.count("What the kernel does, and where this was measured") == 4


def test_a_scenario_that_ran_twice_under_a_kernel_has_both_in_its_cell() -> None:
    report = matrix_report()
    text = html.render(report_of(*report.series, report.series[0]))
    assert text.count('<a class="fail" href="#exit-flush-self-6-1-0-49-amd64') == 2


def test_kernels_of_one_release_are_kept_apart() -> None:
    series = series_of("healthy")
    others = [
        replace(series, kernel=replace(series.kernel, **each)) for each in ({"machine": "arm64"}, {"version": "#2"})
    ]
    text = html.render(report_of(series, *others))
    for name in ("6.18.44 #1 SMP PREEMPT_DYNAMIC x86_64", "6.18.44 arm64", "6.18.44 #2 x86_64"):
        assert re.search(f'<th scope="col" title="[^"]+">{name}</th>', text)


def test_a_lost_machine_shows_its_console_as_it_was() -> None:
    text = html.render(report_of(lost_series("healthy")))
    assert "<li>the kernel panicked 3.1 s after its start</li>" in text
    assert "\n".join(CONSOLE) + "\n</pre>" in text
    assert '"mark unsure"' in text


def test_a_kernel_warning_is_quoted() -> None:
    text = html.render(report_of(replace(series_of("healthy"), warnings=WARNINGS)))
    assert "\n".join(WARNINGS) + "\n</pre>" in text
    assert '"mark pass"' in text


def leads_somewhere(text: str, report: Report) -> None:
    page = Page(text)
    ids = Counter(page.values("id"))
    assert set(ids.values()) == {1}
    found = cells(text)
    assert len(found) == len(report.series)
    assert {place for _, place, _ in found} <= set(ids)


@pytest.mark.slow
def test_4_kernels_and_every_scenario_stay_within_the_limit() -> None:
    report = large_report(4)
    text = html.render(report)
    assert len(report.series) == 4 * 37
    assert len(text.encode()) <= LIMIT
    leads_somewhere(text, report)
    sections = dict(re.findall(r'<section class="came [^"]+" id="([^"]+)">\s*<h3>([^<]+<small>on [^<]+)<', text))
    named = [sections[place] for _, place, _ in cells(text)]
    assert len(set(named)) == len(named), "each cell has a part of its own"
    assert "the evidence in full" in text


@pytest.mark.slow
def test_200_kernels_and_every_scenario_stay_within_the_limit() -> None:
    report = large_report(200)
    text = html.render(report)
    assert len(report.series) == 200 * 37
    assert len(text.encode()) <= LIMIT
    leads_somewhere(text, report)
    assert "all 200 kernels" in text
    for series in report.series[:: 37 * 20]:
        assert text.count(series.kernel.release) > 1


@pytest.mark.slow
def test_kernels_that_share_a_part_are_named_in_the_part_that_is_linked() -> None:
    report = large_report(12)
    budget = BUDGETS[-1]
    assert budget.merge is Merge.NAMED
    text = html._page(report, budget)
    assert text is not None
    leads_somewhere(text, report)
    parts = {each.split('"')[2]: each for each in text.split('<section class="came ')[1:]}
    for row in re.findall('<tr><th scope="row">.*?</tr>', text):
        for number, (_, place, words) in enumerate(cells(row)):
            kernel = f"6.12.{number}+deb13-amd64"
            under = dict(re.findall("<b>([^<]+)</b> under ([^<]+)<", parts[place])).get(words)
            if under is None:
                assert f"<small>on {kernel}<" in parts[place]
            else:
                _, but, those = under.rpartition("all but ")
                assert under == "all 12 kernels" or (kernel in those.split(", ")) == (not but)


# --- what it asks of a browser ---


def test_it_asks_for_nothing() -> None:
    text = html.render(EVERY)
    assert "://" not in text
    page = Page(text)
    assert page.values("src") == []
    assert {value for value in page.values("href") if not value.startswith("#")} == {"data:,"}
    assert page.values("style") == []
    assert not re.search(r"url\(|@import|@font-face", text)


def test_only_its_own_script_and_style_may_run() -> None:
    text = html.render(EVERY)
    (policy,) = [each["content"] for each in Page(text).all("meta") if "http-equiv" in each]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        allowed = policy.partition(f"{tag}-src ")[2].partition(";")[0].split()
        found = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", text, flags=re.DOTALL)
        assert allowed == [f"'{policy_hash(inside)}'" for inside in found]
    assert not [name for _, attributes in Page(text).elements for name in attributes if name.startswith("on")]


# --- escaping ---

EVIL = "<script>alert(1)</script>\"'&\x1b[31m\n\udcff\u202e"
SHOWN = r"""<script>alert(1)</script>"'&\x1b[31m\x0a\udcff\u202e"""


def evil(value: object) -> Any:
    """The record with each of its texts replaced; what is an enumeration stays."""
    if isinstance(value, tuple):
        return tuple(map(evil, value))
    if isinstance(value, dict):
        return {key: evil(each) for key, each in value.items()}
    if type(value) is str:
        return EVIL
    return value


@pytest.mark.parametrize("several", [False, True])
def test_every_name_is_escaped(several: bool) -> None:
    verdict = verdict_of("exit-flush-self")
    last = verdict.snapshots[-1]
    tasks = tuple(replace(task, comm=EVIL, stack=(EVIL,) if task.stack else None, wchan=EVIL) for task in last.tasks)
    assert verdict.graph is not None
    graph = replace(
        verdict.graph,
        nodes=tuple(replace(node, label=EVIL, why=EVIL) for node in verdict.graph.nodes),
        edges=tuple(replace(edge, evidence=EVIL) for edge in verdict.graph.edges),
    )
    result = result_of("exit-flush-self")
    assert result.resolution is not None
    timeline = Timeline(
        (
            *(replace(each, what=EVIL) for each in result.timeline.milestones),
            Milestone(result.timeline.milestones[-1].at_ns, EVIL, EVIL),
        ),
        tuple(replace(each, comm=EVIL, state=EVIL, where=EVIL) for each in result.timeline.sightings),
    )
    changed = replace(
        result,
        verdict=replace(
            verdict,
            reasons=(EVIL,),
            graph=graph,
            snapshots=(replace(last, tasks=tasks, unseen=(EVIL,), release=EVIL),),
            form=(Check("it", EVIL, None, EVIL),),
        ),
        resolution=replace(result.resolution, action=EVIL, command=EVIL, detail=EVIL),
        attempts=tuple(replace(each, action=EVIL, command=EVIL, answer=EVIL) for each in result.attempts),
        journal=(
            *({**entry, **dict.fromkeys(("event", "operation", "path"), EVIL)} for entry in result.journal),
            {"event": "called", "caller": {"comm": EVIL, "tid": 1}, "time": None, "other": EVIL, "spec": EVIL},
        ),
        timeline=timeline,
        leftovers=(EVIL,),
    )
    series = series_of("exit-flush-self", 3)
    series = replace(
        series,
        about=replace(series.about, name=EVIL, summary=EVIL, why=EVIL, measured=(EVIL,), steps=(EVIL,)),
        kernel=replace(series.kernel, release=EVIL, version=EVIL, machine=EVIL),
        examples=(changed,),
        errors=(EVIL,),
        leftovers=(EVIL,),
        missing=(EVIL,),
        note=EVIL,
        warnings=(EVIL,),
    )
    lost = replace(changed, verdict=Verdict(Outcome.LOST_VM, (EVIL, EVIL), None, (), (), None, ()))
    others = (replace(series, kernel=replace(series.kernel, machine="x"), examples=(lost,)),) if several else ()
    report = Report(EVIL, EVIL, EVIL, 1.0, (series, *others, series), (EVIL,))
    text = html.render(report)
    page = Page(text)
    assert len(page.all("script")) == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.encode()
    assert SHOWN in page.text
    assert "&amp;lt;" not in text


def test_a_frame_keeps_its_meaning() -> None:
    page = page_of(series_of("exit-flush-self"))
    assert "request_wait_answer+0x151/0x210 sleeps until the FUSE server answers" in page.text
    assert "do_syscall_64+0x23b/0x280 entry_SYSCALL_64" in page.text


# --- everything is shown ---


@pytest.mark.parametrize("name", ["exit-flush-self", "exit-flush-peer-outside", "server-stopped"])
def test_the_graph_is_shown_in_words(name: str) -> None:
    graph = verdict_of(name).graph
    assert graph is not None
    page = page_of(series_of(name))
    for node in graph.nodes:
        assert node.label in page.text
        assert node.why in page.text
    for edge in graph.edges:
        waiter, target = (graph.node(name).label.partition(" (")[0] for name in (edge.waiter, edge.target))
        assert f"{waiter} waits for {target} {edge.strength} {edge.evidence}" in page.text
    lines = [each for each in page.all("g") if (each.get("class") or "").startswith("edge ")]
    assert [each["tabindex"] for each in lines] == ["0"] * len(graph.edges)
    assert all(each["role"] == "img" and each["aria-label"] for each in lines)


def test_the_whole_proof_is_shown() -> None:
    result = result_of("exit-flush-self")
    page = page_of(series_of("exit-flush-self"))
    for reason in result.verdict.reasons:
        assert reason in page.text
    for check in result.verdict.form:
        assert check.title in page.text
        assert check.evidence in page.text
    for task in result.verdict.snapshots[-1].tasks:
        assert f"{task.comm} {task.tid}" in page.text
        for frame in task.stack or ():
            assert frame in page.text
    for milestone in result.timeline.milestones:
        assert milestone.what in page.text
    assert result.resolution is not None
    assert result.resolution.command in page.text
    assert result.attempts[0].answer in page.text
    assert "/held" in page.text


def test_the_grade_of_the_proof_is_beside_the_verdict() -> None:
    assert "proof: complete" in page_of(with_verdict("exit-flush-self", proof=Proof.COMPLETE)).text
    conditional = with_verdict(
        "exit-flush-self", proof=Proof.CONDITIONAL, conditions=("no <b>ring</b> has the device",)
    )
    text = page_of(conditional).text
    assert "proof: conditional" in text
    assert "condition: no <b>ring</b> has the device" in text


def test_the_knot_is_distinct_from_what_hangs_on_it() -> None:
    drawn = waits(verdict_of("exit-flush-self"))
    assert drawn is not None
    roles = {node.label.partition(" (")[0]: role for node, role, _ in drawn.nodes}
    assert roles == {
        f"fusezap-init {INIT}": "dead",
        f"python {LEADER}": "dead",
        "python 7317": "knot",
        "connection 41": "knot",
    }
    assert [edge.role for edge in drawn.edges] == ["dead", "dead", "knot", "knot"]


def test_a_starved_graph_shows_who_could_move() -> None:
    drawn = waits(verdict_of("server-stopped"))
    assert drawn is not None
    assert [need for _, role, need in drawn.nodes if role == "blocker"] == ["can be woken from outside"] * 4
    assert {role for _, role, _ in drawn.nodes} == {"", "blocker"}


def test_tasks_with_the_same_stack_are_shown_once() -> None:
    verdict = verdict_of("exit-flush-self")
    last = verdict.snapshots[-1]
    stuck = next(task for task in last.tasks if task.state == "D")
    more = tuple(replace(stuck, tid=8000 + number) for number in range(30))
    series = with_verdict("exit-flush-self", snapshots=(replace(last, tasks=(*last.tasks, *more)),))
    page = page_of(series)
    assert page.text.count("request_wait_answer+0x151/0x210") == 1
    assert "python 8029" in page.text


# --- what is missing ---


def without_stacks() -> Series:
    verdict = verdict_of("exit-flush-self")
    snapshots = tuple(map(unprivileged, verdict.snapshots))
    return with_result("exit-flush-self", verdict=replace(verdict, snapshots=snapshots), mode="user-namespace")


def bare() -> Result:
    result = result_of("healthy")
    verdict = replace(result.verdict, outcome=Outcome.NOT_EXERCISED, snapshots=(), graph=None)
    return replace(result, verdict=verdict, armed=None, journal=(), timeline=Timeline(), resolution=None, attempts=())


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (skipped_series("server-stopped"), "Missing on this machine root"),
        (
            replace(skipped_series("healthy"), mark=Mark.UNSURE, missing=(), errors=("no\nmount",)),
            "Not armed no mount",
        ),
        (with_verdict("exit-flush-self", graph=None, dead=()), "DEADLOCK"),
        (without_stacks(), "Not readable by this user. Wait channel: request_wait_answer : sleeps until"),
        (replace(series_of("healthy"), examples=(bare(),)), "NOT-EXERCISED"),
        (replace(series_of("healthy"), leftovers=("a folder",)), "Left behind a folder"),
        (with_result("healthy", journal=({"event": "called", "time": "soon"}, {})), "2 entries"),
    ],
    ids=["skipped", "not armed", "no graph", "no stacks", "nothing", "left behind", "odd journal"],
)
def test_what_is_missing_does_not_break_it(series: Series, expected: str) -> None:
    for page in (page_of(series), page_of(series, series_of("healthy"))):
        assert expected in page.text


def test_nothing_at_all() -> None:
    page = Page(html.render(Report("fusezap run", "0.1.0", "2026-11-24T01:30:00Z", 0.0, (), ("it is broken",))))
    assert "Nothing ran" in page.text
    assert "it is broken" in page.text


def test_parents_of_each_other_are_both_shown() -> None:
    """As they can be in a snapshot that was read while they moved."""
    verdict = verdict_of("exit-flush-self")
    last = verdict.snapshots[-1]
    one = replace(last.tasks[1], tid=9001, tgid=9001, ppid=9002, comm="one")
    two = replace(last.tasks[1], tid=9002, tgid=9002, ppid=9001, comm="two")
    stray = replace(last.tasks[1], tid=9004, tgid=9003, comm="stray")
    snapshots = (replace(last, tasks=(*last.tasks, one, two, stray)),)
    page = page_of(with_verdict("exit-flush-self", snapshots=snapshots))
    for name in ("one 9001", "two 9002", "stray 9004"):
        assert page.text.count(name) == 1


# --- size ---


@pytest.mark.slow
def test_45_scenarios_with_long_journals_stay_within_the_limit() -> None:
    long = "/" + "very-long-name/" * 250
    many = []
    for number in range(45):
        series = series_of(NAMES[number % 3], 100)
        result = series.examples[0]
        journal = tuple(
            {**entry, "seq": seq, "path": long, "time": result.timeline.milestones[2].at_ns + seq}
            for seq in range(300)
            for entry in result.journal[2:]
        )
        sightings = tuple(
            Sighting(result.timeline.milestones[1].at_ns + step * 20000, tid, 100, "worker", "SDR"[step % 3], "do_wait")
            for step in range(40)
            for tid in range(100, 120)
        )
        result = replace(result, journal=journal, timeline=replace(result.timeline, sightings=sightings))
        about = replace(series.about, name=f"{series.about.name}-{number}")
        many.append(replace(series, about=about, examples=(result, result)))
    text = html.render(report_of(*many))
    assert len(text.encode()) <= LIMIT
    page = Page(text)
    assert page.text.count("DEADLOCK :") + page.text.count("STARVED :") == 90
    assert page.text.count("are left out") < 90


@pytest.mark.slow
def test_45_plain_scenarios_leave_nothing_out() -> None:
    many = [series_of(NAMES[number % 4], 100) for number in range(45)]
    text = html.render(report_of(*many))
    assert len(text.encode()) < LIMIT
    assert text == html._page(report_of(*many), BUDGETS[0])


@pytest.mark.slow
def test_of_a_long_journal_the_ends_are_kept() -> None:
    entries = tuple({"seq": seq, "time": seq, "event": "called", "operation": f"op{seq}"} for seq in range(9000))
    page = page_of(with_result("healthy", journal=entries))
    most = BUDGETS[0].journal
    assert f"{9000 - most} more lines, not shown" in page.text
    assert " op0 " in page.text
    assert " op8999 " in page.text
    assert " op4500 " not in page.text


def test_a_graph_of_too_many_nodes_is_only_listed() -> None:
    star = graph_of(*(("init", str(number)) for number in range(MOST)))
    text = html.render(report_of(with_verdict("exit-flush-self", graph=star, dead=())))
    assert "Too many nodes for a drawing (61)" in text
    assert f"task {MOST - 1}" in text


# --- the layout ---

GRAPHS = {
    "one edge": [("a", "b")],
    "chain": [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")],
    "diamond": [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
    "cycle": [("a", "b"), ("b", "c"), ("c", "b")],
    "through the root": [("a", "b"), ("b", "c"), ("c", "a")],
    "itself": [("a", "b"), ("b", "b")],
    "twice": [("a", "b"), ("a", "b")],
    "skips a column": [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d")],
    "star": [("a", str(number)) for number in range(24)],
    "all to one": [(a, b) for leaf in map(str, range(12)) for a, b in (("a", leaf), (leaf, "z"), ("z", leaf))],
}


def placed(edges: Iterable[tuple[str, str]]) -> tuple[list[str], list[tuple[str, str]], Layout]:
    edges = list(edges)
    names = list(dict.fromkeys(name for edge in edges for name in edge))
    return names, edges, layout(names, edges, 176, 62)


def check(names: list[str], edges: list[tuple[str, str]], it: Layout) -> None:
    assert list(it.boxes) == names
    for one, other in combinations(names, 2):
        assert not it.boxes[one].overlaps(it.boxes[other]), (one, other)
    for box in it.boxes.values():
        assert box.x >= 0
        assert box.y >= -1e-6
        assert box.x + box.width <= it.width
        assert box.y + box.height <= it.height + 1e-6
    for (waiter, target), line in zip(edges, it.lines, strict=True):
        first, last = it.boxes[waiter], it.boxes[target]
        (x, y), (x2, y2) = line.knots[0], line.knots[-1]
        if line.loop:
            assert waiter == target
            assert y == first.y
            continue
        assert x == (first.x + first.width if line.forward else first.x)
        assert x2 == (last.x if line.forward else last.x + last.width)
        assert first.y < y < first.y + first.height
        assert last.y < y2 < last.y + last.height
        for px, py in line.knots[1:-1]:
            inside = [box for box in it.boxes.values() if box.x < px < box.x + box.width and box.y < py < box.y + 62]
            assert inside == []


@pytest.mark.parametrize("name", GRAPHS)
def test_boxes_do_not_overlap_and_lines_meet_them(name: str) -> None:
    check(*placed(GRAPHS[name]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=30))
def test_so_it_is_for_any_graph(pairs: list[tuple[int, int]]) -> None:
    check(*placed((str(a), str(b)) for a, b in pairs))


def test_a_chain_is_straight() -> None:
    _, _, it = placed(GRAPHS["chain"])
    assert len({box.y for box in it.boxes.values()}) == 1
    assert sorted(it.boxes, key=lambda name: it.boxes[name].x) == ["a", "b", "c", "d", "e"]


def test_the_root_is_at_the_left() -> None:
    for edges in GRAPHS.values():
        _, _, it = placed(edges)
        assert it.boxes["a"].x == min(box.x for box in it.boxes.values()) == 0


def test_crossings_that_need_not_be_are_not() -> None:
    _, _, it = placed([("a", "b"), ("a", "c"), ("b", "y"), ("c", "x"), ("a", "x"), ("a", "y")])
    assert (it.boxes["b"].y < it.boxes["c"].y) == (it.boxes["y"].y < it.boxes["x"].y)


def test_numbers_do_not_cover_each_other() -> None:
    for name in ("chain", "diamond", "cycle", "skips a column"):
        _, _, it = placed(GRAPHS[name])
        for one, other in combinations([line.badge for line in it.lines], 2):
            assert (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 > 17**2, name


@pytest.mark.parametrize("name", GRAPHS)
def test_each_graph_is_drawn(name: str) -> None:
    graph = graph_of(*GRAPHS[name])
    text = html.render(report_of(with_result("exit-flush-self", verdict=verdict_with(graph, ("a", "b")))))
    assert text.count('<g class="edge ') == len(graph.edges)
    assert text.count('<g class="node') == len(graph.nodes)


# --- the histogram ---


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 1e6), min_size=2, max_size=300))
def test_every_value_is_in_a_bin(values: list[float]) -> None:
    low, width, counts = bins(sorted(values))
    assert sum(counts) == len(values)
    assert 1 <= len(counts) <= 32
    assert low <= min(values) + width * 1e-6
    assert max(values) <= low + width * len(counts) * (1 + 1e-6)


def test_one_run_has_no_histogram() -> None:
    assert histogram(series_of("healthy")) is None
    same = replace(series_of("healthy", 5), latencies_ms=(2.0,) * 5)
    drawn = histogram(same)
    assert drawn is not None
    assert len(drawn.bars) == 1
    assert "5 from 2 to" in drawn.text


def test_ticks_are_round() -> None:
    assert ticks(0, 10, 5) == (0, 2, 4, 6, 8, 10)
    assert ticks(-0.3, 1.1, 4) == (0.0, 0.5, 1.0)


# --- the timeline ---


def test_bars_stay_on_the_axis() -> None:
    for name in NAMES:
        drawn = timeline_view(result_of(name), 40, 40)
        assert drawn is not None
        drawing = drawn.drawing
        for lane in (*drawing.tasks, *drawing.calls):
            for bar in lane.bars:
                assert drawing.left <= bar.x <= bar.x + bar.width <= drawing.right + 2
        assert all(drawing.left <= x <= drawing.right for x, _ in drawing.ticks)
        assert "0" in [label for _, label in drawing.ticks]


def test_requests_of_the_time_shown_have_a_lane() -> None:
    result = result_of("server-stopped")
    killed = result.timeline.milestones[2].at_ns
    called = {"seq": 9, "time": killed + 1_000_000, "event": "called", "operation": "flush", "path": "/held"}
    held = {**called, "time": killed + 2_000_000, "event": "held"}
    fast = {**called, "seq": 10, "operation": "read"}
    answer = {**fast, "event": "replied", "time": killed + 200_000_000, "result": 0}
    drawn = timeline_view(replace(result, journal=(*result.journal, called, held, fast, answer)), 40, 40)
    assert drawn is not None
    assert [lane.name for lane in drawn.drawing.calls[-2:]] == ["flush /held", "read /held"]
    (flush,), (read,) = (lane.bars for lane in drawn.drawing.calls[-2:])
    assert (flush.look, flush.text) == ("open", "never answered")
    assert "held at 2.00 ms, never answered" in flush.title
    assert read.look == "request"
    assert "answered at 200.00 ms" in read.title


def test_of_too_many_requests_the_longest_are_shown() -> None:
    result = result_of("server-stopped")
    killed = result.timeline.milestones[2].at_ns
    journal = [
        {"seq": seq, "time": killed + seq * 1000 + (event == "replied") * (seq + 1) * 1_000_000, "event": event}
        for seq in range(40)
        for event in ("called", "replied")
    ]
    drawn = timeline_view(
        replace(result, journal=tuple({**each, "operation": f"op{each['seq']}"} for each in journal)), 40, 40
    )
    assert drawn is not None
    assert [lane.name for lane in drawn.drawing.calls] == [f"op{seq}" for seq in range(24, 40)]
    assert drawn.hidden_calls == 24


def test_a_run_without_a_kill_has_its_own_zero() -> None:
    result = result_of("healthy")
    timeline = replace(result.timeline, milestones=result.timeline.milestones[:2])
    drawn = timeline_view(replace(result, timeline=timeline), 40, 40)
    assert drawn is not None
    assert drawn.milestones[0][0] == "0.00"
    assert timeline_view(replace(result, timeline=Timeline()), 40, 40) is None
