"""The pytest plugin: fixtures, a marker, and the scenarios as tests.

Every pytest in an environment with fusezap loads this module, so it imports what it needs only where that is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from harness.model.records import Result, Verdict
    from harness.pytest_plugin.hang import HangSession
    from harness.pytest_plugin.mounted import MountedFakefs
    from harness.scenario import Scenario

MARKER = "fusezap"
_MARKER_HELP = (
    "fusezap(scenario, expect=None, patience=None): run this scenario first, and fail unless it comes to an outcome of "
    "`expect`; the fixture `fusezap_result` has what came of it"
)
SECTION = "fusezap: wait-for graph"
_verdicts = pytest.StashKey[list[Callable[[], "Verdict | None"]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fusezap")
    group.addoption(
        "--fusezap-scenarios",
        action="append",
        default=[],
        metavar="GLOB",
        help="run fusezap's scenarios as tests, those whose name matches; as often as wanted",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER_HELP)
    globs = config.getoption("--fusezap-scenarios")
    if globs:
        _find(globs)  # already here, for a worker of xdist has no way to tell a usage error


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker(MARKER)
        if marker is not None:
            _checked(item)
            if isinstance(item, pytest.Function):
                # A list of its own: pytest shares one among all parametrizations, of which only some may be marked.
                item.fixturenames = ["fusezap_result", *item.fixturenames]
    globs = config.getoption("--fusezap-scenarios")
    if globs:
        items += [
            ScenarioItem.from_parent(session, name=each.name, nodeid=f"fusezap::{each.name}", scenario=each)
            for each in _find(globs)
        ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the proof of its hangs to the report of a failing test."""
    report = yield
    if report.failed and report.when == "call":
        for judged in item.stash.get(_verdicts, []):
            verdict = judged()
            if verdict is not None:
                report.sections.append((SECTION, proof(verdict)))
    return report


class ScenarioItem(pytest.Item):
    """A scenario as a test: a defect fails on a kernel that has it, a behaviour passes and reports its outcome."""

    def __init__(self, *, scenario: Scenario, **rest: Any) -> None:
        super().__init__(**rest)
        self.scenario = scenario

    def runtest(self) -> None:
        from harness.model.records import Mark
        from harness.run.tally import Tally

        _need(self.scenario)
        result = _result(self.scenario, None)
        tally = Tally(result.kernel, result.about)
        tally.add(result)
        series = tally.series()
        outcome = result.verdict.outcome
        if series.mark in (Mark.PASS, Mark.REPORTED):
            self.add_report_section("call", "fusezap", f"{self.scenario.name}: {outcome}\n{proof(result.verdict)}")
        else:
            _remember(self, lambda: result.verdict)
            wanted = f"{self.scenario.name} came to {outcome}, where {self.scenario.want} is wanted"
            raise AssertionError("\n".join((wanted, *series.leftovers)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, AssertionError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"fusezap: {self.scenario.name}"


@pytest.fixture
def hang(request: pytest.FixtureRequest) -> Iterator[Callable[..., HangSession]]:
    """Arm a scenario, or a FUSE server of your own, to be killed, judged and resolved step by step.

    The fixture is a function; it can be called several times in a test. At the end of the test whatever is left of the
    hangs is released, killed and reaped.

    Args of the function:
        - `scenario`: the name of a scenario, or a `Scenario`; or instead of it:
        - `server`: the command of a FUSE server, with `{mountpoint}` in it, and
        - `hold`: the file of its mount that a process holds open (default: the root of the mount).
        - `patience`: seconds that tasks which could still move get before the outcome is `starved`.
        - `resolver`: how to end the hang (default: `abort`).

    Returns of the function:
        A `HangSession`, armed.

    Example:
        `container = hang(server="/usr/local/bin/myfs {mountpoint}", hold="/some/file")`
    """
    from harness.scenario import foreign

    with ExitStack() as stack:

        def make(
            scenario: str | Scenario | None = None,
            *,
            server: str | None = None,
            hold: str | None = None,
            patience: float | None = None,
            resolver: str | None = None,
        ) -> HangSession:
            if server is not None:
                chosen = foreign.scenario(server, hold)
            elif isinstance(scenario, str):
                (chosen,) = _find([scenario])
            elif scenario is not None:
                chosen = scenario
            else:
                raise TypeError("hang() takes a scenario, or server=")
            _need(chosen)
            made = _armed(chosen, patience, resolver)
            stack.callback(made.close)
            _remember(request.node, lambda: made.judged)
            return made

        yield make


@pytest.fixture
def pid_namespace(request: pytest.FixtureRequest) -> Iterator[Callable[..., HangSession]]:
    """Start programs below an init, in PID and mount namespaces of their own, to be killed and judged as a hang is.

    Args of the function:
        - `*programs`: the argument lists of the programs.
        - `patience`: seconds that tasks which could still move get before the outcome is `starved`.

    Returns of the function:
        A `HangSession`, armed.

    Example:
        `namespace = pid_namespace(["sleep", "1000"], ["cat"])`
    """
    from harness.scenario import foreign

    with ExitStack() as stack:

        def make(*programs: Sequence[str], patience: float | None = None) -> HangSession:
            scenario = foreign.programs(programs)
            _need(scenario)
            made = _armed(scenario, patience)
            stack.callback(made.close)
            _remember(request.node, lambda: made.judged)
            return made

        yield make


@pytest.fixture
def misbehaving_fs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., MountedFakefs]]:
    """Mount a fakefs. At the end of the test whatever it withholds is released, and it is unmounted.

    Args of the function:
        - `rules`: rules of fakefs as text.
        - `files`: the content of its files by their path, which begins with `/`.
        - `options`: further words of fakefs's command line.

    Returns of the function:
        A `MountedFakefs`.

    Example:
        `fs = misbehaving_fs(rules=["read:errno=EIO,times=1"], files={"/f": "hello"})`
    """
    from harness.pytest_plugin.mounted import mounted

    with ExitStack() as stack:

        def make(
            rules: Iterable[str] = (), files: Mapping[str, str] | None = None, options: Sequence[str] = ()
        ) -> MountedFakefs:
            _need(None)
            folder = tmp_path_factory.mktemp("fakefs")
            return stack.enter_context(mounted(folder, tuple(rules), files or {}, tuple(options)))

        yield make


