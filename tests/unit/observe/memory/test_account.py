"""Every reference to every device: found where it is kept, and missed by nobody who counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.memory import Holding, KernelMemory, Reference, ServedConnection
from harness.model.records import PF_EXITING
from harness.observe.memory.account import take_account
from harness.observe.memory.kernel import FaultError
from tests.unit.observe.memory.made import FPUT, NEW, OLD, Machine

UNINTERRUPTIBLE = 2


def only(memory: KernelMemory) -> ServedConnection:
    (connection,) = memory.connections
    assert connection.number == 34
    return connection


def account(machine: Machine) -> ServedConnection:
    return only(take_account(machine.kernel))


@pytest.fixture(params=[OLD, NEW], ids=["like 6.1", "like 7.2"])
def machine(request: pytest.FixtureRequest) -> Machine:
    return Machine(request.param)


def test_a_device_in_the_table_of_a_task_is_accounted_for(machine: Machine) -> None:
    table = machine.table({6: machine.file(machine.device(), count=1)})
    machine.task(10, files=table)
    found = account(machine)
    assert found.accounted
    assert [each.references for each in found.devices] == [(Reference(Holding.TABLE, 10, 10, 6),)]


def test_a_table_that_two_tasks_share_is_one_reference(machine: Machine) -> None:
    table = machine.table({6: machine.file(machine.device(), count=1)}, users=2)
    machine.task(10, files=table)
    machine.task(11, files=table)
    found = account(machine)
    assert found.accounted
    assert [each.references for each in found.devices] == [(Reference(Holding.TABLE, 10, 10, 6, (11,)),)]


def test_two_tables_and_a_duplicate_are_three_references(machine: Machine) -> None:
    file = machine.file(machine.device(), count=3)
    machine.task(10, files=machine.table({6: file, 7: file}))
    machine.task(11, files=machine.table({3: file}))
    found = account(machine)
    assert found.accounted
    assert {each.tid for each in found.devices[0].references} == {10, 11}


def test_one_more_reference_than_was_found_is_not_accounted_for(machine: Machine) -> None:
    """An io_uring's registered files, a message under way, a poll with the descriptor closed."""
    table = machine.table({6: machine.file(machine.device(), count=2)})
    machine.task(10, files=table)
    assert not account(machine).accounted


def test_a_call_that_keeps_a_device_is_found_on_the_stack_of_its_task(machine: Machine) -> None:
    file = machine.file(machine.device(), count=3)
    machine.task(10, files=machine.table({6: file}), stack=(file,))
    machine.task(11, stack=(7, file | 1))
    machine.task(12, flags=PF_EXITING, stack=(file,))
    found = account(machine)
    assert found.accounted
    calls = {each.tid for each in found.devices[0].references if each.holding is Holding.CALL}
    assert calls == {10, 11}, "what is on the stack of a dead task proves nothing"


def test_a_device_of_which_no_file_was_found_is_hidden(machine: Machine) -> None:
    machine.file(machine.device(), count=1)
    machine.task(10, files=machine.table({}))
    found = account(machine)
    assert found.hidden == 1
    assert not found.accounted


def test_a_table_that_its_task_has_detached_is_found_on_its_stack(machine: Machine) -> None:
    table = machine.table({6: machine.file(machine.device(), count=1)}, users=0)
    machine.task(10, flags=PF_EXITING, state=UNINTERRUPTIBLE, stack=(0x1234, FPUT, table))
    found = account(machine)
    assert found.accounted
    assert found.devices[0].references == (Reference(Holding.DETACHED_TABLE, 10, 10, 6),)


def test_a_table_with_users_is_not_taken_for_a_detached_one(machine: Machine) -> None:
    table = machine.table({6: machine.file(machine.device(), count=1)}, users=1)
    machine.task(10, flags=PF_EXITING, state=UNINTERRUPTIBLE, stack=(table,))
    assert account(machine).hidden == 1


@pytest.mark.parametrize("under_way", [False, True])
def test_a_file_that_waits_for_its_release_belongs_to_its_task(machine: Machine, under_way: bool) -> None:
    other, file = machine.file(machine.kernel.make(), count=0), machine.file(machine.device(), count=0)
    work = machine.work((other, file))
    task = machine.task(10, flags=PF_EXITING, state=UNINTERRUPTIBLE, stack=(work,) if under_way else ())
    if not under_way:
        machine.kernel.set(task, "task_struct", "task_works", work)
    found = account(machine)
    assert found.accounted
    assert found.devices[0].references == (Reference(Holding.TASK_WORK, 10, 10),)


def test_a_file_that_a_worker_of_the_kernel_releases_is_nobody_else_s(machine: Machine) -> None:
    kernel = machine.kernel
    file = machine.file(machine.device(), count=0)
    kernel.put(kernel.symbol("delayed_fput_list"), file + kernel.offset("file", "f_llist"))
    assert account(machine).devices[0].references == (Reference(Holding.KERNEL_WORK),)


def test_a_request_names_its_waiter_and_its_operation(machine: Machine) -> None:
    task = machine.task(10)
    machine.request(8, waiter=task)
    machine.request(10, waiter=None)
    memory = take_account(machine.kernel)
    first, second = only(memory).requests
    assert (first.unique, first.opcode, first.node, first.tid) == (8, "FUSE_FLUSH", 2, 10)
    assert second.tid is None
    assert memory.awaited_by(10) == only(memory)
    assert memory.awaited_by(11) is None


def test_a_list_that_does_not_return_to_its_head_is_a_fault(machine: Machine) -> None:
    request = machine.request(8, waiter=None) + machine.kernel.offset("fuse_req", "list")
    machine.kernel.put(request, 0x10)
    with pytest.raises(FaultError):
        account(machine)


def test_virtiofs_has_no_devices_here(machine: Machine) -> None:
    machine.kernel.set(machine.owner, machine._owner, "iq.ops", FPUT)
    machine.device()
    found = account(machine)
    assert found.virtiofs
    assert not found.accounted, "somebody else answers it"


def test_without_fuse_there_are_no_connections(machine: Machine) -> None:
    del machine.kernel.symbols["fuse_conn_list"]
    assert take_account(machine.kernel).connections == ()


@given(
    tables=st.lists(st.dictionaries(st.integers(0, 63), st.integers(0, 2), max_size=4), max_size=4),
    hidden=st.lists(st.integers(0, 2), min_size=3, max_size=3),
)
def test_what_is_accounted_for_has_no_reference_elsewhere(tables: list[dict[int, int]], hidden: list[int]) -> None:
    """`tables`: which of three devices each descriptor is of; `hidden`: references to each that no table shows."""
    machine = Machine()
    kept = [sum(device in (each,) for table in tables for device in table.values()) for each in range(3)]
    files = [machine.file(machine.device(), count=kept[each] + hidden[each]) for each in range(3)]
    for tid, table in enumerate(tables, 10):
        machine.task(tid, files=machine.table({fd: files[device] for fd, device in table.items()}))
    assert account(machine).accounted == (not any(hidden) and all(kept))
