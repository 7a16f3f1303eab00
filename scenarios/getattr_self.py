from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_by_itself

SCENARIO = Scenario(
    name="getattr-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server is in stat(2) on its own mount",
    why=held_by_itself("stat(2)", "fuse_lookup()", "LOOKUP"),
    measured=("deadlock on 6.1 and 6.18",),
    want=Outcome.DEADLOCK,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="getattr",
    rules=("getattr@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
