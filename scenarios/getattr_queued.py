from harness.model.terms import Outcome
from harness.scenario import Before, Caller, Exercise, Kind, Place, Scenario

SCENARIO = Scenario(
    name="getattr-queued",
    kind=Kind.BEHAVIOUR,
    summary="kills a namespace with a process in stat(2), whose request no server has read",
    why="""\
The server outside is stopped, so no task reads the device and the request stays in the queue. The kernel drops a
request that has not been read when its caller is killed: request_wait_answer() waits killably for it, takes it off
the queue at the SIGKILL (fuse_remove_pending_req(); list_del() in older kernels) and returns. So the namespace ends,
unlike in getattr-outside, where the server has read the request.""",
    measured=("released on 6.1 and 6.18",),
    want=Outcome.RELEASED,
    server=Place.OUTSIDE,
    caller=Caller.PROCESS,
    call="getattr",
    before=Before.SERVER_STOPPED,
    exercise=Exercise.ARMED,
)
