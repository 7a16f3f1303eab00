"""One JSON document; its schema is `explanation.schema.json` in this folder."""

from __future__ import annotations

import json
from typing import Any

from harness.explain.answer import Explanation
from harness.explain.judged import Judged
from harness.explain.records import Paste, TaskText

SCHEMA_VERSION = 1
MOST = 1000
"""Tasks of each list that are written; `counts` has how many there are."""
SUMMARY = "one document, with a schema (harness/explain/formats/explanation.schema.json)"


def render(explanation: Explanation, paste: Paste) -> str:
    return json.dumps(document(explanation, paste), indent=2) + "\n"


def document(explanation: Explanation, paste: Paste) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": explanation.kind,
        "certainty": explanation.certainty.value,
        "status": explanation.status,
        "sentence": explanation.sentence,
        "because": explanation.because,
        "why": [{"function": each.function, "meaning": each.meaning} for each in explanation.why],
        "culprit": explanation.culprit,
        "blocks": [_judged(each) for each in explanation.blocks[:MOST]],
        "queues": [_judged(each) for each in explanation.queues[:MOST]],
        "unexplained": [_task(each) for each in explanation.unexplained[:MOST]],
        "counts": {
            "blocks": len(explanation.blocks),
            "queues": len(explanation.queues),
            "unexplained": len(explanation.unexplained),
        },
        "resting": explanation.resting,
        "innocent": list(explanation.innocent),
        "next": {"command": explanation.command, "answer": explanation.answer},
        "remedy": {"lossless": explanation.lossless, "destructive": explanation.destructive},
        "kernel": explanation.kernel,
        "architecture": explanation.architecture,
        "kernels": explanation.kernels,
        "references": list(explanation.references),
        "threads": list(explanation.threads),
        "connection": explanation.connection,
        "device": explanation.device,
        "missing": list(explanation.missing),
        "messages": [
            {"kind": each.kind, "what": each.what, "text": each.text, "times": each.times}
            for each in explanation.messages
        ],
        "stack_alone": explanation.stack_alone,
        "read": {
            "lines": paste.lines,
            "tasks": len(paste.tasks),
            "dropped": paste.dropped,
            "dialects": dict(paste.dialects),
        },
    }


def _judged(each: Judged) -> dict[str, Any]:
    return {"kind": each.kind, "certainty": each.certainty.value, "via": each.via, "task": _task(each.task)}


def _task(task: TaskText) -> dict[str, Any]:
    return {
        "comm": task.comm,
        "pid": task.pid,
        "tgid": task.tgid,
        "ppid": task.ppid,
        "state": task.state,
        "wchan": task.wchan,
        "workqueue": task.workqueue,
        "blocked_s": task.blocked_s,
        "owner": None if task.owner is None else {"comm": task.owner[0], "pid": task.owner[1]},
        "times": task.times,
        "frames": [{"function": each.function, "module": each.module, "guess": each.guess} for each in task.frames],
        "dialects": list(task.dialects),
    }
