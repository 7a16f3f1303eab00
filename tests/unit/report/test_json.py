"""The JSON document and its schema."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import harness.report
from harness.model.records import Outcome, Resolution, Result, Timings
from harness.report.formats import jsonl
from harness.report.formats.json import document, render, render_verdict
from tests.unit.records import recorded, unprivileged
from tests.unit.results import (
    CONSOLE,
    WARNINGS,
    matrix_report,
    report_of,
    reported,
    result_of,
    series_of,
    skipped_series,
    verdict_of,
)

SCHEMA: dict[str, Any] = json.loads((Path(harness.report.__path__[0]) / "result.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NAMES = ("exit-flush-self", "exit-flush-peer-outside", "server-stopped", "healthy")


def rendered(*results: Result, errors: tuple[str, ...] = ()) -> dict[str, Any]:
    text = render(reported(*results, errors=errors))
    assert text.endswith("}\n")
    parsed: dict[str, Any] = json.loads(text)
    VALIDATOR.validate(parsed)
    return parsed


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", NAMES)
def test_a_result_fits_the_schema(name: str) -> None:
    (result,) = rendered(result_of(name))["results"]
    assert result["scenario"] == name
    assert result["outcome"] == verdict_of(name).outcome


def test_many_results_and_errors_are_one_document() -> None:
    parsed = rendered(*map(result_of, NAMES), errors=("healthy: not armed",))
    assert [result["scenario"] for result in parsed["results"]] == list(NAMES)
    assert parsed["errors"] == ["healthy: not armed"]


def test_no_result_at_all_fits_too() -> None:
    assert rendered(errors=("it",))["results"] == []


def test_the_deadlock_in_it() -> None:
    (result,) = rendered(result_of("exit-flush-self"))["results"]
    assert [line["holds"] for line in result["form"]] == [True] * 6
    assert result["connection"] == 41
    graph = result["wait_graph"]
    assert {node["id"] for node in graph["nodes"] if node["dead"]} == {
        "task:7313",
        "task:7314",
        "task:7317",
        "connection:41",
    }
    assert not any(node["blocker"] for node in graph["nodes"])
    assert result["resolution"]["released"] is True
    assert result["timings_ms"] == {"armed": 80.5, "kill_to_verdict": 9.25, "release": 0.61, "total": 101.0}
    (stuck,) = [task for task in result["tasks"] if task["tid"] == 7317]
    assert (stuck["exiting"], stuck["shared_pending"], stuck["state"]) == (True, "100", "D")
    assert stuck["stack"][0].startswith("request_wait_answer")


def test_the_blockers_of_the_starved_are_marked() -> None:
    (result,) = rendered(result_of("exit-flush-peer-outside"))["results"]
    blockers = {node["id"] for node in result["wait_graph"]["nodes"] if node["blocker"]}
    assert blockers == {f"task:{tid}" for tid in (7321, 7322, 7323, 7328)}
    assert not any(node["dead"] for node in result["wait_graph"]["nodes"])


def test_a_result_that_did_not_come_far() -> None:
    bare = replace(
        result_of("healthy"),
        verdict=replace(verdict_of("healthy"), outcome=Outcome.NOT_EXERCISED, reasons=("no FLUSH",)),
        timings=Timings(),
        resolution=Resolution("abort", "echo", False, None, "still there"),
        mode="user-namespace",
        leftovers=("folder /run/x",),
    )
    (result,) = rendered(bare)["results"]
    assert result["outcome"] == "not-exercised"
    assert set(result["timings_ms"].values()) == {None}
    assert result["leftovers"] == ["folder /run/x"]


def test_without_stacks() -> None:
    verdict = verdict_of("exit-flush-self")
    denied = replace(verdict, snapshots=tuple(map(unprivileged, verdict.snapshots)))
    (result,) = rendered(replace(result_of("exit-flush-self"), verdict=denied))["results"]
    assert {task["stack"] for task in result["tasks"]} == {None}


def test_a_name_that_is_no_utf8_is_still_json() -> None:
    verdict = verdict_of("exit-flush-self")
    tasks = tuple(replace(task, comm='\udcff"\n\x1b[31m') for task in verdict.snapshots[-1].tasks)
    odd = replace(verdict, snapshots=(replace(verdict.snapshots[-1], tasks=tasks),))
    text = render(reported(replace(result_of("exit-flush-self"), verdict=odd)))
    assert text.isascii()
    assert json.loads(text)["results"][0]["tasks"][0]["comm"] == '\udcff"\n\x1b[31m'


def test_the_verdict_of_judge_on_a_recording_is_part_of_the_same_document() -> None:
    verdict = verdict_of("exit-flush-self")
    parsed = json.loads(render_verdict(verdict, verdict.form))
    (result,) = rendered(result_of("exit-flush-self"))["results"]
    assert parsed.pop("schema_version") == 1
    assert parsed == {key: result[key] for key in parsed}
    assert {"outcome", "reasons", "form", "wait_graph"} <= parsed.keys()


@pytest.mark.parametrize(
    "path",
    [
        ("schema_version",),
        ("results", 0, "kernel", "release"),
        ("series", 0, "mark"),
        ("series", 0, "counts", 0, "low"),
        ("results", 0, "outcome"),
        ("results", 0, "wait_graph"),
        ("results", 0, "timings_ms", "kill_to_verdict"),
        ("results", 0, "leftovers"),
        ("results", 0, "form", 0, "holds"),
        ("results", 0, "resolution", "release_ms"),
    ],
    ids=lambda path: ".".join(map(str, path)),
)
def test_the_schema_misses_what_is_missing(path: tuple[str | int, ...]) -> None:
    whole: Any = document(reported(result_of("exit-flush-self")))
    VALIDATOR.validate(whole)
    damaged = copy.deepcopy(whole)
    inner = damaged
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    assert not VALIDATOR.is_valid(damaged)
    inner[path[-1]] = "nonsense"
    assert not VALIDATOR.is_valid(damaged) or path[-1] == "release"


def test_the_schema_refuses_what_it_does_not_know() -> None:
    whole: Any = json.loads(render(reported(result_of("exit-flush-self"))))
    for inner in (whole, whole["results"][0], whole["results"][0]["form"][0], whole["results"][0]["timings_ms"]):
        inner["surprise"] = 1
        assert not VALIDATOR.is_valid(whole)
        del inner["surprise"]
        VALIDATOR.validate(whole)


def test_the_kernel_of_a_recording_is_the_one_that_was_recorded() -> None:
    """`judge FILE` on another machine must not claim this machine's kernel."""
    assert recorded("exit-flush-self")[-1].release.startswith("6.18.44")
    assert "kernel" not in json.loads(render_verdict(verdict_of("exit-flush-self"), ()))


