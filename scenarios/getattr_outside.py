from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_outside

SCENARIO = Scenario(
    name="getattr-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in stat(2), while the server outside does not answer",
    why=held_outside("stat(2)", "fuse_lookup()", "LOOKUP"),
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="getattr",
    rules=("getattr@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
