from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-single-thread",
    kind=Kind.DEFECT,
    summary="kills a namespace whose single-threaded FUSE server holds a file of its own mount",
    why="""\
The server has one thread, as with libfuse's -s. It cannot open a file of its own mount, because it could not answer
that request meanwhile. Another process has passed the descriptor to it (SCM_RIGHTS). At the kill, its only thread
closes its table (close_files()), sends the FLUSH and waits in request_wait_answer() for itself. There is no zombie:
the leader is the stuck task, and the order of threads cannot matter.""",
    measured=(
        "deadlock on 6.1 and 6.18",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.PASSED,
    exercise=Exercise.ARMED,
)
