from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="read-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in read(2) by direct_io, whose server outside does not answer",
    why="""\
A process inside is in read(2) past the page cache (direct_io): fuse_direct_io() has sent READ, which the server
outside has read and does not answer. request_wait_answer() waits uninterruptibly for a request that has been read,
so the SIGKILL does not end it. The server lives and could answer at any time: starved, not dead.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="read",
    rules=("read@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
    mount_options=("direct_io",),
)
