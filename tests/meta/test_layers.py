"""The rules of imports: data flows one way, and everything that decides is pure."""

from __future__ import annotations

import ast
import re
import sys

import pytest

from tests.meta.tree import import_graph
from tests.meta.tree import modules as modules_of

GRAPH = import_graph("fakefs", "harness", "scenarios")

ROOMS = (
    "harness.commands",
    "harness.suite",
    "harness.matrix",
    "harness.bisect",
    "harness.servers",
    "harness.runtimes",
    "harness.vm",
    "harness.pytest_plugin",
    "harness.diagnosis",
    "harness.explain",
    "harness.run",
    "harness.report",
    "harness.resolve",
    "harness.judge",
    "harness.repro",
    "harness.launch",
    "harness.observe",
    "harness.kernels",
    "harness.scenario",
    "harness.guard",
    "harness.blockers",
    "harness.model",
    "harness.linux",
)
"""From the top to the bottom: a room imports only rooms below it."""
DOOR = {
    "harness.__main__": {"harness.boundary", "harness.cli"},
    "harness.pyz": {"harness.boundary", "harness.cli"},
    "harness.cli": {
        *("harness", "harness.boundary", "harness.commands", "harness.errors"),
        *("harness.record", "harness.registry", "harness.signals"),
    },
    "harness.boundary": {"harness", "harness.errors", "harness.model"},
    "harness.catalogue": {"harness", "harness.errors", "harness.registry", "harness.scenario"},
    "harness.registry": {"fakefs.modules", "harness.errors"},
    "harness.signals": {"harness.errors"},
    "harness.files": set(),
    "harness.record": {"fakefs.record"},
    "harness.errors": set(),
}
"""The modules that lie loose in harness/, and all of the project that each imports."""
BELOW_ALL = {
    *("harness", "harness.boundary", "harness.errors", "harness.files"),
    *("harness.record", "harness.registry", "harness.signals"),
}
"""Rooms that every room may import."""
LANGUAGE = {"harness.record"}
"""Modules that know as little of the project as the standard library does, and are imported as freely."""
WITH_CATALOGUE = {"harness.commands", "harness.pytest_plugin"}
"""Rooms that may import the catalogue: the rest is handed the scenarios that it works on."""
WITH_FAKEFS = {
    "harness.commands": {"fakefs"},
    "harness.matrix": {"fakefs"},
    "harness.servers": {"fakefs"},
    "harness.runtimes": {"fakefs"},
    "harness.pytest_plugin": {"fakefs"},
    "harness.run": {"fakefs"},
    "harness.resolve": {"fakefs"},
    "harness.judge": {"fakefs"},
    "harness.repro": {"fakefs"},
    "harness.launch": {"fakefs"},
    "harness.guard": {"fakefs"},
}
"""Rooms that may import fakefs: the others know no FUSE server by name."""
WAITGRAPH = ("harness.judge.waits", "harness.judge.requests", "harness.judge.waitgraph", "harness.judge.accounted")
"""The graph knows nothing of the verdict that is drawn from it."""