def test_many_runs_are_counted_beside_the_first() -> None:
    report = report_of(series_of("exit-flush-self", 200), skipped_series("server-stopped"))
    whole = json.loads(render(report))
    VALIDATOR.validate(whole)
    many, skipped = whole["series"]
    assert (many["runs"], many["mark"], many["counts"][0]["times"]) == (200, "fail", 200)
    assert many["latency_ms"]["median"] <= many["latency_ms"]["p95"] <= many["latency_ms"]["maximum"]
    assert (skipped["mark"], skipped["missing"], skipped["counts"]) == ("skipped", ["root"], [])
    assert len(whole["results"]) == 1


def test_each_series_of_a_matrix_names_its_kernel() -> None:
    report = matrix_report()
    whole = json.loads(render(report))
    VALIDATOR.validate(whole)
    assert [each["kernel"]["release"] for each in whole["series"]] == [each.kernel.release for each in report.series]
    (warned,) = [each for each in whole["series"] if each["warnings"]]
    assert (warned["scenario"], warned["mark"], warned["warnings"]) == ("server-stopped", "reported", list(WARNINGS))
    (lost,) = [each for each in whole["results"] if each["outcome"] == "lost-vm"]
    assert lost["reasons"] == ["the kernel panicked 3.1 s after its start", *CONSOLE]
    assert (lost["wait_graph"], lost["tasks"], lost["resolution"]) == (None, [], None)
    assert whole["errors"] == ["healthy under 6.12.43+deb13-amd64: the mount did not answer within 10 s"]


def test_each_line_of_a_matrix_names_its_kernel() -> None:
    report = matrix_report()
    records = [json.loads(line) for line in jsonl.render(report).splitlines()]
    found = {kind: [each["kernel"] for each in records if each["type"] == kind] for kind in ("run", "series")}
    assert found["series"] == [asdict(series.kernel) for series in report.series]
    assert found["run"] == [asdict(result.kernel) for series in report.series for result in series.examples]
    assert [each["warnings"] for each in records if each["type"] == "series" and each["warnings"]] == [[*WARNINGS]]
