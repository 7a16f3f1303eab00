"""A layered layout for small graphs, after Sugiyama: columns from left to right with few crossings.  Pure.

An edge that would close a cycle is reversed for the layout only.  The column of a node is the length of the longest
path from the root.  An edge that skips columns gets a slot in each of them, so that it runs between the boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Point = tuple[float, float]
SWEEPS = 8
LOOP = 26.0
"""Room above a box for the line of a node that waits for itself."""
_LANE = 14.0
_GAP = 22.0
_SLOTS = (0.5, 0.36, 0.64, 0.24, 0.76)


@dataclass(frozen=True, slots=True)
class Box:
    """The position of a node; `x` and `y` are its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    def overlaps(self, other: Box) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True, slots=True)
class Route:
    """An edge, from its waiter to its target: it passes each knot level, so it is smooth; a loop has two knots."""

    knots: tuple[Point, ...]
    forward: bool
    """Its arrow points to the right."""
    loop: bool
    badge: Point
    """A place on the line for its number."""


@dataclass(frozen=True, slots=True)
class Layout:
    boxes: dict[str, Box]
    lines: tuple[Route, ...]
    """In the order of the edges."""
    width: float
    height: float


@dataclass(slots=True)
class _Slot:
    """A place in a column: of a node, or of an edge that passes."""

    name: str | None
    column: int
    above: float
    height: float
    y: float = 0.0
    """The y of its upper end, including the margin above a box."""
    before: list[_Slot] = field(default_factory=list, repr=False)
    after: list[_Slot] = field(default_factory=list, repr=False)

    def side(self, left: bool) -> list[_Slot]:
        return self.before if left else self.after

    @property
    def extent(self) -> float:
        return self.above + self.height

    @property
    def middle(self) -> float:
        return self.y + self.above + self.height / 2


def layout(
    names: Sequence[str],
    edges: Sequence[tuple[str, str]],
    width: float,
    height: float,
    between: float = 88.0,
) -> Layout:
    """`names` begins with the root; each edge is (waiter, target), and both are among the names."""
    turned = _closing(names, edges)
    column = _columns(names, edges, turned)
    looped = {waiter for waiter, target in edges if waiter == target}
    slots = {name: _Slot(name, column[name], LOOP if name in looped else 0.0, height) for name in names}
    columns: list[list[_Slot]] = [[] for _ in range(max(column.values(), default=0) + 1)]
    for slot in slots.values():
        columns[slot.column].append(slot)
    chains = [
        []
        if waiter == target
        else _chain(slots, columns, *((target, waiter) if number in turned else (waiter, target)))
        for number, (waiter, target) in enumerate(edges)
    ]
    _order(columns)
    _place(columns)
    left = {index: index * (width + between) for index in range(len(columns))}
    boxes = {name: Box(left[slot.column], slot.y + slot.above, width, height) for name, slot in slots.items()}
    ports = _ports(chains, boxes)
    lines = []
    badges: list[Point] = []
    for number, (waiter, _) in enumerate(edges):
        if not chains[number]:
            box = boxes[waiter]
            knots: tuple[Point, ...] = ((box.x + width - 52, box.y), (box.x + width - 20, box.y))
            badges.append((box.x + width - 36, box.y - LOOP * 0.75))
            lines.append(Route(knots, True, True, badges[-1]))
            continue
        knots = _knots(chains[number], ports[number], left, width)
        badges.append(_badge(knots, badges))
        forward = number not in turned
        lines.append(Route(knots if forward else knots[::-1], forward, False, badges[-1]))
    bottom = max((slot.y + slot.extent for each in columns for slot in each), default=0.0)
    return Layout(boxes, tuple(lines), left[len(columns) - 1] + width, bottom)


