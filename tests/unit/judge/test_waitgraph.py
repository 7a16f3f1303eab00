"""The AND-OR wait-for graph: how it is built, and what can move in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.judge import waitgraph
from harness.judge.waitgraph import knot, movable
from harness.model.records import Claim, Edge, Need, Node, Progress, Strength, WaitGraph
from tests.unit.records import (
    CONNECTION,
    HANG,
    IN_FLIGHT,
    INIT,
    LEADER,
    SERVER,
    STARVED,
    STARVED_CONNECTION,
    STUCK,
    exiting,
    sleeper,
    unprivileged,
    with_connection,
    with_device,
    with_inside,
    with_others,
)

ALL, ANY = Need.ALL, Need.ANY


def graph_of(nodes: dict[str, tuple[Need, Progress]], edges: Iterable[tuple[str, str]]) -> WaitGraph:
    return WaitGraph(
        next(iter(nodes)),
        tuple(Node(name, name, need, progress, "") for name, (need, progress) in nodes.items()),
        tuple(Edge(waiter, target, Strength.OBSERVED, "") for waiter, target in edges),
    )


def waiting(**needs: Need) -> dict[str, tuple[Need, Progress]]:
    return {name: (need, Progress.WAITS) for name, need in needs.items()}


RUNS = {"runs": (ANY, Progress.RUNS)}


def dead(graph: WaitGraph) -> frozenset[str]:
    return frozenset(node.id for node in graph.nodes) - movable(graph)


class TestMovable:
    def test_a_diamond_is_no_deadlock(self) -> None:
        """Two waiters, one server: each node is reached twice, and nothing is a cycle."""
        graph = graph_of(
            waiting(init=ALL, a=ANY, b=ANY, connection=ANY) | RUNS,
            [("init", "a"), ("init", "b"), ("a", "connection"), ("b", "connection"), ("connection", "runs")],
        )
        assert dead(graph) == frozenset()

    def test_a_diamond_on_a_dead_end_is_dead_without_a_knot(self) -> None:
        graph = graph_of(
            waiting(init=ALL, a=ANY, b=ANY, connection=ANY),
            [("init", "a"), ("init", "b"), ("a", "connection"), ("b", "connection")],
        )
        assert dead(graph) == {"init", "a", "b", "connection"}
        assert knot(graph, dead(graph)) == frozenset()

    def test_a_cycle_is_dead(self) -> None:
        graph = graph_of(waiting(init=ALL, a=ANY, b=ANY), [("init", "a"), ("a", "b"), ("b", "a")])
        assert dead(graph) == {"init", "a", "b"}
        assert knot(graph, dead(graph)) == {"a", "b"}

    def test_a_cycle_with_a_way_out_is_none(self) -> None:
        graph = graph_of(waiting(init=ALL, a=ANY, b=ANY) | RUNS, [("init", "a"), ("a", "b"), ("b", "a"), ("b", "runs")])
        assert dead(graph) == frozenset()

    def test_a_way_out_does_not_help_a_node_that_needs_all(self) -> None:
        graph = graph_of(waiting(init=ALL, a=ANY, b=ALL) | RUNS, [("init", "a"), ("a", "b"), ("b", "a"), ("b", "runs")])
        assert dead(graph) == {"init", "a", "b"}

    def test_one_of_two_holders_is_enough(self) -> None:
        edges = [("init", "connection"), ("connection", "gone"), ("connection", "runs")]
        assert dead(graph_of(waiting(init=ALL, connection=ANY, gone=ANY) | RUNS, edges)) == {"gone"}

    def test_init_needs_all_of_its_namespace(self) -> None:
        edges = [("init", "stuck"), ("init", "runs"), ("stuck", "stuck")]
        assert dead(graph_of(waiting(init=ALL, stuck=ANY) | RUNS, edges)) == {"init", "stuck"}

    def test_what_waits_for_nothing(self) -> None:
        """ALL of nothing is done; ANY of nothing never comes."""
        assert dead(graph_of(waiting(init=ALL), [])) == frozenset()
        assert dead(graph_of(waiting(connection=ANY), [])) == {"connection"}

    def test_no_proof_rests_on_the_unknown(self) -> None:
        for progress in (Progress.UNKNOWN, Progress.OUTSIDE, Progress.RUNS):
            nodes = waiting(init=ALL) | {"it": (ANY, progress)}
            assert dead(graph_of(nodes, [("init", "it")])) == frozenset()


NAMES = "abcdef"


@st.composite
def graphs(draw: st.DrawFn) -> WaitGraph:
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    progress = st.sampled_from([Progress.WAITS] * 4 + [Progress.RUNS, Progress.OUTSIDE, Progress.UNKNOWN])
    nodes = {name: (draw(st.sampled_from([ALL, ANY])), draw(progress)) for name in names}
    pairs = list(itertools.product(names, names))
    return graph_of(nodes, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=12)))


def _can_move(node: Node, graph: WaitGraph, moving: frozenset[str]) -> bool:
    if node.progress is not Progress.WAITS:
        return True
    targets = [edge.target in moving for edge in graph.edges if edge.waiter == node.id]
    return all(targets) if node.need is ALL else any(targets)


def least_fixpoint(graph: WaitGraph) -> frozenset[str]:
    """The definition (Knaster-Tarski): the intersection of all sets that hold whatever can move given the set."""
    names = [node.id for node in graph.nodes]
    least = frozenset(names)
    for size in range(len(names) + 1):
        for chosen in itertools.combinations(names, size):
            moving = frozenset(chosen)
            if all(node.id in moving for node in graph.nodes if _can_move(node, graph, moving)):
                least &= moving
    return least


@given(graphs())
def test_movable_is_the_least_fixpoint(graph: WaitGraph) -> None:
    assert movable(graph) == least_fixpoint(graph)


@given(graphs(), st.data())
def test_one_more_who_can_answer_never_kills_anything(graph: WaitGraph, data: st.DataObject) -> None:
    names = [node.id for node in graph.nodes]
    waiter, target = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
    more = replace(graph, edges=(*graph.edges, Edge(waiter, target, Strength.ASSUMED, "")))
    if graph.node(waiter).need is ANY:
        assert movable(graph) <= movable(more)
    elif graph.targets(waiter):
        assert movable(more) <= movable(graph)


@given(graphs(), st.data())
def test_one_more_who_runs_never_kills_anything(graph: WaitGraph, data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([node.id for node in graph.nodes]))
    nodes = tuple(replace(node, progress=Progress.RUNS) if node.id == chosen else node for node in graph.nodes)
    assert movable(graph) | {chosen} <= movable(replace(graph, nodes=nodes))


@given(graphs())
def test_the_knot_is_what_lies_on_a_cycle_of_the_dead(graph: WaitGraph) -> None:
    lost = dead(graph)
    reach = {(edge.waiter, edge.target) for edge in graph.edges if {edge.waiter, edge.target} <= lost}
    for middle, start, end in itertools.product(NAMES, NAMES, NAMES):  # Warshall: the middle must vary slowest
        if (start, middle) in reach and (middle, end) in reach:
            reach.add((start, end))
    assert knot(graph, lost) == {name for name in NAMES if (name, name) in reach}


class TestBuild:
    def test_the_recorded_hang(self) -> None:
        graph = waitgraph.build(HANG)
        assert graph.root == f"task:{INIT}"
        assert {(edge.waiter, edge.target) for edge in graph.edges} == {
            (f"task:{INIT}", f"task:{LEADER}"),
            (f"task:{LEADER}", f"task:{STUCK}"),
            (f"task:{STUCK}", f"connection:{CONNECTION}"),
            (f"connection:{CONNECTION}", f"task:{STUCK}"),
        }
        assert all(edge.evidence for edge in graph.edges)
        assert all(node.why for node in graph.nodes)

    def test_only_what_init_depends_on_is_in_it(self) -> None:
        graph = waitgraph.build(with_device(with_others(HANG, sleeper(9000)), 9000, 50))
        assert {node.id for node in graph.nodes} == {f"task:{tid}" for tid in (INIT, LEADER, STUCK)} | {
            f"connection:{CONNECTION}"
        }

    def test_every_thread_of_the_server_can_answer(self) -> None:
        graph = waitgraph.build(STARVED)
        edges = graph.targets(f"connection:{STARVED_CONNECTION}")
        threads = {f"task:{task.tid}" for task in STARVED.others if task.tgid == SERVER}
        assert len(threads) == 4
        assert {edge.target for edge in edges} == threads
        assert {edge.strength for edge in edges} == {Strength.OBSERVED}

    def test_a_zombie_thread_answers_nobody(self) -> None:
        others = tuple(replace(each, state="Z") if each.tid == SERVER else each for each in STARVED.others)
        graph = waitgraph.build(replace(STARVED, others=others))
        assert f"task:{SERVER}" not in {edge.target for edge in graph.edges}

    def test_what_only_the_launcher_knows_is_an_assumption(self) -> None:
        devices = tuple(replace(each, connection=None) for each in STARVED.devices)
        old = replace(STARVED, devices=devices, claims=(Claim(SERVER, STARVED_CONNECTION),))
        edges = waitgraph.build(old).targets(f"connection:{STARVED_CONNECTION}")
        assert f"task:{SERVER}" in {edge.target for edge in edges}
        assert {edge.strength for edge in edges} == {Strength.ASSUMED}

    def test_on_a_kernel_that_names_connections_an_unnamed_device_is_bound_to_none(self) -> None:
        """A program that has opened /dev/fuse and not mounted yet."""
        snapshot = with_device(with_others(replace(HANG, claims=()), sleeper(9000)), 9000, None)
        assert "task:9000" in {node.id for node in waitgraph.build(snapshot).nodes}
        named = replace(snapshot, names_connections=True)
        assert "task:9000" not in {node.id for node in waitgraph.build(named).nodes}

    def test_a_device_in_flight_may_be_received(self) -> None:
        snapshot = replace(with_others(replace(HANG, claims=()), sleeper(9000)), holders=(IN_FLIGHT,))
        edge, *_ = waitgraph.build(snapshot).targets(f"connection:{CONNECTION}")
        assert (edge.target, edge.strength) == ("task:9000", Strength.ASSUMED)
        assert "descriptor 7" in edge.evidence

    def test_the_last_reference_can_be_any_exiting_tasks_whose_table_is_detached(self) -> None:
        maybe = exiting(sleeper(9000, fd_slots=0, state="R", stack=(), wchan=None))
        graph = waitgraph.build(with_others(replace(HANG, claims=()), maybe))
        assert {edge.target for edge in graph.targets(f"connection:{CONNECTION}")} == {f"task:{STUCK}", "task:9000"}

    def test_many_hangs_of_which_nothing_tells_the_connection_make_no_graph_of_all_pairs(self) -> None:
        many = 30
        others = [
            exiting(sleeper(9000 + place, fd_slots=0, stack=("request_wait_answer+0x1/0x2", "do_exit+0x1/0x2")))
            for place in range(many)
        ]
        snapshot = with_others(replace(HANG, claims=(), mounts=()), *others)
        for place in range(many):
            snapshot = with_connection(snapshot, 500 + place, 1)
        graph = waitgraph.build(snapshot)
        assert len(graph.edges) < 5 * many
        assert graph.root in dead(graph)
        assert {f"task:{STUCK}", "task:9000", "connection:500", f"connection:{CONNECTION}"} <= knot(graph, dead(graph))

    def test_where_it_is_known_who_had_the_device_it_is_no_one_elses(self) -> None:
        maybe = exiting(sleeper(9000, fd_slots=0, state="R", stack=(), wchan=None))
        graph = waitgraph.build(with_others(HANG, maybe))
        (edge,) = graph.targets(f"connection:{CONNECTION}")
        assert (edge.target, edge.strength) == (f"task:{STUCK}", Strength.DERIVED)
        assert "as the launcher knows" in edge.evidence

    def test_it_is_not_one_whose_table_is_still_there_and_shows_no_device(self) -> None:
        graph = waitgraph.build(with_others(HANG, exiting(sleeper(9000, fd_slots=64, state="R"))))
        assert {edge.target for edge in graph.targets(f"connection:{CONNECTION}")} == {f"task:{STUCK}"}

    def test_it_is_not_an_init_in_its_own_zap(self) -> None:
        """Its task work ran before it came there (do_exit(), exit_task_work() before exit_notify())."""
        stack = ("do_wait+0x53/0x120", "kernel_wait4+0x9c/0x140", "zap_pid_ns_processes+0x1/0x2", "do_exit+0x1/0x2")
        graph = waitgraph.build(with_others(HANG, exiting(sleeper(9000, fd_slots=0, stack=stack))))
        assert {edge.target for edge in graph.targets(f"connection:{CONNECTION}")} == {f"task:{STUCK}"}

    def test_it_is_not_the_init_itself_whose_stack_is_denied(self) -> None:
        graph = waitgraph.build(unprivileged(HANG))
        assert {edge.target for edge in graph.targets(f"connection:{CONNECTION}")} == {f"task:{STUCK}"}

    def test_an_edge_to_a_task_that_is_met_again_closes_the_circle(self) -> None:
        """A zombie that the stuck thread traces: the node is there once, with both waiting for it."""
        zombie = sleeper(9002, state="Z", tracer=STUCK, stack=None, wchan=None)
        graph = waitgraph.build(with_inside(HANG, zombie))
        waiters = {edge.waiter for edge in graph.edges if edge.target == f"task:{STUCK}"}
        assert waiters == {"task:9002", f"task:{LEADER}", f"connection:{CONNECTION}"}
        assert [node.id for node in graph.nodes].count(f"task:{STUCK}") == 1

    def test_an_init_that_was_not_seen_is_unknown(self) -> None:
        lost = replace(HANG, tasks=tuple(task for task in HANG.tasks if task.tid != INIT))
        assert [node.progress for node in waitgraph.build(lost).nodes] == [Progress.UNKNOWN]
