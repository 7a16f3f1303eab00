from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-race",
    kind=Kind.DEFECT,
    summary="kills a namespace whose FUSE server holds its own file in the one table of all its threads",
    why="""\
All threads are alive at the kill and share one descriptor table, and nothing arranges who exits last. The table is
closed by the last of them (exit_files() -> put_files_struct() -> close_files()), whichever that is: that one sends the
FLUSH and sleeps in request_wait_answer(). Its reference to /dev/fuse is in the same table, and the final fput() of
that is task work, which runs after the flush (task_work_run() in do_exit()). So chance decides only whether the leader
is a zombie or the very task that is stuck.""",
    measured=(
        "deadlock in 100 of 100 runs on 6.18; the leader itself was the stuck task in 11 of them",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.SHARED,
    exercise=Exercise.FILE_HELD,
)
