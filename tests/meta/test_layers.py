"""Who may import whom: data flows one way, and everything that decides is pure."""

from __future__ import annotations

import sys

import pytest

from tests.meta.tree import import_graph

GRAPH = import_graph("fakefs", "harness", "scenarios")

STAGES = {
    "launch": ("harness.launch",),
    "observe": ("harness.observe",),
    "waitgraph": ("harness.waits", "harness.waitgraph"),
    "judge": ("harness.judge", "harness.form"),
    "resolve": ("harness.scene", "harness.resolve", "harness.resolvers", "harness.futile"),
    "report": ("harness.report",),
}
"""From left to right: nothing on the left imports anything on the right."""
WIRING = (
    "harness.runner",
    "harness.trial",
    "harness.watch",
    "harness.evidence",
    "harness.session",
    "harness.repeat",
    "harness.stepper",
    "harness.outputs",
    "harness.kernels",
    "harness.kernel_spec",
    "harness.vm",
    "harness.matrix",
    "harness.commands",
    "harness.cli",
    "harness.__main__",
)
"""Knows all the stages; no stage knows it."""

RECORDS = {"harness.model", "harness.terms"}
PURE = {
    "harness.terms": set(),
    "harness.model": {"harness.terms"},
    "harness.kernel_names": set(),
    "harness.blockers": RECORDS | {"harness", "harness.kernel_names"},
    "harness.waits": RECORDS,
    "harness.waitgraph": RECORDS | {"harness", "harness.kernel_names", "harness.registry", "harness.waits"},
    "harness.judge": RECORDS | {"harness.waitgraph"},
    "harness.form": RECORDS | {"harness.kernel_names"},
    "harness.exercise": {"fakefs.journal", "harness.scenario"},
    "harness.withheld": {"fakefs.journal", "fakefs.parse", "harness.model"},
    "harness.statistics": RECORDS,
    "harness.tally": RECORDS | {"harness", "harness.statistics"},
    "harness.timeline": RECORDS,
    "harness.launch.programs": {"harness.scenario"},
    "harness.codec": {"harness.terms"},
    "harness.recording": RECORDS | {"harness", "harness.codec", "harness.errors"},
}
"""What decides, and all of the project that it may see."""
PURE_STANDARD_LIBRARY = {
    "__future__",
    "collections",
    "collections.abc",
    "dataclasses",
    "enum",
    "math",
    "errno",
    "functools",
    "itertools",
    "json",
    "re",
    "sys",
    "types",
    "typing",
}


EXTRAS = {"harness.matrix.cluster": {"distributed"}, "harness.diagnosis.requests": {"drgn"}}
"""Who may import what is not always there."""


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


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_on_the_left_imports_anything_on_the_right(stage: str) -> None:
    order = list(STAGES)
    right = [package for later in order[order.index(stage) + 1 :] for package in STAGES[later]]
    assert offences(modules(*STAGES[stage]), *right, *WIRING) == []


@pytest.mark.parametrize("name", PURE)
def test_what_decides_is_pure(name: str) -> None:
    for module in modules(name):
        project = {target for target in GRAPH[module] if within(target, "fakefs", "harness", "scenarios")}
        siblings = {target for target in project if within(target, name)}
        tables = {"harness", "harness.kernel_names", "harness.blockers"} if name == "harness.waits" else set()
        assert project - siblings - tables <= PURE[name], module
        assert GRAPH[module] - project <= PURE_STANDARD_LIBRARY, module


def test_the_kernels_interfaces_know_nothing_of_the_project() -> None:
    for module in modules("harness.linux"):
        project = {target for target in GRAPH[module] if within(target, "fakefs", "harness", "scenarios")}
        assert {target for target in project if not within(target, "harness.linux")} == set(), module


def test_reports_import_only_the_records_and_the_kernels_names() -> None:
    allowed = RECORDS | {"harness", "harness.kernel_names"}
    for module in modules("harness.report"):
        project = {target for target in GRAPH[module] if within(target, "fakefs", "harness", "scenarios")}
        assert {target for target in project if not within(target, "harness.report")} <= allowed, module


def test_a_scenario_is_a_declaration() -> None:
    for module in modules("scenarios"):
        assert GRAPH[module] <= {"harness.model", "harness.terms", "harness.scenario", "__future__"}, module


def test_only_the_commands_print_and_exit() -> None:
    """The libraries raise; one place turns that into text and exit codes."""
    for module in modules(*(package for stage in STAGES.values() for package in stage)):
        assert "argparse" not in GRAPH[module], module


def test_only_standard_library_and_declared_packages() -> None:
    declared = {"fuse", "jinja2", "markupsafe", "prctl", "psutil", "pytest", "rich", "fakefs", "harness", "scenarios"}
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