RECORDS = {"harness.model.records", "harness.model.holders", "harness.model.memory", "harness.model.terms"}
PURE = {
    "harness.model.terms": set(),
    "harness.model.holders": set(),
    "harness.model.memory": {"harness.model.terms"},
    "harness.model.records": {"harness.model.holders", "harness.model.memory", "harness.model.terms"},
    "harness.model.kernel_names": set(),
    "harness.blockers": {"harness", "harness.model.terms", "harness.registry"},
    "harness.explain": {
        "harness",
        "harness.blockers",
        "harness.blockers.row",
        "harness.blockers.states",
        "harness.blockers.table",
        "harness.model",
        "harness.model.kernel_names",
        "harness.registry",
    },
    "harness.bisect.search": {"harness.bisect", "harness.bisect.noisy", "harness.model.terms"},
    "harness.bisect.noisy": set(),
    "harness.judge.blockers": RECORDS
    | {
        "harness",
        "harness.blockers",
        "harness.blockers.row",
        "harness.blockers.states",
        "harness.blockers.table",
        "harness.model",
        "harness.model.kernel_names",
    },
    "harness.judge.waits": RECORDS | {"harness.model", "harness.model.kernel_names", "harness.judge.requests"},
    "harness.judge.waitgraph": RECORDS
    | {
        "harness",
        "harness.model.kernel_names",
        "harness.registry",
        "harness.judge",
        "harness.judge.accounted",
        "harness.judge.waits",
    },
    "harness.judge.accounted": RECORDS | {"harness.judge.waits"},
    "harness.judge.requests": RECORDS | {"harness.model", "harness.model.kernel_names", "harness.judge.waits"},
    "harness.judge.premises": RECORDS | {"harness.model", "harness.model.kernel_names", "harness.judge.waits"},
    "harness.judge.verdict": RECORDS | {"harness.judge", "harness.judge.premises", "harness.judge.waitgraph"},
    "harness.judge.form": RECORDS | {"harness.model.kernel_names"},
    "harness.judge.exercise": {"fakefs.journal", "harness.scenario"},
    "harness.judge.withheld": {"fakefs.journal", "fakefs.parse", "harness.model.records"},
    "harness.run.statistics": RECORDS,
    "harness.run.tally": RECORDS | {"harness", "harness.run.statistics"},
    "harness.run.timeline": RECORDS,
    "harness.launch.argv": {"harness.scenario"},
    "harness.model.codec": RECORDS | {"harness.model"},
    "harness.model.events": RECORDS,
    "harness.model.bounded_json": set(),
    "harness.model.recording": RECORDS
    | {"harness", "harness.model.bounded_json", "harness.model.codec", "harness.errors"},
}
"""Rooms that decide, and all of the project that each may see."""
PURE_STANDARD_LIBRARY = {
    "__future__",
    "collections",
    "collections.abc",
    "dataclasses",
    "enum",
    "math",
    "errno",
    "functools",
    "html",
    "itertools",
    "json",
    "re",
    "sys",
    "textwrap",
    "types",
    "typing",
}


EXTRAS = {
    "harness.matrix.cluster": {"distributed"},
    "harness.observe.memory.dump": {"drgn"},
    "harness.observe.memory.program": {"drgn"},
    "harness.runtimes.cri.client": {"grpc"},
    "harness.runtimes.cri.messages": {"google"},
}
"""Modules that may import what is not always there."""


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def modules(*packages: str) -> list[str]:
    found = [name for name in GRAPH if within(name, *packages)]
    assert found, f"nothing is left of {packages}: the rule must follow what was renamed"
    return found


def offences(importers: list[str], *forbidden: str) -> list[str]:
    return [
        f"{name} imports {target}" for name in importers for target in sorted(GRAPH[name]) if within(target, *forbidden)
    ]


def test_fakefs_is_useful_alone() -> None:
    assert offences(modules("fakefs"), "harness", "scenarios", "tests") == []


def test_nothing_imports_the_tests() -> None:
    assert offences(list(GRAPH), "tests") == []


def room_of(name: str) -> str:
    return ".".join(name.split(".")[:2])


def test_every_module_of_harness_is_in_a_rule() -> None:
    assert {room_of(name) for name in GRAPH if within(name, "harness")} == {"harness", *ROOMS, *DOOR}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    allowed = {*ROOMS[ROOMS.index(room) :]}
    if room in WITH_CATALOGUE:
        allowed.add("harness.catalogue")
    allowed |= BELOW_ALL | WITH_FAKEFS.get(room, set())
    found = {
        f"{name} imports {target}"
        for name in modules(room)
        for target in GRAPH[name]
        if within(target, "fakefs", "harness", "scenarios", "tests")
        and (room_of(target) if within(target, "harness") else target.partition(".")[0]) not in allowed
    }
    assert found == set()


@pytest.mark.parametrize("name", DOOR)
def test_a_loose_module_imports_only_what_it_says(name: str) -> None:
    project = {target for target in GRAPH[name] if within(target, "fakefs", "harness", "scenarios", "tests")}
    assert {room_of(target) for target in project} <= DOOR[name]


def test_the_loose_modules_are_few() -> None:
    assert len(DOOR) <= 10


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_its_purpose_and_what_it_must_not_do(room: str) -> None:
    docstring = ast.get_docstring(ast.parse(modules_of("harness")[room].read_text())) or ""
    first = docstring.split("\n\n")[0]
    assert first.count(".") - first.count("...") <= 1 + first.count("`"), "one sentence"
    assert re.search(r"\b(never|nothing|no)\b", docstring), "it says what the room must not do"


