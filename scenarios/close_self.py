from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_by_itself

SCENARIO = Scenario(
    name="close-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server is in close(2) on its own mount",
    why=held_by_itself("close(2)", "fuse_flush()", "FLUSH"),
    measured=("deadlock on 6.1 and 6.18",),
    want=Outcome.DEADLOCK,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="close",
    rules=("flush@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
