"""A chain of 1,500 servers: the graph grows with their number, not with its square, and nothing recurses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from harness.judge import waitgraph
from harness.judge.verdict import judge
from harness.model.holders import Relative
from harness.model.records import (
    Connection,
    Device,
    Edge,
    Mount,
    Need,
    Node,
    Outcome,
    Progress,
    Snapshot,
    Strength,
    Task,
    WaitGraph,
)

SERVERS = 1500
STACK = ("request_wait_answer+0x55/0x1a0", "__fuse_simple_request+0xd0/0x210", "fuse_send_open+0xa0/0xc0")
FIRST = 1000


def server(tid: int) -> Task:
    return Task(tid, tid, 1, "server", "S", 0, 1, tid, switches=7, wchan="request_wait_answer", stack=STACK)


def chain(alive: bool = False) -> Snapshot:
    """Every server waits for one of the connections, and holds the device of one; all see the same mounts."""
    tids = tuple(range(FIRST, FIRST + SERVERS))
    tasks = tuple(map(server, tids))
    others = tasks[1:]
    if alive:
        others = (*others[:-1], replace(others[-1], stack=("fuse_dev_do_read+0x1/0x2",), wchan="fuse_dev_do_read"))
    return Snapshot(
        taken_ns=1,
        release="6.18",
        pid_ns=None,
        init_tid=FIRST,
        tasks=tasks[:1],
        others=others,
        devices=tuple(Device(tid, tid, 3, tid) for tid in tids),
        connections=tuple(Connection(tid, 0 if alive and tid == tids[-1] else 1) for tid in tids),
        mounts=tuple(Mount(tid, "chain", f"/chain/{tid}", FIRST) for tid in tids),
        names_connections=True,
        relatives=tuple(Relative(tid, tid, "a sibling by fork") for tid in tids[1:]),
        same_mounts=(tids,),
    )


def judged(snapshot: Snapshot) -> Outcome:
    return judge((snapshot, replace(snapshot, taken_ns=2))).outcome


def test_a_chain_is_a_deadlock_whose_graph_grows_with_its_length() -> None:
    graph = waitgraph.build(chain())
    assert len(graph.nodes) == 2 * SERVERS + 1
    assert len(graph.edges) == 3 * SERVERS
    assert judged(chain()) is Outcome.DEADLOCK


def test_one_that_is_free_may_be_the_one_that_all_wait_for() -> None:
    free = chain(alive=True)
    more = replace(free, connections=(*free.connections[:-1], replace(free.connections[-1], waiting=1)))
    assert judged(more) is Outcome.STARVED


def test_the_knot_of_a_long_chain_is_its_end() -> None:
    """Each waits for the next, and the last two for each other."""
    names = [f"task:{number}" for number in range(5000)]
    nodes = tuple(Node(name, name, Need.ANY, Progress.WAITS, "") for name in names)
    pairs = [*pairwise(names), (names[-1], names[-2])]
    graph = WaitGraph(names[0], nodes, tuple(Edge(first, then, Strength.OBSERVED, "") for first, then in pairs))
    assert waitgraph.knot(graph, frozenset(names)) == frozenset(names[-2:])
