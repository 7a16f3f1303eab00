"""The parts of a verdict that every JSON document has in the same form."""

from __future__ import annotations

from typing import Any

from harness.model.records import Verdict
from harness.record import asdict


def graph_record(verdict: Verdict) -> dict[str, Any] | None:
    """Make the value of `wait_graph` in a JSON document.

    Args:
        verdict: The verdict whose graph is written.

    Returns:
        `root`, `nodes` (each with `dead`, `knot` and `blocker`) and `edges`; None where the verdict has no graph.
    """
    graph = verdict.graph
    if graph is None:
        return None
    roles = {"dead": verdict.dead, "knot": verdict.knot, "blocker": verdict.blockers}
    return {
        "root": graph.root,
        "nodes": [
            {**asdict(node), **{role: node.id in names for role, names in roles.items()}} for node in graph.nodes
        ],
        "edges": [asdict(edge) for edge in graph.edges],
    }


def proof_record(verdict: Verdict) -> dict[str, Any]:
    """Make `proof` and `conditions` of a JSON document; only a deadlock has them.

    Args:
        verdict: The verdict whose grade is written.
    """
    if verdict.proof is None:
        return {}
    return {"proof": verdict.proof.value, "conditions": list(verdict.conditions)}
