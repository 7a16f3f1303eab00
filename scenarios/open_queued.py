from harness.model.terms import Outcome
from harness.scenario import Before, Caller, Exercise, Kind, Place, Scenario
from harness.scenario.texts import queued

SCENARIO = Scenario(
    name="open-queued",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in open(2), whose request no server has read",
    why=queued("open-outside"),
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="open",
    before=Before.SERVER_STOPPED,
    exercise=Exercise.ARMED,
)
