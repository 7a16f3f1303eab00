from harness.model.terms import Outcome
from harness.scenario import Before, Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="close-queued",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in close(2), whose request nobody has read",
    why="""\
The server outside is stopped, so nobody reads the device and the FLUSH stays queued. FLUSH is forced (FR_FORCE): it
is not taken back when its caller is killed, read or not, and request_wait_answer() waits on uninterruptibly. SIGCONT
to the server ends it.""",
    measured=("starved on 6.1 and 6.18",),
    want=Outcome.STARVED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="close",
    before=Before.SERVER_STOPPED,
    exercise=Exercise.ARMED,
)
