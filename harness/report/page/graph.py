"""The wait-for graph as a drawing: boxes and numbered lines, each line with its evidence.  A template makes it SVG."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import pairwise

from harness.model.records import Edge, Node, Progress, Strength, Verdict, WaitGraph
from harness.report.page.histogram import place
from harness.report.page.layers import Box, Route, layout
from harness.report.text import visible
from harness.report.wait_tree import role_of

MOST = 60
"""Boxes of a drawing, at most: a larger graph is only listed."""
WIDTH, HEIGHT = 176, 62
_MARGIN = 12
_LABEL = 22
_CAPTION = 100
_CAPTION_LINES = 3
_PER_LINE = 15
_WIDE = 760
STRENGTHS = {
    Strength.OBSERVED: "the kernel shows it",
    Strength.DERIVED: "follows from what the kernel shows",
    Strength.ASSUMED: "could not be ruled out",
}
_ENDS = {
    Progress.RUNS: "moves by itself",
    Progress.OUTSIDE: "can be woken from outside",
    Progress.UNKNOWN: "sleeps: reason unknown",
}


@dataclass(frozen=True, slots=True)
class NodeBox:
    """A node, drawn."""

    x: float
    y: float
    label: str
    """Cut to the width of its box."""
    need: str
    role: str
    full: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge, drawn."""

    number: int
    path: str
    head: str
    badge: tuple[float, float]


@dataclass(frozen=True, slots=True)
class DrawnWait:
    """An edge in words; its number is the drawing's."""

    number: int
    waiter: str
    target: str
    strength: Strength
    evidence: str
    caption: tuple[str, ...]
    role: str


@dataclass(frozen=True, slots=True)
class GraphDrawing:
    width: float
    height: float
    band: float
    """Top of the box for the captions."""
    shapes: tuple[NodeBox, ...]
    arrows: tuple[Arrow, ...]
    node_width: int = WIDTH
    node_height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Waits:
    """The whole graph, in words and, unless it is too large, as a drawing."""

    nodes: tuple[tuple[Node, str, str], ...]
    """Each node with its role and with what it needs."""
    edges: tuple[DrawnWait, ...]
    drawing: GraphDrawing | None


def waits(verdict: Verdict) -> Waits | None:
    """Lay out the graph of a verdict; None where it has none."""
    graph = verdict.graph
    if graph is None:
        return None
    roles = {node.id: role_of(node.id, verdict) for node in graph.nodes}
    nodes = _root_first(graph)
    labels = {node.id: _short(node) for node in nodes}
    edges = tuple(_wait(number, edge, labels, roles) for number, edge in enumerate(graph.edges, start=1))
    listed = tuple((node, roles[node.id], _need(node, len(graph.targets(node.id)))) for node in nodes)
    return Waits(listed, edges, _drawing(listed, graph, edges) if len(nodes) <= MOST else None)


def _root_first(graph: WaitGraph) -> tuple[Node, ...]:
    return tuple(sorted(graph.nodes, key=lambda node: node.id != graph.root))


def _need(node: Node, targets: int) -> str:
    return _ENDS.get(node.progress) or f"waits for {node.need.upper()} of {targets}"


def _wait(number: int, edge: Edge, labels: dict[str, str], roles: dict[str, str]) -> DrawnWait:
    waiter, target = labels[edge.waiter], labels[edge.target]
    both = {roles[edge.waiter], roles[edge.target]}
    role = "knot" if both == {"knot"} else "dead" if both <= {"dead", "knot"} else ""
    text = visible(f"{number}: {waiter} waits for {target} ({edge.strength}). {edge.evidence}")
    caption = textwrap.wrap(text, _CAPTION, max_lines=_CAPTION_LINES, placeholder=" …")
    return DrawnWait(number, waiter, target, edge.strength, edge.evidence, tuple(caption), role)


def _drawing(nodes: tuple[tuple[Node, str, str], ...], graph: WaitGraph, edges: tuple[DrawnWait, ...]) -> GraphDrawing:
    names = [node.id for node, _, _ in nodes]
    placed = layout(names, [(edge.waiter, edge.target) for edge in graph.edges], WIDTH, HEIGHT)
    shapes = tuple(_shape(node, role, need, placed.boxes[node.id]) for node, role, need in nodes)
    arrows = tuple(_arrow(number, line) for number, line in enumerate(placed.lines, start=1))
    band = placed.height + 2 * _MARGIN
    room = 12 + _PER_LINE * max((len(edge.caption) for edge in edges), default=1)
    return GraphDrawing(max(placed.width + 2 * _MARGIN, _WIDE), band + room, band, shapes, arrows)


def _shape(node: Node, role: str, need: str, box: Box) -> NodeBox:
    label = visible(_short(node))
    shown = label if len(label) <= _LABEL else label[: _LABEL - 1] + "…"
    return NodeBox(box.x + _MARGIN, box.y + _MARGIN, shown, need, role, visible(f"{node.label}: {node.why}"))


def _short(node: Node) -> str:
    """Shorten the label of a connection to its number; the rest of it is the filesystem's name."""
    return node.label.partition(" (")[0] if node.id.startswith("connection:") else node.label


def _arrow(number: int, line: Route) -> Arrow:
    knots = [(x + _MARGIN, y + _MARGIN) for x, y in line.knots]
    x, y = knots[-1]
    badge = (line.badge[0] + _MARGIN, line.badge[1] + _MARGIN)
    if line.loop:
        (start, level), (end, _) = knots
        return Arrow(
            number,
            f"M{_at(start, level)}C{_at(start, level - 26)} {_at(end, level - 26)} {_at(end, level - 6)}",
            f"{_at(end, level)} {_at(end - 4, level - 8)} {_at(end + 4, level - 8)}",
            badge,
        )
    back = -8.0 if line.forward else 8.0
    knots[-1] = (x + back * 0.75, y)
    path = f"M{_at(*knots[0])}"
    for (x1, y1), (x2, y2) in pairwise(knots):
        middle = (x1 + x2) / 2
        path += f"H{place(x2)}" if y1 == y2 else f"C{_at(middle, y1)} {_at(middle, y2)} {_at(x2, y2)}"
    return Arrow(number, path, f"{_at(x, y)} {_at(x + back, y - 4)} {_at(x + back, y + 4)}", badge)


def _at(x: float, y: float) -> str:
    return f"{place(x)} {place(y)}"
