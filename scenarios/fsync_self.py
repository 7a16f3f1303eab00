from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import held_by_itself

SCENARIO = Scenario(
    name="fsync-self",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace whose FUSE server is in fsync(2) on its own mount",
    why=held_by_itself("fsync(2)", "fuse_fsync()", "FSYNC"),
    measured=("deadlock on 6.1 and 6.18",),
    want=Outcome.DEADLOCK,
    server=Place.INSIDE,
    caller=Caller.SERVER,
    call="fsync",
    rules=("fsync@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
