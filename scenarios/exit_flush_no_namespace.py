from harness.model.terms import Outcome
from harness.scenario import Exercise, Frame, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-no-namespace",
    kind=Kind.BEHAVIOUR,
    summary="kills a FUSE server that has no PID namespace of its own and holds a file of its own mount",
    why="""\
The same wait happens without any namespace: the thread that holds the file is in fuse_flush() below do_exit(), and
the process remains as a zombie leader with one thread in state D. There is no init and no zap_pid_ns_processes():
only this process hangs.""",
    measured=(
        "deadlock on 6.1 and 6.18, a zombie leader with one thread in D",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.DEADLOCK,
    frame=Frame.PROCESS,
    server=Place.INSIDE,
    holder=Holder.SERVER,
    exercise=Exercise.FILE_HELD,
)
