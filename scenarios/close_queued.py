from harness.model.terms import Outcome
from harness.scenario import Before, Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="close-queued",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in close(2), whose request no server has read",
    why="""\
The server outside is stopped, so no task reads the device and the FLUSH stays in the queue. FLUSH is forced
(FR_FORCE): whether the server has read it or not, the kernel does not drop it when its caller is killed, and
request_wait_answer() continues to wait uninterruptibly. SIGCONT to the server ends the wait.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="close",
    before=Before.SERVER_STOPPED,
    exercise=Exercise.ARMED,
)
