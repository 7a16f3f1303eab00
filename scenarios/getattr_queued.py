from harness.model.terms import Outcome
from harness.scenario import Before, Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="getattr-queued",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in stat(2), whose request nobody has read",
    why="""\
The server outside is stopped, so nobody reads the device and the request stays queued. A request that was not read
yet dies with its caller: request_wait_answer() waits killably for it, takes it off the queue at the SIGKILL
(fuse_remove_pending_req(), or list_del() in older kernels) and returns. Against getattr-outside, where it had been
read, the namespace goes.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="getattr",
    before=Before.SERVER_STOPPED,
    exercise=Exercise.ARMED,
)
