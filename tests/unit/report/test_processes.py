"""The tree of processes holds each task once, whatever a container made of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from harness.report.processes import DEEPEST, Branch, process_tree
from tests.unit.records import HANG, LEADER

LENGTH = 1500
"""More than Python's limit of recursion."""


def chained() -> tuple[Counter[int], int]:
    first = max(task.tid for task in HANG.tasks) + 1
    leader = next(task for task in HANG.tasks if task.tid == LEADER)
    links = [
        replace(leader, tid=first + each, tgid=first + each, ppid=first + each - 1 if each else LEADER)
        for each in range(LENGTH)
    ]
    tree = process_tree(replace(HANG, tasks=(*HANG.tasks, *links)))
    seen: Counter[int] = Counter()
    deepest = 0
    waiting: list[tuple[Branch, int]] = [(tree, 0)]
    while waiting:
        branch, depth = waiting.pop()
        deepest = max(deepest, depth)
        if depth and branch.task is not None:
            seen[branch.task.tid] += 1
        waiting += [(each, depth + 1) for each in branch.below]
    return seen, deepest


def test_a_long_chain_is_shown_whole_and_no_deeper_than_can_be_read() -> None:
    seen, deepest = chained()
    assert set(seen.values()) == {1}
    assert len(seen) == LENGTH + len(HANG.tasks)
    assert deepest <= DEEPEST + 1


def test_a_short_one_keeps_its_generations() -> None:
    tree = process_tree(HANG)
    assert len(tree.below) == 1
    assert tree.below[0].below