def _closing(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> set[int]:
    """The edges of a circle that lead back toward the root: with these turned round there is no circle.

    Within nodes that all reach each other every edge then goes up in one order, and no circle has others.
    """
    targets: dict[str, list[str]] = {name: [] for name in names}
    for waiter, target in edges:
        targets[waiter].append(target)
    order: dict[str, int] = {}
    for name in names:
        for found in _breadth_first(name, targets):
            order.setdefault(found, len(order))
    reached = {name: set(_breadth_first(name, targets)) for name in names}
    return {
        number
        for number, (waiter, target) in enumerate(edges)
        if order[target] < order[waiter] and waiter in reached[target]
    }


def _breadth_first(start: str, targets: dict[str, list[str]]) -> list[str]:
    found = [start]
    seen = {start}
    for name in found:
        for target in targets[name]:
            if target not in seen:
                seen.add(target)
                found.append(target)
    return found


def _columns(names: Sequence[str], edges: Sequence[tuple[str, str]], turned: set[int]) -> dict[str, int]:
    """The longest way to each node; there are no circles any more, so it ends."""
    steps = [
        (target, waiter) if number in turned else (waiter, target)
        for number, (waiter, target) in enumerate(edges)
        if waiter != target
    ]
    column = dict.fromkeys(names, 0)
    for _ in names:
        moved = False
        for before, after in steps:
            if column[after] <= column[before]:
                column[after], moved = column[before] + 1, True
        if not moved:
            break
    return column


def _chain(slots: dict[str, _Slot], columns: list[list[_Slot]], first: str, last: str) -> list[_Slot]:
    """From the left end to the right end, with a slot in each column between."""
    chain = [slots[first]]
    for index in range(slots[first].column + 1, slots[last].column):
        passing = _Slot(None, index, 0.0, _LANE)
        columns[index].append(passing)
        chain.append(passing)
    chain.append(slots[last])
    for before, after in pairwise(chain):
        before.after.append(after)
        after.before.append(before)
    return chain


def _order(columns: list[list[_Slot]]) -> None:
    """Each node between its neighbours, from left to right and back; the order with the fewest crossings stays."""
    best = [list(column) for column in columns]
    fewest = _crossings(columns)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        _sweep(columns, forward=sweep % 2 == 0)
        crossings = _crossings(columns)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    for number, column in enumerate(columns):
        column[:] = best[number]


def _sweep(columns: list[list[_Slot]], forward: bool) -> None:
    rank = {id(slot): index for column in columns for index, slot in enumerate(column)}
    for column in columns if forward else reversed(columns):
        wanted = {
            id(slot): _either(_mean([rank[id(each)] for each in slot.side(forward)]), rank[id(slot)]) for slot in column
        }
        column.sort(key=_by(wanted))
        rank.update((id(slot), index) for index, slot in enumerate(column))


def _by(wanted: dict[int, float]) -> Callable[[_Slot], float]:
    return lambda slot: wanted[id(slot)]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _either(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _crossings(columns: list[list[_Slot]]) -> int:
    count = 0
    for column, following in pairwise(columns):
        rank = {id(slot): index for index, slot in enumerate(following)}
        steps = [(index, rank[id(each)]) for index, slot in enumerate(column) for each in slot.after]
        count += sum((a - c) * (b - d) < 0 for number, (a, b) in enumerate(steps) for c, d in steps[number + 1 :])
    return count


def _place(columns: list[list[_Slot]]) -> None:
    """Heights: each slot as near to the middle of its neighbours as its column lets it be."""
    for column in columns:
        y = 0.0
        for slot in column:
            slot.y = y
            y += slot.extent + _GAP
    for sweep in range(SWEEPS):
        last = sweep >= SWEEPS - 2
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = []
            for slot in column:
                near = [*slot.before, *slot.after] if last else slot.side(sweep % 2 == 0)
                middle = _either(_mean([each.middle for each in near]), slot.middle)
                wanted.append(middle - slot.above - slot.height / 2)
            _settle(column, wanted)
    top = min((slot.y for column in columns for slot in column), default=0.0)
    for column in columns:
        for slot in column:
            slot.y -= top


def _settle(column: list[_Slot], wanted: list[float]) -> None:
    """The nearest heights (least squares) that keep the order and the gaps: isotonic regression by pooling."""
    offsets, offset = [], 0.0
    for slot in column:
        offsets.append(offset)
        offset += slot.extent + _GAP
    pools: list[tuple[float, int]] = []
    for number, want in enumerate(wanted):
        total, members = want - offsets[number], 1
        while pools and pools[-1][0] / pools[-1][1] > total / members:
            more, others = pools.pop()
            total, members = total + more, members + others
        pools.append((total, members))
    settled = [total / members for total, members in pools for _ in range(members)]
    for number, slot in enumerate(column):
        slot.y = settled[number] + offsets[number]


def _ports(chains: list[list[_Slot]], boxes: dict[str, Box]) -> list[tuple[float, float]]:
    """Compute where each line leaves its left box and meets its right one: the ends spread over the side."""
    ends: dict[tuple[str, bool], list[tuple[float, int]]] = {}
    for number, chain in enumerate(chains):
        if chain:
            ends.setdefault((chain[0].name or "", True), []).append((chain[1].middle, number))
            ends.setdefault((chain[-1].name or "", False), []).append((chain[-2].middle, number))
    found = [[0.0, 0.0] for _ in chains]
    for (name, leaving), sharing in ends.items():
        box = boxes[name]
        for index, (_, number) in enumerate(sorted(sharing), start=1):
            found[number][0 if leaving else 1] = box.y + box.height * index / (len(sharing) + 1)
    return [(start, end) for start, end in found]


def _knots(chain: list[_Slot], port: tuple[float, float], left: dict[int, float], width: float) -> tuple[Point, ...]:
    knots: list[Point] = [(left[chain[0].column] + width, port[0])]
    for slot in chain[1:-1]:
        knots += [(left[slot.column], slot.middle), (left[slot.column] + width, slot.middle)]
    knots.append((left[chain[-1].column], port[1]))
    return tuple(knots)


def _badge(knots: tuple[Point, ...], taken: Iterable[Point]) -> Point:
    """On the line between two columns, not on another line's number; the middle where every place is taken."""
    places = list(_places(knots))
    for x, y in places:
        if all((x - other) ** 2 + (y - height) ** 2 > 17**2 for other, height in taken):
            return x, y
    return places[0]


def _places(knots: tuple[Point, ...]) -> Iterator[Point]:
    """Points of the curve that `knots` stand for: each piece is a Bézier that leaves and arrives level."""
    for slot in _SLOTS:
        for number in range(0, len(knots), 2):
            (x, y), (x2, y2) = knots[number], knots[number + 1]
            yield x + (x2 - x) * _along(slot), y + (y2 - y) * slot * slot * (3 - 2 * slot)


def _along(t: float) -> float:
    """The progress at `t` of a Bézier with both handles half way: 3(1-t)²t/2 + 3(1-t)t²/2 + t³."""
    return 1.5 * (1 - t) * t + t**3
