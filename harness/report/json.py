"""The JSON document of `run`; its schema is `result.schema.json` beside this file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

from harness.model import Check, Node, Result, Task, Verdict

SCHEMA_VERSION = 1


def render(results: tuple[Result, ...], errors: tuple[str, ...]) -> str:
    return json.dumps(document(results, errors), indent=2) + "\n"


def render_verdict(verdict: Verdict, form: tuple[Check, ...]) -> str:
    """What `judge` says of a recording."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **_verdict(verdict, form)}, indent=2) + "\n"


def document(results: tuple[Result, ...], errors: tuple[str, ...]) -> dict[str, Any]:
    kernel = os.uname()
    return {
        "schema_version": SCHEMA_VERSION,
        "kernel": {"release": kernel.release, "version": kernel.version, "machine": kernel.machine},
        "results": [_result(result) for result in results],
        "errors": list(errors),
    }


def _result(result: Result) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "scenario": result.scenario,
        "kind": result.kind,
        **_verdict(verdict, verdict.form),
        "mode": result.mode,
        "attempts": [asdict(attempt) for attempt in result.attempts],
        "resolution": None if result.resolution is None else asdict(result.resolution),
        "timings_ms": asdict(result.timings),
        "leftovers": list(result.leftovers),
    }


def _verdict(verdict: Verdict, form: tuple[Check, ...]) -> dict[str, Any]:
    snapshot = verdict.snapshots[-1]
    return {
        "outcome": verdict.outcome.value,
        "reasons": list(verdict.reasons),
        "form": [asdict(check) for check in form],
        "connection": verdict.connection,
        "wait_graph": _graph(verdict),
        "tasks": [_task(task) for task in snapshot.tasks],
        "unseen": list(snapshot.unseen),
    }


def _graph(verdict: Verdict) -> dict[str, Any] | None:
    graph = verdict.graph
    if graph is None:
        return None
    return {
        "root": graph.root,
        "nodes": [_node(node, verdict) for node in graph.nodes],
        "edges": [asdict(edge) for edge in graph.edges],
    }


def _node(node: Node, verdict: Verdict) -> dict[str, Any]:
    return {**asdict(node), "dead": node.id in verdict.dead, "blocker": node.id in verdict.blockers}


def _task(task: Task) -> dict[str, Any]:
    return {
        "tid": task.tid,
        "tgid": task.tgid,
        "ppid": task.ppid,
        "comm": task.comm,
        "state": task.state,
        "exiting": task.exiting,
        "pending": f"{task.pending:x}",
        "shared_pending": f"{task.shared_pending:x}",
        "wchan": task.wchan,
        "stack": None if task.stack is None else list(task.stack),
    }
