from harness.model.terms import Outcome
from harness.scenario import Exercise, Frame, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="exit-flush-nested-namespace",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a nested PID namespace in it, which has the FUSE server of exit-flush-self",
    why="""\
This is exit-flush-self, one PID namespace deeper: a container in a container. Two inits are in
zap_pid_ns_processes(): the outer one waits for the inner one, and the inner one waits for the thread in fuse_flush().
No task of the outer namespace shows a sign of FUSE.""",
    measured=(
        "deadlock on 6.1 and 6.18, two inits in the zap",
        "released on 6.1 with the idea of commit 5a8bee63b10f (in v6.3, reverted in v6.6 by 91ec6c85599b) applied",
    ),
    want=Outcome.DEADLOCK,
    frame=Frame.NESTED,
    server=Place.INSIDE,
    holder=Holder.SERVER,
    exercise=Exercise.FILE_HELD,
)
