from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_outside

SCENARIO = Scenario(
    name="read-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in a direct_io read(2), while the server outside does not answer",
    why=held_outside("read(2) past the page cache (direct_io)", "fuse_direct_io()", "READ"),
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="read",
    rules=("read@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
    mount_options=("direct_io",),
)
