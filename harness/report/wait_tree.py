"""The wait-for graph as a tree from init: a node that is met again is named there and not followed."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.records import Edge, Node, Verdict

CYCLE = "the cycle closes here"
ABOVE = "listed above"
ROLES = {"knot": "dead: in the knot", "dead": "dead: cannot move", "blocker": "could still move", "": ""}


@dataclass(frozen=True, slots=True)
class WaitBranch:
    """A node of the graph, reached by one edge."""

    node: Node
    role: str
    """A key of ROLES."""
    edge: Edge | None
    """None: the root."""
    again: str
    """CYCLE or ABOVE where the node already has its place in the tree, else empty."""
    below: tuple[WaitBranch, ...]


def role_of(name: str, verdict: Verdict) -> str:
    """Look up what the verdict says of the node `name`: `knot`, `dead`, `blocker`, or nothing."""
    members = (("knot", verdict.knot), ("dead", verdict.dead), ("blocker", verdict.blockers))
    return next((role for role, names in members if name in names), "")


def wait_tree(verdict: Verdict) -> WaitBranch | None:
    """Unfold the graph of a verdict from init; None where it has none."""
    graph = verdict.graph
    if graph is None:
        return None
    nodes = {node.id: node for node in graph.nodes}
    edges: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        edges.setdefault(edge.waiter, []).append(edge)
    placed: set[str] = set()
    path: set[str] = set()

    def branch(name: str, edge: Edge | None) -> WaitBranch:
        role = role_of(name, verdict)
        if name in placed:
            return WaitBranch(nodes[name], role, edge, CYCLE if name in path else ABOVE, ())
        placed.add(name)
        path.add(name)
        below = tuple(branch(each.target, each) for each in edges.get(name, ()))
        path.discard(name)
        return WaitBranch(nodes[name], role, edge, "", below)

    return branch(graph.root, None)
