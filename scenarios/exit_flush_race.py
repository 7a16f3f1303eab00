from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-race",
    kind=Kind.DEFECT,
    summary="kills a namespace whose FUSE server holds its own file in the descriptor table of all its threads",
    why="""\
All threads are alive at the kill and share one descriptor table, and chance decides which of them exits last. The
last one closes the table (exit_files() -> put_files_struct() -> close_files()): it sends the FLUSH and sleeps in
request_wait_answer(). Its reference to /dev/fuse is in the same table, and the final fput() of the device is task
work, which runs after the flush (task_work_run() in do_exit()). So chance decides only whether the leader is a zombie
or the stuck task itself.""",
    measured=(
        "deadlock in 100 of 100 runs on 6.18; the leader itself was the stuck task in 11 of them",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.SHARED,
    exercise=Exercise.FILE_HELD,
)