def test_the_graph_knows_nothing_of_the_verdict() -> None:
    assert offences(modules(*WAITGRAPH), "harness.judge.verdict", "harness.judge.form") == []


@pytest.mark.parametrize("name", PURE)
def test_what_decides_is_pure(name: str) -> None:
    for module in modules(name):
        project = {target for target in GRAPH[module] if within(target, "fakefs", "harness", "scenarios")}
        siblings = {target for target in project if within(target, name)}
        tables = (
            {"harness", "harness.model.kernel_names", "harness.judge.blockers"}
            if name == "harness.judge.waits"
            else set()
        )
        assert project - siblings - tables - LANGUAGE <= PURE[name], module
        assert GRAPH[module] - project <= PURE_STANDARD_LIBRARY, module


def test_the_kernels_interfaces_know_nothing_of_the_project() -> None:
    for module in modules("harness.linux"):
        project = {target for target in GRAPH[module] if within(target, "fakefs", "harness", "scenarios")}
        assert {target for target in project if not within(target, "harness.linux")} <= LANGUAGE, module


def test_reports_import_only_the_records_and_the_kernels_names() -> None:
    allowed = RECORDS | LANGUAGE | {"harness", "harness.model.printable"}
    allowed |= {"harness.model.events", "harness.model.kernel_names"}
    for module in modules("harness.report"):
        if module == "harness.report.outputs":  # writes files
            continue
        project = {target for target in GRAPH[module] if within(target, "fakefs", "harness", "scenarios")}
        assert {target for target in project if not within(target, "harness.report")} <= allowed, module


def test_a_scenario_is_a_declaration() -> None:
    for module in modules("scenarios"):
        allowed = {"harness.model.records", "harness.model.terms", "harness.scenario", "harness.scenario.texts"}
        assert GRAPH[module] <= {*allowed, "__future__"}, module


PRINTERS = ("harness.commands", "harness.boundary", "harness.cli", "harness.__main__", "harness.pyz")
"""The commands, and the entries that turn an exception into text and an exit status."""
STREAMS = {"harness.report.outputs", "harness.vm.machine", "harness.runtimes.cri.client"}
"""The owner of the report streams; --console, which copies the guest's console to stderr as it comes; and the program
that speaks CRI in a sandbox, as a runtime's own client does, whose output is what was asked."""
ENTRIES = {
    "harness.matrix.worker",
    "harness.run.worker",
    "harness.launch.programs.tracer",
    "harness.runtimes.cri.client",
}
"""Modules that are processes of their own: their exit status is how they end."""


def test_only_the_commands_print_and_exit() -> None:
    """The libraries raise; one place turns that into text and exit statuses."""
    found = []
    for name, path in modules_of("harness").items():
        if within(name, *PRINTERS) or name in STREAMS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("print", "input", "sys.stdout.write") or (
                called in ("sys.exit", "exit") and name not in ENTRIES
            ):
                found.append(f"{name} {called}")
            if isinstance(node, ast.Import) and "argparse" in {alias.name for alias in node.names}:
                found.append(f"{name} argparse")
    assert found == []


def test_only_standard_library_and_declared_packages() -> None:
    declared = {
        "fuse",
        "jinja2",
        "markupsafe",
        "prctl",
        "psutil",
        "pytest",
        "rich",
        "shtab",
        "fakefs",
        "harness",
        "scenarios",
    }
    for module, targets in GRAPH.items():
        tops = {target.partition(".")[0] for target in targets}
        extra = EXTRAS.get(module, set())
        assert tops <= declared | extra | sys.stdlib_module_names, module


def test_no_circles() -> None:
    """A module whose import needs itself works only by luck."""
    seen: dict[str, int] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if seen.get(name) == 2:
            return
        assert name not in path, " imports ".join((*path[path.index(name) :], name))
        for target in sorted(_top_level(name)):
            visit(target, (*path, name))
        seen[name] = 2

    for name in GRAPH:
        visit(name, ())


def _top_level(name: str) -> set[str]:
    """Packages are left out: what a package's file imports comes before its modules in any case."""
    return {
        target for target in GRAPH[name] if target in GRAPH and target != name and not name.startswith(f"{target}.")
    }
