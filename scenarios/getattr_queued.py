from harness.model.terms import Outcome
from harness.scenario import Before, Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import queued

SCENARIO = Scenario(
    name="getattr-queued",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in stat(2), whose request no server has read",
    why=queued("getattr-outside"),
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="getattr",
    before=Before.SERVER_STOPPED,
    exercise=Exercise.ARMED,
)
