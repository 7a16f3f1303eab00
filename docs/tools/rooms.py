"""The rooms of the project, read from the code: their purposes, their imports, and a drawing of both.

A room is a package directly below `harness/`, a module directly in it, or one of the top-level packages beside it.
"""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from html import escape

from harness.report.page.layers import Box, Route, layout
from tests.meta.tree import ROOT, import_graph

_NAMESPACE = "http:&#47;/www.w3.org/2000/svg"
"""The name of SVG's namespace; with a character reference, so that no address stands in the tree."""
_WIDTH, _HEIGHT = 236.0, 78.0
_BETWEEN = 46.0
_MARGIN = 16.0
_PER_LINE = 40
_LINES = 4
_STYLE = """\
rect { fill: #f6f8fa; stroke: #57606a; }
path { fill: none; stroke: #8c959f; stroke-width: 1.2; }
.name { font: bold 13px sans-serif; fill: #1f2328; }
.purpose { font: 10px sans-serif; fill: #424a53; }
.sheet { fill: #ffffff; stroke: none; }
.head { fill: #8c959f; stroke: none; }"""


@dataclass(frozen=True, slots=True)
class Room:
    """One room.

    Attributes:
        name: Its path from the root of the repository, such as `harness/judge/`.
        purpose: The first sentence of its docstring.
        rule: The rest of the docstring's first paragraph: usually what the room must not do.
        imports: The names of the rooms that its modules import at run time.
    """

    name: str
    purpose: str
    rule: str
    imports: frozenset[str]


def read() -> tuple[Room, ...]:
    """All rooms, importers before the imported.

    Raises:
        ValueError: The imports between rooms form a circle, or a room has no docstring.
    """
    imports: dict[str, set[str]] = {}
    for module, targets in import_graph("fakefs", "fusezap", "harness", "scenarios").items():
        if room := _room(module):
            found = imports.setdefault(room, set())
            found.update(other for target in targets if (other := _room(target)) and other != room)
    try:
        # Sorted, because the order of the rooms that do not depend on each other follows the order of insertion.
        order = list(TopologicalSorter({name: sorted(imports[name]) for name in sorted(imports)}).static_order())
    except CycleError as error:
        raise ValueError(f"imports between rooms form a circle: {' → '.join(error.args[1])}") from error
    return tuple(Room(name, *_docstring(name), frozenset(imports[name])) for name in reversed(order))


def _room(module: str) -> str | None:
    """The room of a module; none for a module that is not the project's, and for the package `harness` itself.

    `harness/__init__.py` holds the version alone, and Python imports it before every module of the package.
    """
    top, *inner = module.split(".")
    if top in ("fakefs", "scenarios"):
        return f"{top}/"
    if top == "fusezap":
        return "fusezap.py"
    if top != "harness" or not inner:
        return None
    return f"harness/{inner[0]}/" if (ROOT / "harness" / inner[0]).is_dir() else f"harness/{inner[0]}.py"


def _docstring(name: str) -> tuple[str, str]:
    path = ROOT / name
    text = ast.get_docstring(ast.parse((path / "__init__.py" if path.is_dir() else path).read_text()))
    if not text:
        raise ValueError(f"{name} has no docstring")
    paragraph = " ".join(text.split("\n\n")[0].split())
    first, stop, rest = paragraph.partition(". ")
    return (f"{first}." if stop else first), rest


def table(rooms: tuple[Room, ...]) -> str:
    """The packages among the rooms as a table in Markdown, in the order of their imports."""
    lines = ["| room | purpose |", "|---|---|"]
    lines += [
        f"| `{room.name}` | {f'{room.purpose} {room.rule}'.strip()} |" for room in rooms if room.name.endswith("/")
    ]
    return "\n".join(lines)


def svg(rooms: tuple[Room, ...]) -> str:
    """A drawing: each room above those that it imports; an arrow that follows from other arrows is left out."""
    edges = [(room.name, target) for room in rooms for target in sorted(_direct(room, rooms))]
    # The layout goes from left to right, and the drawing from top to bottom: x and y change places.
    plan = layout([room.name for room in rooms], edges, _HEIGHT, _WIDTH, _BETWEEN)
    width, height = plan.height + 2 * _MARGIN, plan.width + 2 * _MARGIN
    body = [_arrow(line) for line in plan.lines]
    body += [_box(plan.boxes[room.name], room) for room in rooms]
    return "\n".join(
        [
            f'<svg xmlns="{_NAMESPACE}" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
            "<title>The rooms of fusezap, each above the rooms that it imports</title>",
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="sheet" width="{width:.0f}" height="{height:.0f}"/>',
            f'<g transform="translate({_MARGIN:.0f} {_MARGIN:.0f})">',
            *body,
            "</g>",
            "</svg>\n",
        ]
    )


def _direct(room: Room, rooms: tuple[Room, ...]) -> frozenset[str]:
    """The imports of a room that no other of its imports reaches: the transitive reduction."""
    reached: dict[str, frozenset[str]] = {}
    for other in reversed(rooms):
        reached[other.name] = other.imports.union(*(reached[target] for target in other.imports))
    return room.imports - frozenset().union(*(reached[target] for target in room.imports))


def _box(box: Box, room: Room) -> str:
    x, y = box.y, box.x
    words = textwrap.wrap(room.purpose.replace("`", ""), _PER_LINE, max_lines=_LINES, placeholder=" …")
    lines = [
        f"<g><title>{escape(room.purpose)}</title>",
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{box.height:.0f}" height="{box.width:.0f}" rx="5"/>',
        f'<text class="name" x="{x + 10:.1f}" y="{y + 19:.1f}">{escape(room.name)}</text>',
    ]
    lines += [
        f'<text class="purpose" x="{x + 10:.1f}" y="{y + 34 + 12 * number:.1f}">{escape(text)}</text>'
        for number, text in enumerate(words)
    ]
    return "\n".join([*lines, "</g>"])


def _arrow(line: Route) -> str:
    (first_y, first_x), *rest = line.knots
    parts = [f"M{first_x:.1f} {first_y:.1f}"]
    before = first_y
    for index, (y, x) in enumerate(rest):
        # The pieces between two rows are curves, the pieces along a row are straight.
        if index % 2:
            parts.append(f"L{x:.1f} {y:.1f}")
        else:
            half = (before + y) / 2
            parts.append(f"C{first_x:.1f} {half:.1f} {x:.1f} {half:.1f} {x:.1f} {y:.1f}")
        first_x, before = x, y
    end_y, end_x = line.knots[-1]
    head = f"M{end_x:.1f} {end_y:.1f}l-4 -8h8z"
    return f'<path d="{" ".join(parts)}"/><path class="head" d="{head}"/>'
