from harness.model.terms import Outcome
from harness.scenario import Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="mmap-fault-outside",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process that touches a mapped page, while the server outside does not answer",
    why="""\
As in mmap-fault-self, the task does not wait for the answer but for the folio, and that wait is killable
(folio_lock_killable()). The namespace ends although the server outside never answers the READ.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="fault",
    rules=("read@/held:hang",),
    exercise=Exercise.REQUEST_HELD,
)
