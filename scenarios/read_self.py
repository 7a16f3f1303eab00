from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_by_itself

SCENARIO = Scenario(
    name="read-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server is in read(2) past the page cache (direct_io) on its own mount",
    why=held_by_itself("read(2) past the page cache (direct_io)", "fuse_direct_io()", "READ"),
    measured=("deadlock on 6.1 and 6.18",),
    want=Outcome.DEADLOCK,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="read",
    rules=("read@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
    mount_options=("direct_io",),
)
