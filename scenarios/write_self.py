from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="write-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server is in write(2) on its own mount",
    why="""\
A thread of the server is in write(2): fuse_perform_write() has sent WRITE, another thread has read it from the
device and does not answer. Once a request has been read, request_wait_answer() waits for it uninterruptibly: the
SIGKILL is pending and not acted on. The stuck thread keeps the descriptor table, and in it the device, so the
connection does not end with the other threads. It hangs by design, with the fix of 6.3 too: that one was about the
exit path alone.""",
    measured=("deadlock on 6.1 and 6.18",),
    want=Outcome.DEADLOCK,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="write",
    rules=("write@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
