from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="write-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in write(2), whose server outside does not answer",
    why="""\
A process inside is in write(2): fuse_perform_write() has sent WRITE, which the server outside has read and does not
answer. request_wait_answer() waits uninterruptibly for a request that has been read, so the SIGKILL does not end it.
The server lives and could answer at any time: starved, not dead.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="write",
    rules=("write@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
