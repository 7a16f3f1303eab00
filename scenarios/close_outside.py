from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_outside

SCENARIO = Scenario(
    name="close-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in close(2), while the server outside does not answer",
    why=held_outside("close(2)", "fuse_flush()", "FLUSH"),
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="close",
    rules=("flush@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
