from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_outside

SCENARIO = Scenario(
    name="fsync-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in fsync(2), while the server outside does not answer",
    why=held_outside("fsync(2)", "fuse_fsync()", "FSYNC"),
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="fsync",
    rules=("fsync@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
