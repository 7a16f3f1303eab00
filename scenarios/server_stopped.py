from harness.model.terms import Outcome
from harness.scenario import Before, Exercise, Holder, Kind, Place, Scenario

SCENARIO = Scenario(
    name="server-stopped",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace that uses the mount of a server outside, which is stopped (SIGSTOP)",
    why="""\
FLUSH is in the queue and no task reads it, because the server's threads are in state T. fuse_flush() still waits in
request_wait_answer(): FLUSH is forced and stays in the queue when its caller is killed. SIGCONT to the server ends
the wait, so the outcome is starved. A kill of the server ends it as well, because its exit closes the device.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    holder=Holder.PROCESS,
    before=Before.SERVER_STOPPED,
    exercise=Exercise.FILE_HELD,
)
