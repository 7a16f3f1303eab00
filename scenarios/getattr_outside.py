from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="getattr-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in stat(2), whose server outside does not answer",
    why="""\
A process inside is in stat(2): fuse_lookup() has sent LOOKUP, which the server outside has read and does not
answer. request_wait_answer() waits uninterruptibly for a request that has been read, so the SIGKILL does not end it.
The server lives and could answer at any time: starved, not dead.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="getattr",
    rules=("getattr@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
