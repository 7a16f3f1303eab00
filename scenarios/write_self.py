from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="write-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server is in write(2) on its own mount",
    why="""\
A thread of the server is in write(2): fuse_perform_write() has sent WRITE. Another thread has read the request from
the device and does not answer. Once a request has been read, request_wait_answer() waits uninterruptibly for the
answer, so the SIGKILL stays pending. The stuck thread keeps the descriptor table, which has the device in it, so the
connection does not end with the other threads. Kernels hang here by design. The fix of 6.3 does not change that: it
concerns the exit path only.""",
    measured=("deadlock on 6.1 and 6.18",),
    want=Outcome.DEADLOCK,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="write",
    rules=("write@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