@pytest.fixture
def fusezap_result(request: pytest.FixtureRequest) -> Result:
    """The result of the scenario that the test's marker `fusezap` names: judged, resolved, and nothing left.

    The test fails before its body if the outcome is none of `expect`, or if something was left behind.
    """
    if request.node.get_closest_marker(MARKER) is None:
        pytest.fail(f"fusezap_result needs the marker: {_MARKER_HELP}", pytrace=False)
    scenario, expected, patience = _asked(request.node)
    _need(scenario)
    result = _result(scenario, patience)
    _remember(request.node, lambda: result.verdict)
    outcome = result.verdict.outcome
    if expected and outcome not in expected:
        wanted = " or ".join(expected)
        pytest.fail(f"{scenario.name} came to {outcome}, expected {wanted}\n{proof(result.verdict)}", pytrace=False)
    if result.leftovers:
        pytest.fail("\n".join((f"{scenario.name} left something behind:", *result.leftovers)), pytrace=False)
    return result


def proof(verdict: Verdict) -> str:
    """The outcome, its reasons, the process tree, the stacks, the wait-for graph and the form, as text."""
    import io

    from rich.console import Console

    from harness.report.formats.terminal import PIPE_WIDTH, Story

    stream = io.StringIO()
    story = Story(stream)
    # FORCE_COLOR, which CI services set, colours what is no terminal too; a report is kept as text.
    story.console = Console(file=stream, highlight=False, emoji=False, width=PIPE_WIDTH, color_system=None)
    story.verdict(verdict, verdict.form)
    return "\n".join(line.rstrip() for line in stream.getvalue().strip("\n").split("\n"))


def _checked(item: pytest.Item) -> None:
    """Stop the collection at an invalid marker, except in a worker of xdist, which would crash: there the setup of the
    test reports it."""
    try:
        _asked(item)
    except pytest.UsageError:
        if not hasattr(item.config, "workerinput"):
            raise


def _asked(item: pytest.Item) -> tuple[Scenario, tuple[str, ...], float | None]:
    """The scenario, the expected outcomes and the patience of the marker; raises pytest.UsageError."""
    from harness.model.records import Outcome
    from harness.scenario import Scenario

    marker = item.get_closest_marker(MARKER)
    assert marker is not None
    unknown = set(marker.kwargs) - {"scenario", "expect", "patience"}
    names = [*marker.args, *filter(None, [marker.kwargs.get("scenario")])]
    if unknown or len(names) != 1:
        raise pytest.UsageError(f"{item.nodeid}: the marker is {_MARKER_HELP}")
    expect = marker.kwargs.get("expect") or ()
    expected = tuple(expect) if isinstance(expect, (tuple, list, set, frozenset)) else (expect,)
    wrong = [each for each in expected if each not in list(Outcome)]
    if wrong:
        raise pytest.UsageError(f"{item.nodeid}: unknown outcome {wrong[0]!r}; there are: {', '.join(Outcome)}")
    scenario = names[0]
    if isinstance(scenario, str):
        (scenario,) = _find([scenario], f"{item.nodeid}: ")
    elif not isinstance(scenario, Scenario):
        raise pytest.UsageError(f"{item.nodeid}: {scenario!r} is no scenario, and no name of one")
    return scenario, expected, marker.kwargs.get("patience")


def _find(names: Sequence[str], where: str = "") -> tuple[Scenario, ...]:
    from harness import catalogue
    from harness.errors import UsageError

    try:
        return catalogue.find(tuple(names))
    except UsageError as error:
        raise pytest.UsageError(f"{where}{error}") from None


def _armed(scenario: Scenario, patience: float | None, resolver: str | None = None) -> HangSession:
    """An armed hang; skips the test if the machine refuses the namespaces, which only a trial shows."""
    from harness.errors import MachineError
    from harness.pytest_plugin.hang import HangSession

    try:
        return HangSession(scenario, patience, resolver)
    except MachineError as error:
        _skip(str(error))


def _result(scenario: Scenario, patience: float | None) -> Result:
    made = _armed(scenario, patience)
    try:
        return made.result()
    finally:
        made.close()


def _need(scenario: Scenario | None) -> None:
    """Skip the test and name everything that is missing; with FUSEZAP_REQUIRE=1, fail it."""
    from harness.linux import features

    missing = [*features.missing(), *(features.lacking(scenario.requires) if scenario else ())]
    if missing:
        _skip(f"fusezap needs: {'; '.join(missing)}")


def _skip(reason: str) -> NoReturn:
    if os.environ.get("FUSEZAP_REQUIRE") == "1":
        pytest.fail(f"{reason} (and FUSEZAP_REQUIRE=1)", pytrace=False)
    pytest.skip(reason)


def _remember(item: pytest.Item, judged: Callable[[], Verdict | None]) -> None:
    item.stash.setdefault(_verdicts, []).append(judged)
