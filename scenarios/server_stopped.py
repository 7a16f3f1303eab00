from harness.model.terms import Outcome
from harness.scenario import Before, Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="server-stopped",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace that uses the mount of a server outside, which is stopped (SIGSTOP)",
    why="""\
FLUSH is queued and nobody reads it: the server's threads are in state T. fuse_flush() waits in request_wait_answer()
all the same, for FLUSH is forced and stays queued when its caller is killed. SIGCONT to the server ends it, so it is
starved; so does killing the server, whose exit closes the device.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    holder=Holder.PROCESS,
    before=Before.SERVER_STOPPED,
    exercise=Exercise.FILE_HELD,
)
