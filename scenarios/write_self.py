from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_by_itself

SCENARIO = Scenario(
    name="write-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server is in write(2) on its own mount",
    why=held_by_itself("write(2)", "fuse_perform_write()", "WRITE"),
    measured=("deadlock on 6.1 and 6.18",),
    want=Outcome.DEADLOCK,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="write",
    rules=("write@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
