from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="read-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in a direct_io read(2), while the server outside does not answer",
    why="""\
A process inside is in read(2) past the page cache (direct_io): fuse_direct_io() has sent READ. The server outside has
read the request and does not answer. Once a request has been read, request_wait_answer() waits uninterruptibly for
the answer, so the SIGKILL does not end the wait. The server lives and could answer at any time: the outcome is
starved, not deadlock.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="read",
    rules=("read@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
    mount_options=("direct_io",),
)
