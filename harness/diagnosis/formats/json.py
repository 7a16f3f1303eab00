"""One JSON document; its schema is `diagnosis.schema.json` beside this file."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from harness.diagnosis.formats._summary import ordered
from harness.diagnosis.records import Blocker, Diagnosis, Finding, LongWait, Stuck
from harness.model.records import Verdict
from harness.report.processes import Branch, process_tree
from harness.report.verdict_records import graph_record, proof_record

SCHEMA_VERSION = 1
SUMMARY = "one document, with a schema (harness/diagnosis/formats/diagnosis.schema.json)"


def render(diagnosis: Diagnosis) -> str:
    return json.dumps(document(diagnosis), indent=2) + "\n"


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    readings = diagnosis.readings
    return {
        "schema_version": SCHEMA_VERSION,
        "command": diagnosis.command,
        "fusezap": diagnosis.version,
        "taken": readings.taken,
        "kernel": readings.release,
        "tasks": readings.tasks,
        "duration_s": round(readings.duration_s, 4),
        "status": diagnosis.status,
        "findings": [finding_record(each) for each in ordered(diagnosis.findings)],
        "waits": [_wait(each) for each in diagnosis.waits],
        "unseen": [*readings.blind, *readings.unseen],
    }


def finding_record(finding: Finding) -> dict[str, Any]:
    verdict = finding.verdict
    return {
        "id": finding.id,
        "init_pid": finding.init_pid,
        "outcome": verdict.outcome.value,
        "kind": finding.kind,
        **proof_record(verdict),
        "reasons": list(verdict.reasons),
        "since": finding.since,
        "for_s": None if finding.for_s is None else round(finding.for_s, 3),
        "blockers": [_blocker(each) for each in finding.blockers],
        "connection": None if finding.connection is None else _connection(finding.connection),
        "container": None if finding.container is None else asdict(finding.container),
        "processes": _processes(verdict),
        "wait_graph": graph_record(verdict),
        "form": [asdict(check) for check in verdict.form],
        "remedies": [
            {
                "action": each.action,
                "command": each.command,
                "effect": each.effect,
                "by_fusezap": bool(each.resolver),
                "lossless": each.lossless,
            }
            for each in finding.remedies
        ],
    }


def _wait(each: LongWait) -> dict[str, Any]:
    return {
        "connections": list(each.connections),
        "fsname": each.fsname,
        "mount_point": each.point,
        "waiting": each.waiting,
        "clients": [
            {
                "pid": client.task.tgid,
                "tid": client.task.tid,
                "comm": client.task.comm,
                "state": client.task.state,
                "for_s": round(client.for_s, 3),
            }
            for client in each.clients
        ],
        "servers": [{"pid": one.pid, "comm": one.comm, "doing": list(one.doing)} for one in each.servers],
    }


def _blocker(each: Blocker) -> dict[str, Any]:
    return {
        "pid": each.pid,
        "tid": each.tid,
        "comm": each.comm,
        "state": each.state,
        "kind": each.kind,
        "stack": None if each.stack is None else list(each.stack),
        "wchan": each.wchan,
        "waits_for": each.waits_for,
        "meaning": each.meaning,
        "reference": each.reference,
    }


def _connection(stuck: Stuck) -> dict[str, Any]:
    return {
        "number": stuck.number,
        "fsname": stuck.fsname,
        "waiting": stuck.waiting,
        "mount_point": stuck.point,
        "requests": [asdict(each) for each in stuck.requests],
        "mounted": [
            {"mount_ns": use.mount_ns, "processes": use.processes, "pid": use.pid, "point": use.point}
            for use in stuck.uses
        ],
    }


def _processes(verdict: Verdict) -> dict[str, Any]:
    def record(branch: Branch) -> dict[str, Any]:
        return {
            **_process(branch),
            "threads": [
                {"tid": each.task.tid, "comm": each.task.comm, "state": each.task.state}
                for each in branch.below
                if each.thread and each.task is not None
            ],
            "children": [record(each) for each in branch.below if not each.thread],
        }

    top = process_tree(verdict.snapshots[-1])
    return {
        "shim": None if top.task is None else _process(top),
        "roots": [record(each) for each in top.below if not each.thread],
    }


def _process(branch: Branch) -> dict[str, Any]:
    task = branch.task
    return {} if task is None else {"pid": task.tgid, "comm": task.comm, "state": task.state}
