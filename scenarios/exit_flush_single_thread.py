from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-single-thread",
    kind=Kind.DEFECT,
    summary="kills a namespace whose single-threaded FUSE server holds a file of its own mount",
    why="""\
The server has one thread, as with libfuse's -s. It cannot open a file of its own mount, for nobody would answer; it
has got the descriptor from another process (SCM_RIGHTS), as a server that is passed files does. At the kill that one
thread closes its table (close_files()), sends the FLUSH and waits in request_wait_answer() for itself: there is no
zombie, the leader is the stuck task, and no thread order that could matter.""",
    measured=(
        "deadlock on 6.1 and 6.18",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.RELEASED,
    server=Place.INSIDE,
    holder=Holder.PASSED,
    exercise=Exercise.ARMED,
)
